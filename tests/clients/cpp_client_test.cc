#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/actions.h"
#include "clients/cpp/client.h"
#include "clients/cpp/rewards.h"
#include "clients/cpp/session.h"
#include "common/retry_hint.h"
#include "fake_server.h"
#include "tests/server/comes.h"

namespace proctor::client {
namespace {

constexpr std::chrono::seconds kPatience(30);

class CppClientTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = FakeServer::Start();
    auto client =
        Client::Connect({.address = server_->address(), .first_backoff = absl::Milliseconds(5)});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  std::unique_ptr<Session> Open(absl::Duration lease = absl::Seconds(60)) {
    auto session = Session::Open(*client_, {.environment = "null", .lease = lease});
    EXPECT_TRUE(session.ok()) << session.status();
    return *std::move(session);
  }

  std::unique_ptr<RewardSubscription> Subscribe(int window = 4) {
    SubscriptionOptions options{.consumer = "trainer", .window = window};
    options.start.set_earliest(true);
    auto subscription = RewardSubscription::Open(*client_, options);
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    return *std::move(subscription);
  }

  std::unique_ptr<FakeServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(CppClientTest, ConnectTellsHowToStartAServer) {
  const auto client =
      Client::Connect({.address = "127.0.0.1:1", .connect_timeout = absl::Milliseconds(50)});
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(client.status().message()),
              testing::HasSubstr("start it with: proctord"));
}

TEST_F(CppClientTest, RetriesUnavailableWithTheSameRequestId) {
  server_->FailUnary(2, /*after=*/true);
  v1::CreateTaskRequest request;
  request.mutable_task()->set_goal("x");
  ASSERT_TRUE(client_->Call<v1::Task>(request).ok());
  EXPECT_EQ(server_->Calls("CreateTask"), 3);
  const auto ids = server_->request_ids();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1u);
  EXPECT_FALSE(ids[0].empty());
}

TEST_F(CppClientTest, DoesNotRepeatWhatIsNotSafe) {
  server_->FailUnary(1, /*after=*/true);
  v1::AcceptTaskRequest request;
  request.set_name("tasks/t1");
  EXPECT_EQ(client_->Call<v1::Task>(request).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->Calls("AcceptTask"), 1);
}

TEST_F(CppClientTest, GivesUpAfterItsAttempts) {
  server_->FailUnary(100, false);
  EXPECT_EQ(client_->Call<v1::ListJobsResponse>(v1::ListJobsRequest()).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->Calls("ListJobs"), client_->options().max_attempts);
}

// So gRPC's server ends calls that come in while it stops.
TEST_F(CppClientTest, AServerThatCancelsCallsIsAway) {
  server_->FailUnary(2, /*after=*/true, absl::StatusCode::kCancelled);
  EXPECT_TRUE(client_->Call<v1::ListJobsResponse>(v1::ListJobsRequest()).ok());
  EXPECT_EQ(server_->Calls("ListJobs"), 3);
  server_->FailUnary(100, /*after=*/true, absl::StatusCode::kCancelled);
  EXPECT_EQ(client_->Call<v1::ListJobsResponse>(v1::ListJobsRequest()).status(),
            absl::UnavailableError("the server ended the call while it stopped: broken on purpose"));
  v1::AcceptTaskRequest request;
  request.set_name("tasks/t1");
  EXPECT_EQ(client_->Call<v1::Task>(request).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->Calls("AcceptTask"), 1);
}

TEST_F(CppClientTest, TellsProctordsAnswersFromCallsThatGotNone) {
  const auto away = Session::Open(*client_, {.environment = "away"});
  EXPECT_EQ(away.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(IsAnswer(away.status()));
  server_->FailUnary(100, /*after=*/false);
  const absl::Status lost = client_->Call<v1::ListJobsResponse>(v1::ListJobsRequest()).status();
  EXPECT_EQ(lost.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(IsAnswer(lost));
}

TEST_F(CppClientTest, PassesErrorsAndRetryHintsOn) {
  v1::GetTaskRequest request;
  request.set_name("tasks/none");
  EXPECT_EQ(client_->Call<v1::Task>(request).status().code(), absl::StatusCode::kNotFound);
  const auto full = Session::Open(*client_, {.environment = "full"});
  EXPECT_EQ(full.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryHint(full.status()), absl::Milliseconds(1500));
}

TEST_F(CppClientTest, RefusesTypesThatNoMethodHas) {
  EXPECT_EQ(client_->Call<v1::Task>(v1::ListJobsRequest()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->Call<v1::Task>(v1::Task()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CppClientTest, FollowsPages) {
  int tasks = 0;
  ASSERT_TRUE(client_
                  ->ListPages<v1::ListTasksResponse>(v1::ListTasksRequest(),
                                                     [&](const v1::ListTasksResponse& page) {
                                                       tasks += page.tasks_size();
                                                       return true;
                                                     })
                  .ok());
  EXPECT_EQ(tasks, 10);
  EXPECT_EQ(server_->Calls("ListTasks"), 3);
}

TEST_F(CppClientTest, ActsAndWaits) {
  const auto session = Open();
  auto episode = session->Start("t1", Observe({v1::OBSERVATION_PART_ELEMENTS}));
  ASSERT_TRUE(episode.ok()) << episode.status();
  EXPECT_EQ(episode->goal(), "Find the answer 1\nto everything");
  EXPECT_EQ(episode->observation().title(), "start");
  ASSERT_TRUE(episode->Step(Click(Mark(1))).ok());
  EXPECT_EQ(episode->observation().title(), "step 0");
  EXPECT_EQ(episode->Look({})->title(), "looked");
  ASSERT_TRUE(episode->Step(Answer("42")).ok());
  EXPECT_TRUE(episode->done());
  EXPECT_EQ(episode->Wait(absl::Seconds(5))->reward().value(), 1);
  EXPECT_EQ(episode->Step(Noop()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CppClientTest, BrokenStreamNeverActsTwice) {
  const auto session = Open();
  server_->BreakAct(1);
  auto episode = session->Start("t1", {});
  ASSERT_TRUE(episode.ok()) << episode.status();
  for (int i = 0; i < 5; ++i) {
    server_->BreakAct(2);
    ASSERT_TRUE(episode->Step(Noop()).ok());
  }
  EXPECT_EQ(server_->steps(), 5);
  EXPECT_EQ(server_->Calls("step"), 15);
}

TEST_F(CppClientTest, VerbErrorsKeepTheStream) {
  const auto session = Open();
  EXPECT_EQ(session->Start("missing", {}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(session->Start("t1", {}).ok());
  EXPECT_EQ(server_->Calls("attach"), 1);
}

TEST_F(CppClientTest, ClosesSessionsAndCancelsEpisodes) {
  {
    const auto session = Open();
    auto episode = session->Start("t1", {});
    ASSERT_TRUE(episode.ok());
    Episode moved = *std::move(episode);
    EXPECT_EQ(server_->Calls("end_episode"), 0);
  }
  EXPECT_EQ(server_->Calls("end_episode"), 1);
  EXPECT_EQ(server_->open_sessions(), 0);
}

TEST_F(CppClientTest, KeepsTheLeaseUp) {
  const auto session = Open(absl::Milliseconds(30));
  EXPECT_TRUE(Comes([&] { return server_->Calls("KeepAlive") >= 2; }, kPatience));
  EXPECT_TRUE(session->Close().ok());
  EXPECT_TRUE(session->Close().ok());
}

TEST_F(CppClientTest, SurvivesAServerRestart) {
  const auto restarts = [this] {
    const int port = server_->port();
    server_.reset();
    server_ = FakeServer::Start(port);
    return server_ != nullptr;
  };
  // Between two servers the port may become somebody else's: then others take another one.
  for (int attempt = 0; !restarts(); ++attempt) {
    ASSERT_LT(attempt, 5);
    ASSERT_NO_FATAL_FAILURE(SetUp());
  }
  EXPECT_TRUE(client_->Call<v1::ListJobsResponse>(v1::ListJobsRequest()).ok());
}

TEST_F(CppClientTest, DeliversRewardsInOrderWithCredits) {
  server_->AddRewards(50);
  const auto rewards = Subscribe(4);
  for (int64_t i = 1; i <= 50; ++i) {
    const auto record = rewards->Next(absl::Seconds(10));
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_EQ(record->offset(), i);
    rewards->Ack(i);
  }
  ASSERT_TRUE(rewards->Flush(absl::Seconds(10)).ok());
  EXPECT_EQ(server_->committed(), 50);
  EXPECT_EQ(rewards->Next(absl::Milliseconds(20)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  server_->AddRewards(1);
  EXPECT_EQ(rewards->Next(absl::Seconds(10))->offset(), 51);
}

TEST_F(CppClientTest, ReconnectsWithoutLossOrRepetition) {
  server_->AddRewards(30);
  server_->BreakRewardsEvery(3);
  const auto rewards = Subscribe(8);
  for (int64_t i = 1; i <= 30; ++i) {
    const auto record = rewards->Next(absl::Seconds(10));
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_EQ(record->offset(), i);
    rewards->Ack(i);
  }
}

TEST_F(CppClientTest, GoesOnWhenAcknowledgementsCouldNotBeStoredForAWhile) {
  server_->AddRewards(30);
  const auto rewards = Subscribe(8);
  server_->FailAcks(3);
  for (int64_t i = 1; i <= 30; ++i) {
    const auto record = rewards->Next(absl::Seconds(10));
    ASSERT_TRUE(record.ok()) << record.status();
    ASSERT_EQ(record->offset(), i);
    rewards->Ack(i);
  }
  const absl::Status flushed = rewards->Flush(absl::Seconds(10));
  EXPECT_TRUE(flushed.ok()) << flushed;
  EXPECT_EQ(server_->committed(), 30);
}

// The server's time for a commit, not the client's for a record.
TEST_F(CppClientTest, GoesOnWhenAcknowledgementsTookTheServerTooLong) {
  server_->AddRewards(2);
  const auto rewards = Subscribe(1);
  ASSERT_TRUE(rewards->Next(absl::Seconds(10)).ok());
  server_->FailAcks(1, absl::StatusCode::kDeadlineExceeded);
  rewards->Ack(1);
  const absl::Status flushed = rewards->Flush(absl::Seconds(10));
  EXPECT_TRUE(flushed.ok()) << flushed;
  EXPECT_EQ(server_->committed(), 1);
  EXPECT_EQ(rewards->Next(absl::Seconds(10))->offset(), 2);
}

TEST_F(CppClientTest, TellsAfterItsTimeoutThatAcknowledgementsCannotBeStored) {
  server_->AddRewards(1);
  const auto rewards = Subscribe();
  server_->FailAcks(1'000'000);
  ASSERT_TRUE(rewards->Next(absl::Seconds(10)).ok());
  rewards->Ack(1);
  absl::Status status;
  const auto told = [&] {  // An attempt that is under way at the end has told nothing yet.
    status = rewards->Flush(absl::Milliseconds(200));
    return !absl::IsDeadlineExceeded(status);
  };
  EXPECT_TRUE(Comes(told, kPatience));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  server_->FailAcks(0);
  const auto stored = [&] {
    status = rewards->Flush(absl::Seconds(10));
    return !absl::IsResourceExhausted(status);
  };
  EXPECT_TRUE(Comes(stored, kPatience));
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(CppClientTest, UnacknowledgedRewardsComeAgain) {
  server_->AddRewards(5);
  {
    const auto rewards = Subscribe();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(rewards->Next(absl::Seconds(10)).ok());
    rewards->Ack(2);
    ASSERT_TRUE(rewards->Flush(absl::Seconds(10)).ok());
  }
  EXPECT_EQ(Subscribe()->Next(absl::Seconds(10))->offset(), 3);
}

TEST_F(CppClientTest, WatchesJobsAcrossABreak) {
  v1::ProposeTasksRequest request;
  request.set_count(10);
  ASSERT_TRUE(client_->Call<v1::Job>(request).ok());
  server_->FailUnary(1, false);
  int64_t last = -1;
  const auto job = client_->WaitJob("propose", absl::Seconds(10),
                                    [&](const v1::Job& now) { last = now.done(); });
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(last, 10);
  EXPECT_EQ(server_->Calls("WatchJob"), 2);
  EXPECT_EQ(client_->WaitJob("none", absl::Seconds(10)).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(CppClientTest, WaitsForAJobLongerThanACallIsTriedAgain) {
  v1::ProposeTasksRequest request;
  request.set_count(10);
  ASSERT_TRUE(client_->Call<v1::Job>(request).ok());
  server_->RefuseWatches(client_->options().max_attempts);
  std::vector<absl::StatusCode> away;
  const auto job = client_->WaitJob("propose", absl::Minutes(1), nullptr, [&](const absl::Status& why) { away.push_back(why.code()); });
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(away, std::vector<absl::StatusCode>{absl::StatusCode::kUnavailable});
  EXPECT_EQ(job->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(server_->Calls("WatchJob"), client_->options().max_attempts + 1);
}

TEST_F(CppClientTest, GivesAJobUpAfterItsPatience) {
  const auto hasty = Client::Connect({.address = server_->address(),
                                      .first_backoff = absl::Milliseconds(5),
                                      .watch_patience = absl::Milliseconds(20)});
  ASSERT_TRUE(hasty.ok()) << hasty.status();
  server_->RefuseWatches(1'000'000);
  EXPECT_EQ((*hasty)->WaitJob("broken", absl::Hours(1)).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(CppClientTest, ReadsBlobs) {
  EXPECT_EQ(*client_->ReadBlob(std::string(64, 'a')), "one two three");
  EXPECT_EQ(client_->ReadBlob(std::string(64, 'a'), 5).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(client_->ReadBlob(std::string(64, 'b')).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(CppClientTest, ReadsABlobThatBreaksOffAgainFromItsStart) {
  server_->FailUnary(2, /*after=*/false);
  const auto bytes = client_->ReadBlob(std::string(64, 'a'));
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(*bytes, "one two three");
  EXPECT_EQ(server_->Calls("ReadBlob"), 3);
  server_->FailUnary(100, /*after=*/false);
  EXPECT_EQ(client_->ReadBlob(std::string(64, 'a')).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->Calls("ReadBlob"), 3 + client_->options().max_attempts);
}

TEST(RetryDelayTest, DoublesUpToItsCapAndObeysHints) {
  const absl::Status failure = absl::UnavailableError("x");
  EXPECT_LE(RetryDelay(failure, 1, absl::Milliseconds(100)), absl::Milliseconds(125));
  EXPECT_GE(RetryDelay(failure, 4, absl::Milliseconds(100)), absl::Milliseconds(600));
  EXPECT_LE(RetryDelay(failure, 60, absl::Milliseconds(100)), absl::Seconds(6.25));
  EXPECT_EQ(RetryDelay(WithRetryHint(failure, absl::Seconds(9)), 1, absl::Milliseconds(1)),
            absl::Seconds(9));
}

}  // namespace
}  // namespace proctor::client
