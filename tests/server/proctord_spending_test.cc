// Who pays for judges' models, on a real server with a scripted model.
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "imaging/image.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/job_service.grpc.pb.h"
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
    server_.Start(Settings(quotas) + kPrices + more);
  }
  std::string Settings(const std::string& quotas) const {
    return "auth: {tokens_file: " + server_.tokens_file() + "}\nquotas: " + quotas +
           "\nmodels:\n"
           "  endpoints: {scripted: {base_url: '" + model_.base_url() +
           "', model: scripted, capabilities: {images: true}, max_attempts: 1}}\n";
  }
  static constexpr char kPrices[] = "  prices: {scripted: {input_usd: 1000, output_usd: 1000}}\n";
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
    const imaging::Image grey{.width_px = 8, .height_px = 8, .bgra = std::vector<uint8_t>(size_t{4} * 8 * 8, 128)};
    *header.mutable_header()->mutable_initial_observation()->mutable_screenshot()->mutable_data() = imaging::EncodeQuickPng(grey).value();
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
  // One after another.
  static Call Rescore(const std::vector<std::string>& trajectories, v1::Job* job) {
    return [=](v1::EvaluationService::Stub& stub, ClientContext& context) {
      v1::RescoreRequest request;
      for (const std::string& trajectory : trajectories) request.add_trajectories(trajectory);
      request.add_evaluators("evaluators/pae");
      request.set_concurrency(1);
      return stub.Rescore(&context, request, job);
    };
  }
  static std::unique_ptr<ClientContext> As(const std::string& name) {
    auto context = std::make_unique<ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto [key, value] = Bearer(name);
    context->AddMetadata(key, value);
    return context;
  }
  grpc::Status Do(const Call& call) { return call(*v1::EvaluationService::NewStub(server_.Plain()), *As("anna")); }
  v1::Job End(const v1::Job& job) {
    v1::WatchJobRequest request;
    request.set_name(job.name());
    const auto context = As("anna");
    const auto stub = v1::JobService::NewStub(server_.Plain());
    const auto stream = stub->WatchJob(context.get(), request);
    v1::Job told;
    while (stream->Read(&told)) {
    }
    const grpc::Status status = stream->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return told;
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
  const Call call = Rescore({trajectory.name()}, &job);
  ASSERT_TRUE(Do(call).ok());
  ASSERT_TRUE(model_.WaitForRequests(2));
  ExpectSpent(Do(call));
  EXPECT_TRUE(Record("carl").ok());
}

TEST_F(ProctordSpendingTest, AJobEndsWhereTheQuotaIsSpentAndAnotherGoesOnWithTheRest) {
  // A question costs 0.015.
  ASSERT_NO_FATAL_FAILURE(Start("{otherwise: {judge_usd_per_day: 0.05}}", kOraclesOnly));
  decides_ = true;
  std::vector<std::string> trajectories;
  for (int i = 0; i < 8; ++i) trajectories.push_back(Recorded(std::to_string(i)));
  v1::Job job;
  grpc::Status status = Do(Rescore(trajectories, &job));
  ASSERT_TRUE(status.ok()) << status.error_message();
  const v1::Job spent = End(job);
  EXPECT_EQ(spent.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(spent.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(spent.error_message(), HasSubstr("judge_usd_per_day of tenant `alpha`"));
  EXPECT_THAT(spent.error_message(), HasSubstr("it frees at 2"));
  EXPECT_THAT(spent.error_message(), HasSubstr("4 of 8 evaluations are done"));
  EXPECT_EQ(model_.requests().size(), 4u);
  server_.Stop(SIGTERM);

  ASSERT_NO_FATAL_FAILURE(Start("{otherwise: {judge_usd_per_day: 1}}", kOraclesOnly));
  status = Do(Rescore(trajectories, &job));
  ASSERT_TRUE(status.ok()) << status.error_message();
  const v1::Job whole = End(job);
  EXPECT_EQ(whole.state(), v1::JOB_STATE_SUCCEEDED) << whole.error_message();
  v1::RescoreResult result;
  ASSERT_TRUE(whole.result().UnpackTo(&result));
  EXPECT_EQ(result.skipped(), 4);
  EXPECT_EQ(result.evaluated(), 4);
  EXPECT_EQ(model_.requests().size(), 8u);
}

TEST_F(ProctordSpendingTest, AJobThatGoesOnAfterARestartAsksTheQuotaToo) {
  ASSERT_NO_FATAL_FAILURE(Start("{otherwise: {judge_usd_per_day: 0.02}}", kOraclesOnly));
  decides_ = true;
  const std::string first = Recorded("1");
  const std::string second = Recorded("2");
  const std::string third = Recorded("3");
  answers_ = 1;
  v1::Job job;
  grpc::Status status = Do(Rescore({first, second, third}, &job));
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_TRUE(model_.WaitForRequests(2));  // The second is not answered, but paid: nobody knows what its server did until it was cancelled.
  server_.Stop(SIGTERM);
  answers_ = std::numeric_limits<int>::max();
  ASSERT_NO_FATAL_FAILURE(Start("{otherwise: {judge_usd_per_day: 0.02}}", kOraclesOnly));
  const v1::Job spent = End(job);
  EXPECT_EQ(spent.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << spent.error_message();
  EXPECT_THAT(spent.error_message(), HasSubstr("1 of 3 evaluations are done"));
  EXPECT_EQ(model_.requests().size(), 2u);
}

TEST_F(ProctordSpendingTest, APausedJobIsNotResumedWhereTheQuotaOfWhoStartedItIsSpent) {
  ASSERT_NO_FATAL_FAILURE(Start(kHardlyAnything, kOraclesOnly));
  decides_ = true;
  const std::string first = Recorded("1");
  const std::string second = Recorded("2");
  answers_ = 0;
  v1::Job job;
  grpc::Status status = Do(Rescore({first}, &job));
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_TRUE(model_.WaitForRequests(1));
  const auto jobs = v1::JobService::NewStub(server_.Plain());
  v1::PauseJobRequest pause;
  pause.set_name(job.name());
  status = jobs->PauseJob(As("anna").get(), pause, &job);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::ResumeJobRequest resume;
  resume.set_name(job.name());
  status = jobs->ResumeJob(As("anna").get(), resume, &job);
  ASSERT_TRUE(status.ok()) << status.error_message();
  status = jobs->PauseJob(As("anna").get(), pause, &job);
  ASSERT_TRUE(status.ok()) << status.error_message();

  answers_ = 1;
  status = Do(Evaluate(second, "evaluators/pae"));
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const char* caller : {"anna", "carl"}) ExpectSpent(jobs->ResumeJob(As(caller).get(), resume, &job));
  v1::GetJobRequest get;
  get.set_name(resume.name());
  status = jobs->GetJob(As("anna").get(), get, &job);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(job.state(), v1::JOB_STATE_PAUSED);
}

// Nothing that is asked of it would count.
TEST_F(ProctordSpendingTest, AModelWithoutAPriceIsRefusedAtTheStartAndLater) {
  ASSERT_NO_FATAL_FAILURE(Start(kHardlyAnything, kOraclesOnly));
  const std::string unpriced = Settings(kHardlyAnything) + kOraclesOnly;
  server_.Command(unpriced, {});  // Writes the file.
  server_.Signal(SIGHUP);
  const auto refused = [&] { return server_.log().find("the model `scripted` of models.endpoints.scripted has no price") != std::string::npos; };
  EXPECT_TRUE(Comes(refused));
  EXPECT_TRUE(Record("anna").ok());
  server_.Stop(SIGTERM);

  std::string output;
  EXPECT_EQ(GuardedProctord::Run(server_.Command(unpriced, {"--check-config"}), &output), 2);
  EXPECT_THAT(output, HasSubstr("judge_usd_per_day: it cannot be kept: the model `scripted`"));
  EXPECT_EQ(GuardedProctord::Run(server_.Command(unpriced, {}), &output), 2);
  EXPECT_EQ(GuardedProctord::Run(server_.Command(Settings(kHardlyAnything) + kPrices + kOraclesOnly, {"--check-config"}), &output), 0);
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
  EXPECT_TRUE(Comes([&] {  // It is judged behind its answer.
    status = Record("anna");
    return !status.ok();
  }));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("judge_usd_per_day"));
  EXPECT_THAT(status.error_message(), HasSubstr("alpha"));
  status = Record("carl");
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace proctor::server
