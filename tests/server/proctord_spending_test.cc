// Who pays for judges' models, on a real server with a scripted model.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/model/scripted_server.h"
#include "tests/server/guarded_proctord.h"
#include "tests/server/proctord_model_fixture.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

class ProctordSpendingTest : public ::testing::Test {
 protected:
  // `more`: further lines of the configuration.
  void Start(const std::string& quotas, const std::string& more = "") {
    server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("anna", "record, judge", ", tenant: alpha") +
                                     GuardedProctord::Token("carl", "record, judge"));
    server_.Start("auth: {tokens_file: " + server_.tokens_file() + "}\nquotas: " + quotas +
                  "\nmodels:\n"
                  "  endpoints: {scripted: {base_url: '" + model_.base_url() +
                  "', model: scripted, capabilities: {images: true}, max_attempts: 1}}\n"
                  "  prices: {scripted: {input_usd: 1000, output_usd: 1000}}\n" + more);
  }
  // An episode that only a model can judge.
  grpc::Status Record(const std::string& name) {
    v1::Trajectory unread;
    return Record(name, unread);
  }
  grpc::Status Record(const std::string& name, v1::Trajectory& trajectory, const std::string& answer = "42") {
    const auto channel = server_.Plain();
    ClientContext context;
    const auto [key, value] = Bearer(name);
    context.AddMetadata(key, value);
    const auto writer = v1::TrajectoryService::NewStub(channel)->RecordTrajectory(&context, &trajectory);
    v1::RecordTrajectoryRequest header;
    header.mutable_header()->mutable_inline_task()->set_goal("Say a number.");
    v1::RecordTrajectoryRequest step;
    step.mutable_step()->mutable_action()->mutable_answer()->set_text(answer);
    v1::RecordTrajectoryRequest end;
    end.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
    end.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
    for (const auto& message : {header, step, end}) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return writer->Finish();
  }

  std::string Recorded(const std::string& answer = "42") {
    v1::Trajectory trajectory;
    const grpc::Status status = Record("anna", trajectory, answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return trajectory.name();
  }

  using Call = std::function<grpc::Status(v1::EvaluationService::Stub& stub, ClientContext& context)>;
  static Call Evaluate(const std::string& trajectory, const std::string& evaluator) {
    return [=](v1::EvaluationService::Stub& stub, ClientContext& context) {
      v1::EvaluateTrajectoryRequest request;
      request.set_trajectory(trajectory);
      request.set_evaluator(evaluator);
      v1::Verdict verdict;
      return stub.EvaluateTrajectory(&context, request, &verdict);
    };
  }
  static Call Compare(const std::string& first, const std::string& second) {
    return [=](v1::EvaluationService::Stub& stub, ClientContext& context) {
      v1::CompareTrajectoriesRequest request;
      request.set_first(first);
      request.set_second(second);
      v1::Comparison comparison;
      return stub.CompareTrajectories(&context, request, &comparison);
    };
  }
  static Call Rescore(const std::string& trajectory, v1::Job* job) {
    return [=](v1::EvaluationService::Stub& stub, ClientContext& context) {
      v1::RescoreRequest request;
      request.add_trajectories(trajectory);
      request.add_evaluators("evaluators/pae");
      return stub.Rescore(&context, request, job);
    };
  }
  grpc::Status Do(const Call& call) {
    ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto [key, value] = Bearer("anna");
    context.AddMetadata(key, value);
    return call(*v1::EvaluationService::NewStub(server_.Plain()), context);
  }
  // Cancels the call when the model has been asked so often.
  void CutOff(const Call& call, size_t requests) {
    ClientContext context;
    const auto [key, value] = Bearer("anna");
    context.AddMetadata(key, value);
    const auto stub = v1::EvaluationService::NewStub(server_.Plain());
    auto ended = std::async(std::launch::async, [&] { return call(*stub, context); });
    EXPECT_TRUE(model_.WaitForRequests(requests));
    context.TryCancel();
    EXPECT_EQ(ended.get().error_code(), grpc::StatusCode::CANCELLED);
  }
  void ExpectSpent(const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("judge_usd_per_day"));
    EXPECT_THAT(status.error_message(), HasSubstr("alpha"));
  }

  // Answers that come before the model falls silent.
  std::atomic<int> answers_ = std::numeric_limits<int>::max();
  std::atomic<bool> decides_ = false;
  model::ScriptedServer model_{[this](const model::SeenRequest& request) {
    if (answers_-- > 0) return model::SayText(request, decides_ ? TagOf(request) + ": SUCCESS" : "I cannot tell.");
    model::ScriptedReply reply;
    reply.silent = true;
    return reply;
  }};
  GuardedProctord server_;
};

// What is judged when it is recorded asks no model.
constexpr char kOraclesOnly[] = "evaluation: {chain: [evaluators/oracle]}\n";
constexpr char kHardlyAnything[] = "{otherwise: {judge_usd_per_day: 0.001}}";

TEST_F(ProctordSpendingTest, AnEvaluationThatIsCancelledIsPaidAsFarAsItCame) {
  ASSERT_NO_FATAL_FAILURE(Start(kHardlyAnything, kOraclesOnly));
  const Call call = Evaluate(Recorded(), "evaluators/pae");
  answers_ = 1;
  CutOff(call, 2);  // The answer could not be read, and the question is put again.
  ExpectSpent(Do(call));
  EXPECT_TRUE(Record("carl").ok());
}

TEST_F(ProctordSpendingTest, AComparisonThatIsCancelledIsPaidAsFarAsItCame) {
  ASSERT_NO_FATAL_FAILURE(Start(kHardlyAnything, kOraclesOnly));
  const std::string first = Recorded();
  const Call call = Compare(first, Recorded("43"));
  answers_ = 1;
  CutOff(call, 3);  // Both orders, and one of them again.
  ExpectSpent(Do(call));
}

TEST_F(ProctordSpendingTest, AJobUnderWayIsPaidAsFarAsItCameByWhoStartedIt) {
  ASSERT_NO_FATAL_FAILURE(Start(kHardlyAnything, kOraclesOnly));
  v1::Trajectory trajectory;
  ASSERT_TRUE(Record("carl", trajectory).ok());
  answers_ = 1;
  v1::Job job;
  const Call call = Rescore(trajectory.name(), &job);
  ASSERT_TRUE(Do(call).ok());
  ASSERT_TRUE(model_.WaitForRequests(2));
  ExpectSpent(Do(call));
  EXPECT_TRUE(Record("carl").ok());
}

TEST_F(ProctordSpendingTest, WhatIsAnsweredIsPaidOnce) {
  // A question costs 0.015.
  ASSERT_NO_FATAL_FAILURE(Start("{otherwise: {judge_usd_per_day: 0.02}}", kOraclesOnly));
  decides_ = true;
  const std::string trajectory = Recorded();
  for (const char* evaluator : {"evaluators/pae", "evaluators/pae", "evaluators/webvoyager"}) {
    const grpc::Status status = Do(Evaluate(trajectory, evaluator));
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(model_.requests().size(), 2u);
  ExpectSpent(Do(Evaluate(trajectory, "evaluators/pae")));
}

TEST_F(ProctordSpendingTest, JudgesOfARecordingArePaidByWhoRecordedIt) {
  ASSERT_NO_FATAL_FAILURE(Start("{otherwise: {judge_usd_per_day: 0.001}}"));
  grpc::Status status = Record("anna");
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_TRUE(model_.WaitForRequests(1));
  while (status.ok()) {  // It is judged behind its answer.
    usleep(10'000);
    status = Record("anna");
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("judge_usd_per_day"));
  EXPECT_THAT(status.error_message(), HasSubstr("alpha"));
  status = Record("carl");
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace proctor::server
