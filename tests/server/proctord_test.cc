// The real server, over its socket: a whole life, drains, kill -9, exit codes.
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "proctor/v1/reward_service.grpc.pb.h"
#include "proctor/v1/task_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/server/proctord.h"

namespace proctor::server {
namespace {

using testing::HasSubstr;

class ProctordTest : public testing::Test {
 protected:
  ProctordTest() : server_(directory_.path()) {}

  void Start() {
    server_.Start();
    ASSERT_FALSE(HasFatalFailure());
    worlds_ = v1::EnvironmentService::NewStub(server_.channel());
    tasks_ = v1::TaskService::NewStub(server_.channel());
    trajectories_ = v1::TrajectoryService::NewStub(server_.channel());
    rewards_ = v1::RewardService::NewStub(server_.channel());
  }

  // A task whose answer is 42.
  std::string MakeTask() {
    v1::CreateTaskRequest request;
    request.mutable_task()->set_goal("Say the number.");
    request.mutable_task()->set_environment("environments/null");
    request.mutable_task()->mutable_oracle()->mutable_answer()->mutable_match()->mutable_equals()->add_values("42");
    v1::Task task;
    ClientContext context;
    const grpc::Status status = tasks_->CreateTask(&context, request, &task);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return task.name();
  }
  std::string MakeSession() {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    v1::Session session;
    ClientContext context;
    const grpc::Status status = worlds_->CreateSession(&context, request, &session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return session.name();
  }
  v1::Episode StartEpisode(const std::string& session, const std::string& task, const std::string& group = "") {
    v1::StartEpisodeRequest request;
    request.set_session(session);
    request.set_task(task);
    request.set_group(group);
    request.mutable_policy()->set_policy("p");
    request.mutable_policy()->set_version("1");
    v1::EpisodeStart start;
    ClientContext context;
    const grpc::Status status = worlds_->StartEpisode(&context, request, &start);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return start.episode();
  }
  v1::StepResponse Act(const std::string& session, const v1::Action& action) {
    v1::StepRequest request;
    request.set_session(session);
    *request.mutable_action() = action;
    v1::StepResponse response;
    ClientContext context;
    const grpc::Status status = worlds_->Step(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  static v1::Action Click() {
    v1::Action action;
    action.mutable_click()->mutable_target()->set_mark(1);
    return action;
  }
  static v1::Action Answer(const std::string& text) {
    v1::Action action;
    action.mutable_answer()->set_text(text);
    return action;
  }
  v1::Episode WaitEpisode(const std::string& name) {
    v1::WaitEpisodeRequest request;
    request.set_name(name);
    request.mutable_max_wait()->set_seconds(20);
    v1::Episode episode;
    ClientContext context;
    const grpc::Status status = worlds_->WaitEpisode(&context, request, &episode);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return episode;
  }
  v1::Trajectory GetTrajectory(const std::string& name) {
    v1::GetTrajectoryRequest request;
    request.set_name(name);
    v1::Trajectory trajectory;
    ClientContext context;
    const grpc::Status status = trajectories_->GetTrajectory(&context, request, &trajectory);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return trajectory;
  }
  void MakeConsumer(v1::Delivery delivery = v1::DELIVERY_EACH) {
    v1::CreateConsumerRequest request;
    request.set_name("consumers/trainer");
    request.mutable_start()->set_earliest(true);
    request.mutable_filter()->set_delivery(delivery);
    v1::Consumer consumer;
    ClientContext context;
    const grpc::Status status = rewards_->CreateConsumer(&context, request, &consumer);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  // Reads `count` records from the consumer's position on; acknowledges them if asked.
  std::vector<v1::RewardRecord> Read(size_t count, bool acknowledge) {
    ClientContext context;
    const auto stream = rewards_->StreamRewards(&context);
    v1::StreamRewardsRequest request;
    request.set_consumer("consumers/trainer");
    request.set_credits(100);
    stream->Write(request);
    std::vector<v1::RewardRecord> records;
    v1::StreamRewardsResponse response;
    while (records.size() < count && stream->Read(&response)) {
      for (const v1::RewardRecord& record : response.records()) records.push_back(record);
    }
    if (acknowledge && !records.empty()) {
      request.Clear();
      request.set_ack_offset(records.back().offset());
      stream->Write(request);
      while (stream->Read(&response) && response.committed_offset() < records.back().offset()) {
      }
    }
    stream->WritesDone();
    context.TryCancel();
    stream->Finish();
    return records;
  }
  int64_t LogLength() {
    v1::ListRewardsRequest request;
    v1::ListRewardsResponse response;
    ClientContext context;
    EXPECT_TRUE(rewards_->ListRewards(&context, request, &response).ok());
    return response.records_size();
  }

  TemporaryDirectory directory_;
  Proctord server_;
  std::unique_ptr<v1::EnvironmentService::Stub> worlds_;
  std::unique_ptr<v1::TaskService::Stub> tasks_;
  std::unique_ptr<v1::TrajectoryService::Stub> trajectories_;
  std::unique_ptr<v1::RewardService::Stub> rewards_;
};

TEST_F(ProctordTest, ARightAnswerEarnsAValidReward) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string session = MakeSession();
  const std::string task = MakeTask();
  const v1::Episode right = StartEpisode(session, task);
  Act(session, Click());
  const v1::StepResponse end = Act(session, Answer("42"));
  EXPECT_TRUE(end.terminated());
  EXPECT_EQ(end.episode().result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(end.episode().verdict().outcome(), v1::OUTCOME_SUCCESS);
  EXPECT_EQ(end.episode().reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(end.episode().reward().value(), 1);
  StartEpisode(session, task);
  const v1::StepResponse wrong = Act(session, Answer("41"));
  EXPECT_EQ(wrong.episode().verdict().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(wrong.episode().reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(wrong.episode().reward().value(), 0);
  EXPECT_EQ(WaitEpisode(right.name()).reward().reward_id(), end.episode().reward().reward_id());
}

TEST_F(ProctordTest, AfterKill9AcknowledgedStepsAreThereAndTheFaultIsMaskedExactlyOnce) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer();
  const std::string session = MakeSession();
  const v1::Episode episode = StartEpisode(session, MakeTask());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Act(session, Click()).step_index(), i);
  server_.Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::Trajectory record = GetTrajectory(episode.trajectory());
  EXPECT_TRUE(record.closed());
  EXPECT_EQ(record.steps_size(), 5);
  EXPECT_EQ(record.end_kind(), v1::END_KIND_INTERRUPTED);
  EXPECT_EQ(record.end_reason(), v1::END_REASON_SERVER_FAULT);
  const v1::Episode ended = WaitEpisode(episode.name());
  EXPECT_EQ(ended.reward().status(), v1::REWARD_STATUS_MASKED);
  EXPECT_EQ(ended.reward().mask_reason(), v1::MASK_REASON_SERVER_FAULT);
  const auto first = Read(1, /*acknowledge=*/false);
  ASSERT_EQ(first.size(), 1u);
  server_.Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  // Not acknowledged: the same record again, by the same id; then never more.
  const auto again = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].reward().reward_id(), first[0].reward().reward_id());
  EXPECT_EQ(LogLength(), 1);
  server_.Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(LogLength(), 1);
}

TEST_F(ProctordTest, AGroupIsDeliveredWholeWithItsFaultMaskedThroughARestart) {
  ASSERT_NO_FATAL_FAILURE(Start());
  MakeConsumer(v1::DELIVERY_GROUPS);
  const std::string task = MakeTask();
  v1::CreateGroupRequest request;
  request.mutable_group()->set_task(task);
  request.mutable_group()->set_size(8);
  v1::Group group;
  {
    ClientContext context;
    const grpc::Status status = rewards_->CreateGroup(&context, request, &group);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  std::string session = MakeSession();
  for (int i = 0; i < 4; ++i) {
    StartEpisode(session, task, group.name());
    Act(session, Answer(i % 2 == 0 ? "42" : "0"));
  }
  StartEpisode(session, task, group.name());
  Act(session, Click());
  server_.Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  session = MakeSession();
  for (int i = 0; i < 3; ++i) {
    StartEpisode(session, task, group.name());
    Act(session, Answer("42"));
  }
  const auto records = Read(1, /*acknowledge=*/true);
  ASSERT_EQ(records.size(), 1u);
  ASSERT_TRUE(records[0].has_group_complete());
  const v1::GroupComplete& complete = records[0].group_complete();
  EXPECT_FALSE(complete.partial());
  EXPECT_EQ(complete.masked_count(), 1);
  ASSERT_EQ(complete.rewards_size(), 8);
  std::set<std::string> ids;
  for (const v1::Reward& reward : complete.rewards()) ids.insert(reward.reward_id());
  EXPECT_EQ(ids.size(), 8u);
}

TEST_F(ProctordTest, SigtermDrainsAndInterruptsWhatIsOpen) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string session = MakeSession();
  const v1::Episode episode = StartEpisode(session, MakeTask());
  Act(session, Click());
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  EXPECT_FALSE(std::filesystem::exists(server_.data() + "/addresses.json"));
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::Trajectory record = GetTrajectory(episode.trajectory());
  EXPECT_EQ(record.end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(record.steps_size(), 1);
  EXPECT_EQ(WaitEpisode(episode.name()).reward().status(), v1::REWARD_STATUS_MASKED);
}

TEST_F(ProctordTest, TheSocketIsTheOwnersOnlyAndTheAddressesAreWritten) {
  ASSERT_NO_FATAL_FAILURE(Start());
  struct stat socket;
  ASSERT_EQ(stat((server_.data() + "/proctord.sock").c_str(), &socket), 0);
  EXPECT_EQ(socket.st_mode & 0777, 0600u);
  EXPECT_TRUE(std::filesystem::exists(server_.data() + "/addresses.json"));
}

TEST_F(ProctordTest, ASecondServerOnTheSameDataIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(RunToEnd(server_.Command()), 3);
  MakeSession();  // The first one goes on.
}

TEST_F(ProctordTest, BadValuesAreRefusedWithFileLineAndReason) {
  std::ofstream(server_.config()) << "data_dir: " << server_.data() << "\nsessions:\n  default_leese: 3s\n";
  std::string output;
  EXPECT_EQ(RunToEnd({PROCTORD, "--config", server_.config()}, &output), 2);
  EXPECT_THAT(output, HasSubstr("proctord.yaml:3"));
  EXPECT_THAT(output, HasSubstr("default_leese"));
}

TEST_F(ProctordTest, OtherThanLoopbackAddressesAreRefused) {
  std::string output;
  EXPECT_EQ(RunToEnd({PROCTORD, "--data-dir", server_.data(), "--listen", "0.0.0.0:0"}, &output), 2);
  EXPECT_THAT(output, HasSubstr("0.0.0.0"));
  output.clear();
  EXPECT_EQ(RunToEnd({PROCTORD, "--help"}, &output), 0);
  EXPECT_THAT(output, HasSubstr("--data-dir"));
}

}  // namespace
}  // namespace proctor::server
