// Sessions of the C++ client whose server is slow, or lost them.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/actions.h"
#include "clients/cpp/client.h"
#include "clients/cpp/session.h"
#include "fake_server.h"

namespace proctor::client {
namespace {

class CppSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    // One attempt a call: what is lost is seen.
    auto client = Client::Connect({.address = server_->address(), .max_attempts = 1});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  std::unique_ptr<Session> Open(absl::Duration lease = absl::Seconds(60)) {
    auto session = Session::Open(*client_, {.environment = "null", .lease = lease});
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }
  int SignsOfLife(const Session& session) const { return server_->Calls(absl::StrCat("KeepAlive ", session.name())); }
  // Waits for as many; a test that waits in vain is ended by its timeout.
  void AwaitSignsOfLife(const Session& session, int count) const {
    while (SignsOfLife(session) < count) absl::SleepFor(absl::Milliseconds(1));
  }

  std::unique_ptr<FakeServer> server_ = FakeServer::Start();
  std::unique_ptr<Client> client_;
};

TEST_F(CppSessionTest, ClosingDoesNotWaitForASignOfLife) {
  server_->HoldKeepAlives();
  // Once is enough; a machine that stands still for two seconds just then gets another chance.
  for (int i = 0; i < 5 && server_->keep_alives_given_up() == 0; ++i) {
    const auto session = Open(absl::Seconds(6));
    AwaitSignsOfLife(*session, 1);
    EXPECT_TRUE(session->Close().ok());
    while (server_->keep_alives_held() > 0) absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_GT(server_->keep_alives_given_up(), 0);
}

TEST_F(CppSessionTest, ALostSessionIsNotKeptAlive) {
  const auto lost = Open(absl::Milliseconds(150));
  AwaitSignsOfLife(*lost, 1);
  server_->CloseSessions();
  const int before = SignsOfLife(*lost);
  // Another one that goes on is the clock. On a slow machine an answer may miss its deadline, and be asked for again.
  const auto clock = Open(absl::Milliseconds(150));
  AwaitSignsOfLife(*clock, 20);
  EXPECT_LT(SignsOfLife(*lost) - before, 10);
}

TEST_F(CppSessionTest, AStartWhoseAnswerWasLostDoesNotBlockTheNext) {
  const auto session = Open();
  server_->BreakAct(1);
  EXPECT_EQ(session->Start("t1", {}).status().code(), absl::StatusCode::kUnavailable);
  auto episode = session->Start("t1", {});
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(episode->name(), "episodes/e1");
  EXPECT_TRUE(episode->Step(Noop()).ok());
}

TEST_F(CppSessionTest, AStartThatGotLostOnItsWayNeedsNoEnd) {
  const auto session = Open();
  server_->BreakAct(2);
  EXPECT_EQ(session->Start("missing", {}).status().code(), absl::StatusCode::kUnavailable);
  // Neither does an end whose own answer was lost.
  EXPECT_EQ(session->Start("t1", {}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(session->Start("t1", {}).ok());
}

TEST_F(CppSessionTest, AStartOfTheSameIdIsTheSameEpisode) {
  const auto session = Open();
  v1::StartEpisodeRequest request;
  request.set_request_id("mine");
  request.set_task("tasks/t1");
  server_->BreakAct(1);
  EXPECT_EQ(session->Start(request).status().code(), absl::StatusCode::kUnavailable);
  auto episode = session->Start(request);
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(episode->name(), "episodes/e0");
  EXPECT_TRUE(episode->Step(Noop()).ok());
  EXPECT_EQ(server_->Calls("end_episode"), 0);
}

TEST_F(CppSessionTest, AnEpisodeWhoseStepWasLostEndsWhenAnotherStarts) {
  const auto session = Open();
  auto episode = session->Start("t1", {});
  ASSERT_TRUE(episode.ok()) << episode.status();
  server_->BreakAct(1);
  EXPECT_EQ(episode->Step(Noop()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(episode->done());
  auto next = session->Start("t2", {});
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(episode->done());
  EXPECT_EQ(episode->Step(Noop()).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(episode->Look({}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(episode->End(v1::CLIENT_END_DONE)->end_kind(), v1::END_KIND_INTERRUPTED);
  // The old one's destructor leaves the new one alone.
  *episode = *std::move(next);
  EXPECT_TRUE(episode->Step(Noop()).ok());
  EXPECT_EQ(server_->Calls("end_episode"), 1);
}

TEST_F(CppSessionTest, AnEpisodeThatIsKnownToBeOpenIsNotEndedByAStart) {
  const auto session = Open();
  auto episode = session->Start("t1", {});
  ASSERT_TRUE(episode.ok()) << episode.status();
  server_->BreakAct(1);
  EXPECT_EQ(episode->Look({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(session->Start("t2", {}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(episode->Step(Noop()).ok());
}

}  // namespace
}  // namespace proctor::client
