// What settings do to the real server, where only a whole one shows it.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "tests/server/change_rows.h"
#include "tests/server/proctord_fixture.h"

namespace proctor::server {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ProctordSettingsTest : public ProctordTest {
 protected:
  void StartWith(const std::string& settings) {
    std::ofstream(server_.config(), std::ios::app) << settings;
    Start();
  }

  grpc::Status CreateSession(const google::protobuf::Duration* lease, v1::Session* session) {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    if (lease != nullptr) *request.mutable_lease() = *lease;
    ClientContext context;
    return worlds_->CreateSession(&context, request, session);
  }

  // The end of a job, which must be a success.
  static v1::Job Await(const std::shared_ptr<grpc::Channel>& channel, const std::string& name) {
    v1::WatchJobRequest request;
    request.set_name(name);
    ClientContext context;
    const auto stream = v1::JobService::NewStub(channel)->WatchJob(&context, request);
    v1::Job job;
    while (stream->Read(&job)) {
    }
    EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.error_message();
    return job;
  }
};

TEST_F(ProctordSettingsTest, LeasesAreThoseOfTheConfiguration) {
  ASSERT_NO_FATAL_FAILURE(StartWith("sessions: {default_lease: 20s, max_lease: 30s}\n"));
  v1::Session session;
  ASSERT_TRUE(CreateSession(nullptr, &session).ok());
  EXPECT_EQ(session.lease().seconds(), 20);
  google::protobuf::Duration lease;
  lease.set_seconds(30);
  ASSERT_TRUE(CreateSession(&lease, &session).ok());
  EXPECT_EQ(session.lease().seconds(), 30);
  lease.set_seconds(31);
  const grpc::Status longer = CreateSession(&lease, &session);
  EXPECT_EQ(longer.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(longer.error_message(), HasSubstr("to 30s"));
}

// Two consumers have acknowledged less than there is. Both were last here long ago, as after a long stop of the server; one comes back.
TEST_F(ProctordSettingsTest, AConsumerThatDoesNotComeBackWithinItsExpiryHoldsNoRewardsBack) {
  ASSERT_NO_FATAL_FAILURE(StartWith("reward_log: {retention: 1h, consumer_expiry: 1m}\n"));
  for (const char* name : {"consumers/gone", "consumers/here"}) {
    v1::CreateConsumerRequest request;
    request.set_name(name);
    request.mutable_start()->set_earliest(true);
    v1::Consumer consumer;
    ClientContext context;
    ASSERT_TRUE(rewards_->CreateConsumer(&context, request, &consumer).ok());
  }
  const std::string session = MakeSession();
  for (int i = 0; i < 2; ++i) {
    StartEpisode(session, MakeTask());
    Act(session, Answer("42"));
  }
  EXPECT_EQ(LogLength(), 2);
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  const auto ago = [](absl::Duration time) { return absl::ToUnixMicros(absl::Now() - time); };
  ChangeRows(server_.data(), "UPDATE reward_records SET create_time = $1", {ago(absl::Hours(9))});
  ChangeRows(server_.data(), "UPDATE reward_consumers SET last_seen_time = $1", {ago(absl::Hours(9))});
  ChangeRows(server_.data(), "UPDATE reward_consumers SET committed = 1 WHERE id = 'here'");
  const absl::Time start = absl::Now();
  ASSERT_NO_FATAL_FAILURE(Start());
  grpc::ClientContext back;
  back.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(4));
  const auto stream = rewards_->StreamRewards(&back);
  v1::StreamRewardsRequest subscribe;
  subscribe.set_consumer("consumers/here");
  subscribe.set_credits(10);
  stream->Write(subscribe);
  v1::StreamRewardsResponse reward;
  ASSERT_TRUE(stream->Read(&reward));
  grpc::Status status;
  while (status.ok() && absl::Now() - start < absl::Minutes(3)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    v1::ListRewardsRequest request;
    v1::ListRewardsResponse response;
    ClientContext context;
    status = rewards_->ListRewards(&context, request, &response);
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(status.error_message(), HasSubstr("floor is 1"));
  // Not before who is to come back could.
  EXPECT_GE(absl::Now() - start, absl::Seconds(59));
  back.TryCancel();
}

TEST_F(ProctordSettingsTest, ExportsGoToTheExchangeDirectoryAndImportsComeFromThere) {
  const std::string exchange = directory_.path() + "/exchange";
  const std::string settings = "exchange_dir: " + exchange + "\n";
  fs::create_directory(exchange);
  ASSERT_NO_FATAL_FAILURE(StartWith(settings));
  const std::string session = MakeSession();
  const v1::Episode episode = StartEpisode(session, MakeTask());
  Act(session, Click());
  Act(session, Answer("42"));
  WaitEpisode(episode.name());
  v1::ExportTrajectoriesRequest request;
  request.set_folder("out");
  request.add_names(episode.trajectory());
  v1::Job job;
  {
    ClientContext context;
    const grpc::Status status = trajectories_->ExportTrajectories(&context, request, &job);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  v1::ExportTrajectoriesResult exported;
  ASSERT_TRUE(Await(server_.channel(), job.name()).result().UnpackTo(&exported));
  EXPECT_EQ(exported.exported(), 1);
  EXPECT_EQ(exported.path(), exchange + "/out");
  EXPECT_TRUE(fs::is_directory(exchange + "/out"));
  EXPECT_FALSE(fs::exists(server_.data() + "/exchange"));

  // Another server of the same exchange directory.
  const std::string elsewhere = directory_.path() + "/elsewhere";
  fs::create_directory(elsewhere);
  Proctord other(elsewhere);
  std::ofstream(other.config(), std::ios::app) << settings;
  ASSERT_NO_FATAL_FAILURE(other.Start());
  v1::ImportTrajectoriesRequest from;
  from.set_folder("out");
  {
    ClientContext context;
    const grpc::Status status = v1::TrajectoryService::NewStub(other.channel())->ImportTrajectories(&context, from, &job);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  v1::ImportTrajectoriesResult imported;
  ASSERT_TRUE(Await(other.channel(), job.name()).result().UnpackTo(&imported));
  EXPECT_EQ(imported.imported(), 1) << imported.ShortDebugString();
  ASSERT_EQ(imported.names_size(), 1);
  EXPECT_EQ(imported.names(0), episode.trajectory());
}

}  // namespace
}  // namespace proctor::server
