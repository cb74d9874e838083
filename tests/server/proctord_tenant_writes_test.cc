// What tenants of a real server put into its store: whose it is, and how much.
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/reward_service.grpc.pb.h"
#include "proctor/v1/task_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/server/guarded_proctord.h"

namespace proctor::server {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

class ProctordTenantWritesTest : public ::testing::Test {
 protected:
  void Start(const std::string& more = "") {
    const std::string scopes = "record, propose, judge, label, read_rewards";
    server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("anna", scopes, ", tenant: alpha") +
                                     GuardedProctord::Token("ben", scopes, ", tenant: beta") + GuardedProctord::Token("carl", scopes));
    server_.Start("auth: {tokens_file: " + server_.tokens_file() + "}\n" + more);
    channel_ = server_.Plain();
    tasks_ = v1::TaskService::NewStub(channel_);
    evaluations_ = v1::EvaluationService::NewStub(channel_);
    rewards_ = v1::RewardService::NewStub(channel_);
    trajectories_ = v1::TrajectoryService::NewStub(channel_);
  }
  static std::unique_ptr<ClientContext> As(const std::string& name) {
    auto context = std::make_unique<ClientContext>();
    const auto [key, value] = Bearer(name);
    context->AddMetadata(key, value);
    return context;
  }
  template <typename Resource>
  static std::string NameOf(const grpc::Status& status, const Resource& resource) {
    EXPECT_TRUE(status.ok()) << status.error_message();
    return resource.name();
  }

  grpc::Status Create(const std::string& name, const std::string& request_id, const std::string& goal, v1::Task& task) {
    v1::CreateTaskRequest request;
    request.set_request_id(request_id);
    request.mutable_task()->set_goal(goal);
    request.mutable_task()->set_environment("environments/null");
    return tasks_->CreateTask(As(name).get(), request, &task);
  }
  std::string Create(const std::string& name, const std::string& request_id, const std::string& goal) {
    v1::Task task;
    const grpc::Status status = Create(name, request_id, goal, task);
    return NameOf(status, task);
  }
  std::string Group(const std::string& name, const std::string& task) {
    v1::CreateGroupRequest request;
    request.set_request_id("run-1");
    request.mutable_group()->set_task(task);
    request.mutable_group()->set_size(2);
    v1::Group group;
    const grpc::Status status = rewards_->CreateGroup(As(name).get(), request, &group);
    return NameOf(status, group);
  }
  std::string Rescore(const std::string& name) {
    v1::RescoreRequest request;
    request.set_request_id("run-1");
    request.add_evaluators("evaluators/oracle");
    v1::Job job;
    const grpc::Status status = evaluations_->Rescore(As(name).get(), request, &job);
    return NameOf(status, job);
  }
  std::string Record(const std::string& name, const std::string& goal) {
    const auto context = As(name);
    v1::Trajectory trajectory;
    const auto writer = trajectories_->RecordTrajectory(context.get(), &trajectory);
    v1::RecordTrajectoryRequest header;
    header.mutable_header()->set_request_id("run-1");
    header.mutable_header()->mutable_inline_task()->set_goal(goal);
    v1::RecordTrajectoryRequest end;
    end.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
    end.mutable_end()->set_end_reason(v1::END_REASON_GAVE_UP);
    writer->Write(header);
    writer->Write(end);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    return NameOf(status, trajectory);
  }
  static void ExpectFull(const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("storage_bytes"));
  }

  GuardedProctord server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::TaskService::Stub> tasks_;
  std::unique_ptr<v1::EvaluationService::Stub> evaluations_;
  std::unique_ptr<v1::RewardService::Stub> rewards_;
  std::unique_ptr<v1::TrajectoryService::Stub> trajectories_;
};

TEST_F(ProctordTenantWritesTest, ARequestIdIsItsTenantsOwn) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const std::string task = Create("anna", "run-1", "Of anna.");
  const std::string group = Group("anna", task);
  const std::string job = Rescore("anna");
  const std::string recorded = Record("anna", "Of anna.");
  for (const char* other : {"ben", "carl"}) {
    EXPECT_NE(Create(other, "run-1", std::string("Of ") + other), task) << other;
    EXPECT_NE(Group(other, task), group) << other;
    EXPECT_NE(Rescore(other), job) << other;
    EXPECT_NE(Record(other, std::string("Of ") + other), recorded) << other;
  }
  EXPECT_EQ(Create("anna", "run-1", "Of anna."), task);
  EXPECT_EQ(Group("anna", task), group);
  EXPECT_EQ(Rescore("anna"), job);
  EXPECT_EQ(Record("anna", "Of anna."), recorded);
}

TEST_F(ProctordTenantWritesTest, TheSameIdForAnotherRequestIsStillRefused) {
  ASSERT_NO_FATAL_FAILURE(Start());
  Create("anna", "run-1", "One.");
  v1::Task task;
  EXPECT_EQ(Create("anna", "run-1", "Another.", task).error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(ProctordTenantWritesTest, TasksCountAsStorageAlsoAfterARestart) {
  const std::string quotas = "quotas: {tenants: {alpha: {storage_bytes: 10000}}}\n";
  ASSERT_NO_FATAL_FAILURE(Start(quotas));
  const std::string large(6'000, 'x');
  v1::Task task;
  Create("anna", "", large);
  ExpectFull(Create("anna", "", large, task));
  Create("anna", "", "A small one still fits.");
  server_.Stop(SIGTERM);
  ASSERT_NO_FATAL_FAILURE(Start(quotas));
  ExpectFull(Create("anna", "", large, task));
  Create("ben", "", large);
}

TEST_F(ProctordTenantWritesTest, AGroupsPolicyIsBoundedAsAnEpisodesIs) {
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::CreateGroupRequest request;
  request.mutable_group()->set_task(Create("anna", "", "x"));
  request.mutable_group()->set_size(2);
  request.mutable_group()->set_policy(std::string(129, 'x'));
  v1::Group group;
  EXPECT_EQ(rewards_->CreateGroup(As("anna").get(), request, &group).error_code(), StatusCode::INVALID_ARGUMENT);
}

// A group is small, but there may be any number of them.
TEST_F(ProctordTenantWritesTest, GroupsCountAsStorage) {
  ASSERT_NO_FATAL_FAILURE(Start("quotas: {tenants: {alpha: {storage_bytes: 2000}}}\n"));
  v1::CreateGroupRequest request;
  request.mutable_group()->set_task(Create("anna", "", "x"));
  request.mutable_group()->set_size(2);
  request.mutable_group()->set_policy(std::string(100, 'p'));
  v1::Group group;
  grpc::Status status = grpc::Status::OK;
  int made = 0;
  while (status.ok() && made < 20) {
    status = rewards_->CreateGroup(As("anna").get(), request, &group);
    if (status.ok()) ++made;
  }
  ExpectFull(status);
  EXPECT_GE(made, 1);
  EXPECT_TRUE(rewards_->CreateGroup(As("ben").get(), request, &group).ok());
}

// Each of them would store what it is sent.
TEST_F(ProctordTenantWritesTest, NothingIsStoredThatExceedsTheQuota) {
  ASSERT_NO_FATAL_FAILURE(Start("quotas: {tenants: {alpha: {storage_bytes: 20000}}}\n"));
  const std::string trajectory = Record("anna", "x");
  const std::string large(30'000, 'x');
  const auto as_anna = [] { return As("anna"); };
  v1::BatchCreateTasksRequest batch;
  batch.add_tasks()->set_goal(large);
  batch.mutable_tasks(0)->set_environment("environments/null");
  v1::BatchCreateTasksResponse created;
  ExpectFull(tasks_->BatchCreateTasks(as_anna().get(), batch, &created));
  v1::ProposeTasksRequest propose;
  propose.set_count(1);
  propose.mutable_crawl()->set_start_url("http://127.0.0.1/" + large);
  v1::Job job;
  ExpectFull(tasks_->ProposeTasks(as_anna().get(), propose, &job));
  v1::CreateEvaluatorRequest evaluator;
  evaluator.mutable_evaluator()->set_name("evaluators/" + large);
  v1::Evaluator made;
  ExpectFull(evaluations_->CreateEvaluator(as_anna().get(), evaluator, &made));
  v1::RescoreRequest rescore;
  rescore.mutable_filter()->set_policy(large);
  rescore.add_evaluators("evaluators/oracle");
  ExpectFull(evaluations_->Rescore(as_anna().get(), rescore, &job));
  v1::LabelTrajectoryRequest label;
  label.mutable_label()->set_trajectory(trajectory);
  label.mutable_label()->set_note(large);
  v1::Label labelled;
  ExpectFull(evaluations_->LabelTrajectory(as_anna().get(), label, &labelled));
  v1::CreateConsumerRequest consumer;
  consumer.set_name("consumers/" + large);
  v1::Consumer known;
  ExpectFull(rewards_->CreateConsumer(as_anna().get(), consumer, &known));
}

}  // namespace
}  // namespace proctor::server
