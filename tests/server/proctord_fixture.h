// A client of a real proctord on the null environment.
#ifndef PROCTOR_TESTS_SERVER_PROCTORD_FIXTURE_H_
#define PROCTOR_TESTS_SERVER_PROCTORD_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "proctor/v1/reward_service.grpc.pb.h"
#include "proctor/v1/task_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/server/proctord.h"

namespace proctor::server {

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
    request.mutable_task()
        ->mutable_oracle()
        ->mutable_answer()
        ->mutable_match()
        ->mutable_equals()
        ->add_values("42");
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
  v1::Episode StartEpisode(const std::string& session, const std::string& task,
                           const std::string& group = "") {
    v1::StartEpisodeRequest request;
    request.set_session(session);
    request.set_task(task);
    request.set_group(group);
    request.mutable_policy()->set_policy("p");
    request.mutable_policy()->set_version("1");
    if (observes_screenshots_) request.mutable_observation()->add_parts(v1::OBSERVATION_PART_SCREENSHOT);
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
    v1::ConsumerFilter filter;
    filter.set_delivery(delivery);
    MakeConsumer(filter);
  }
  void MakeConsumer(const v1::ConsumerFilter& filter) {
    v1::CreateConsumerRequest request;
    request.set_name("consumers/trainer");
    request.mutable_start()->set_earliest(true);
    *request.mutable_filter() = filter;
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
  v1::Group MakeGroup(const v1::Group& wanted) {
    v1::CreateGroupRequest request;
    *request.mutable_group() = wanted;
    v1::Group group;
    ClientContext context;
    const grpc::Status status = rewards_->CreateGroup(&context, request, &group);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return group;
  }
  int64_t LogLength() {
    v1::ListRewardsRequest request;
    v1::ListRewardsResponse response;
    ClientContext context;
    EXPECT_TRUE(rewards_->ListRewards(&context, request, &response).ok());
    return response.records_size();
  }

  TemporaryDirectory directory_;
  // Of every episode's steps: judges look at them.
  bool observes_screenshots_ = false;
  Proctord server_;
  std::unique_ptr<v1::EnvironmentService::Stub> worlds_;
  std::unique_ptr<v1::TaskService::Stub> tasks_;
  std::unique_ptr<v1::TrajectoryService::Stub> trajectories_;
  std::unique_ptr<v1::RewardService::Stub> rewards_;
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_PROCTORD_FIXTURE_H_
