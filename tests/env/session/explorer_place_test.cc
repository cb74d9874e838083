// Explorers beside sessions: together they have no more places than there are, and sessions come first.
#include "env/explorer_place.h"

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "common/proto_time.h"
#include "env/null/null_environment.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {
namespace {

using testing::HasSubstr;

class ExplorerPlaceTest : public testing::Test {
 protected:
  using Answer = std::future<absl::StatusOr<v1::Session>>;
  using Place = std::unique_ptr<ExplorerPlace>;

  void Open(int max_sessions, int quota = 100, absl::Duration max_wait = absl::Minutes(10)) {
    admission_ = std::make_unique<FakeAdmission>(quota);
    SessionManagerOptions options;
    options.admission = admission_.get();
    options.max_wait = max_wait;
    fixture_ = std::make_unique<SessionFixture>(clock_, options);
    fixture_->manager().Register("null", null_, max_sessions);
  }
  Answer Ask(absl::Duration max_wait) {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    *request.mutable_max_wait() = ToProto(max_wait);
    auto answer = std::make_shared<std::promise<absl::StatusOr<v1::Session>>>();
    fixture_->manager().Create(CallContext(), request, [answer](auto result) { answer->set_value(std::move(result)); }, "lab");
    return answer->get_future();
  }
  absl::StatusOr<v1::Session> Have() { return Ask(absl::ZeroDuration()).get(); }
  Place Explorer(const std::string& environment_id = "null") {
    return std::make_unique<ExplorerPlace>(fixture_->manager(), environment_id, "crawler");
  }
  // Waits for its place on a thread of its own.
  std::future<absl::Status> AwaitLater(ExplorerPlace& place, const CallContext& context = CallContext()) {
    const int before = Usage().explorers_waiting;
    auto answer = std::async(std::launch::async, [&place, context] { return place.Await(context); });
    while (Usage().explorers_waiting == before && answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      std::this_thread::yield();
    }
    return answer;
  }
  SessionUsage Usage() { return fixture_->manager().Usage().at(0); }

  SimulatedClock clock_;
  NullEnvironment null_;
  std::unique_ptr<FakeAdmission> admission_;
  std::unique_ptr<SessionFixture> fixture_;
};

TEST_F(ExplorerPlaceTest, SessionsAndExplorersTogetherHaveNoMoreThanThereAre) {
  Open(4);
  const Place one = Explorer(), two = Explorer();
  EXPECT_TRUE(one->Await(CallContext()).ok());
  EXPECT_TRUE(two->Try());
  EXPECT_EQ(Usage().exploring, 2);
  EXPECT_TRUE(Have().ok());
  const auto last = Have();
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(fixture_->manager().DescribeEnvironment("environments/null")->open_sessions(), 4);
  const absl::Status full = Have().status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("2 by crawls"));
  EXPECT_EQ(Usage().opening, 0);
  two->GiveBack();
  EXPECT_TRUE(Have().ok());
  EXPECT_FALSE(two->Try());
  EXPECT_EQ(Usage().exploring, 1);
}

TEST_F(ExplorerPlaceTest, ExplorersHaveHalfOfThePlacesAtMost) {
  Open(5);
  const Place one = Explorer(), two = Explorer(), three = Explorer();
  EXPECT_TRUE(one->Try() && two->Try());
  EXPECT_FALSE(three->Try());
  one->GiveBack();
  EXPECT_TRUE(three->Try());
}

TEST_F(ExplorerPlaceTest, TheOnlyPlaceIsOneThatAnExplorerMayHave) {
  Open(1);
  const Place one = Explorer();
  EXPECT_TRUE(one->Await(CallContext()).ok());
  EXPECT_FALSE(Have().ok());
}

TEST_F(ExplorerPlaceTest, AwaitsASessionsEnd) {
  Open(1);
  const auto session = Have();
  const Place place = Explorer();
  EXPECT_FALSE(place->Try());
  auto waiting = AwaitLater(*place);
  EXPECT_EQ(Usage().explorers_waiting, 1);
  ASSERT_TRUE(fixture_->Close(session->name()).ok());
  EXPECT_TRUE(waiting.get().ok());
  EXPECT_TRUE(place->held());
  EXPECT_EQ(Usage().explorers_waiting, 0);
  EXPECT_EQ(Usage().exploring, 1);
}

TEST_F(ExplorerPlaceTest, ASessionThatWaitsComesBeforeAnExplorerThatCameFirst) {
  Open(1);
  const auto session = Have();
  const Place place = Explorer();
  auto waiting = AwaitLater(*place);
  Answer other = Ask(absl::Minutes(5));
  ASSERT_TRUE(fixture_->Close(session->name()).ok());
  const auto second = other.get();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Usage().explorers_waiting, 1);
  ASSERT_TRUE(fixture_->Close(second->name()).ok());
  EXPECT_TRUE(waiting.get().ok());
}

TEST_F(ExplorerPlaceTest, WhatIsLentGoesToTheSessionThatWaits) {
  Open(1);
  const Place place = Explorer();
  ASSERT_TRUE(place->Try());
  EXPECT_FALSE(place->wanted());
  Answer session = Ask(absl::Minutes(5));
  EXPECT_TRUE(place->wanted());
  place->Lend();
  const auto opened = session.get();
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_FALSE(place->held());
  auto waiting = AwaitLater(*place);
  ASSERT_TRUE(fixture_->Close(opened->name()).ok());
  EXPECT_TRUE(waiting.get().ok());
}

TEST_F(ExplorerPlaceTest, ExplorersComeInTheirOrder) {
  Open(1);
  const Place first = Explorer(), second = Explorer(), third = Explorer();
  ASSERT_TRUE(first->Try());
  auto second_waits = AwaitLater(*second);
  EXPECT_TRUE(first->wanted());
  auto third_waits = AwaitLater(*third);
  first->Lend();
  EXPECT_FALSE(first->Try());
  EXPECT_TRUE(second_waits.get().ok());
  EXPECT_EQ(third_waits.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  second->GiveBack();
  EXPECT_TRUE(third_waits.get().ok());
}

TEST_F(ExplorerPlaceTest, WhoGivesUpStandsInNobodysWay) {
  Open(1);
  const auto session = Have();
  const Place first = Explorer(), second = Explorer();
  const CallContext context(absl::InfiniteFuture(), std::make_shared<CancelToken>());
  auto cancelled = AwaitLater(*first, context);
  auto waiting = AwaitLater(*second);
  context.cancel()->Cancel();
  EXPECT_EQ(cancelled.get().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(admission_->counted("crawler"), 1);
  ASSERT_TRUE(fixture_->Close(session->name()).ok());
  EXPECT_TRUE(waiting.get().ok());
}

TEST_F(ExplorerPlaceTest, AServerThatDrainsGivesNone) {
  Open(1);
  const auto session = Have();
  const Place place = Explorer();
  const CallContext context(absl::InfiniteFuture(), std::make_shared<CancelToken>());
  auto waiting = AwaitLater(*place, context);
  fixture_->manager().StopAdmitting();
  ASSERT_TRUE(fixture_->Close(session->name()).ok());
  EXPECT_FALSE(Explorer()->Try());
  context.cancel()->Cancel();
  EXPECT_EQ(waiting.get().code(), absl::StatusCode::kCancelled);
}

TEST_F(ExplorerPlaceTest, NoPlaceInTimeNamesTheSetting) {
  Open(1, 100, absl::ZeroDuration());
  const auto session = Have();
  const Place place = Explorer();
  const absl::Status late = place->Await(CallContext());
  EXPECT_EQ(late.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(late.message()), HasSubstr("environments.null.max_sessions"));
  EXPECT_EQ(Usage().explorers_waiting, 0);
  EXPECT_EQ(admission_->counted("crawler"), 0);
  ASSERT_TRUE(fixture_->Close(session->name()).ok());
  EXPECT_TRUE(place->Await(CallContext()).ok());
}

TEST_F(ExplorerPlaceTest, ADeadlineIsTheCallersOwn) {
  Open(1);
  const auto session = Have();
  EXPECT_EQ(Explorer()->Await(CallContext::WithTimeout(absl::ZeroDuration())).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ExplorerPlaceTest, CountsToItsTenantFromItsWaitOn) {
  Open(1, 1);
  const auto session = Have();
  const Place first = Explorer(), second = Explorer();
  auto waiting = AwaitLater(*first);
  EXPECT_EQ(admission_->counted("crawler"), 1);
  EXPECT_EQ(second->Await(CallContext()).message(), "quota");
  EXPECT_FALSE(second->Try());
  ASSERT_TRUE(fixture_->Close(session->name()).ok());
  ASSERT_TRUE(waiting.get().ok());
  first->Lend();
  EXPECT_EQ(admission_->counted("crawler"), 1);
  EXPECT_TRUE(first->Await(CallContext()).ok());
  first->GiveBack();
  EXPECT_EQ(admission_->counted("crawler"), 0);
}

TEST_F(ExplorerPlaceTest, OneThatIsGoneLeavesNothing) {
  Open(2);
  {
    const Place place = Explorer();
    ASSERT_TRUE(place->Try());
  }
  EXPECT_EQ(Usage().exploring, 0);
  EXPECT_EQ(admission_->counted("crawler"), 0);
}

TEST_F(ExplorerPlaceTest, AnUnknownEnvironmentIsNotFound) {
  Open(1);
  EXPECT_EQ(Explorer("nowhere")->Await(CallContext()).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(Explorer("nowhere")->Try());
  EXPECT_EQ(admission_->counted("crawler"), 0);
}

}  // namespace
}  // namespace proctor::env
