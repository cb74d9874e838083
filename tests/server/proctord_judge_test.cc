// A real proctord whose judges ask a scripted model over real HTTP.
#include <atomic>
#include <cmath>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "tests/server/change_rows.h"
#include "tests/server/proctord_http.h"
#include "tests/server/proctord_model_fixture.h"
#include "trajectory/record_form.h"

namespace proctor::server {
namespace {

using model::ScriptedReply;
using model::SeenRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// `{{tag}}` in the text is the request's verdict tag.
ScriptedReply SayWithTag(const SeenRequest& request, const std::string& text) {
  return model::SayText(request, absl::StrReplaceAll(text, {{"{{tag}}", TagOf(request)}}));
}

class ProctordJudgeTest : public ProctordModelTest {
 protected:
  void StartWith(Script script, const std::string& evaluation = "{audit_share: 0}") {
    StartWithModel(std::move(script), absl::StrCat("evaluation: ", evaluation, "\n"));
    evaluations_ = v1::EvaluationService::NewStub(server_.channel());
  }
  void StartOnceMore() {
    StartAgain();
    evaluations_ = v1::EvaluationService::NewStub(server_.channel());
  }

  std::string MakeTaskWithoutOracle() {
    v1::CreateTaskRequest request;
    request.mutable_task()->set_goal("Say a number.");
    request.mutable_task()->set_environment("environments/null");
    v1::Task task;
    ClientContext context;
    const grpc::Status status = tasks_->CreateTask(&context, request, &task);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return task.name();
  }

  // One episode that answers; returns it with its result.
  v1::Episode Play(const std::string& task, const std::string& answer) {
    const std::string session = MakeSession();
    const std::string episode = StartEpisode(session, task).name();
    Act(session, Answer(answer));
    return WaitEpisode(episode);
  }

  v1::Verdict GetVerdict(const std::string& name) {
    v1::GetVerdictRequest request;
    request.set_name(name);
    v1::Verdict verdict;
    ClientContext context;
    const grpc::Status status = evaluations_->GetVerdict(&context, request, &verdict);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return verdict;
  }
  std::vector<v1::Verdict> Verdicts(const std::string& trajectory = "", const std::string& evaluator = "") {
    v1::ListVerdictsRequest request;
    request.set_page_size(1000);
    request.set_trajectory(trajectory);
    request.set_evaluator(evaluator);
    v1::ListVerdictsResponse response;
    ClientContext context;
    const grpc::Status status = evaluations_->ListVerdicts(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {response.verdicts().begin(), response.verdicts().end()};
  }
  grpc::Status Evaluate(const std::string& trajectory, const std::string& evaluator, v1::Verdict* verdict) {
    v1::EvaluateTrajectoryRequest request;
    request.set_trajectory(trajectory);
    request.set_evaluator(evaluator);
    ClientContext context;
    return evaluations_->EvaluateTrajectory(&context, request, verdict);
  }

  v1::RescoreResult Rescore(const v1::RescoreRequest& request) {
    v1::Job job;
    ClientContext context;
    const grpc::Status status = evaluations_->Rescore(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    v1::RescoreResult result;
    EXPECT_TRUE(AwaitJob(job.name()).result().UnpackTo(&result));
    return result;
  }
  // `evaluators/kind`, a judge of 1 to 5 that is too kind: 5 where the answer is right, 4 where it is wrong. Its verdicts on three right and
  // three wrong answers.
  void MakeKindJudge() {
    StartWith([](const SeenRequest& request) {
      const bool right = request.text.find("\n42\n") != std::string::npos;
      return SayWithTag(request, right ? "{{tag}}: 5" : "{{tag}}: 4");
    });
    v1::CreateEvaluatorRequest create;
    v1::Evaluator& evaluator = *create.mutable_evaluator();
    evaluator.set_name("evaluators/kind");
    v1::JudgeStage& stage = *evaluator.mutable_judge()->add_stages();
    stage.set_id("rating");
    stage.add_messages()->set_template_("{{answer}} {{verdict_tag}}");
    (*stage.mutable_slots())["answer"].mutable_answer();
    stage.mutable_parser()->mutable_number()->mutable_place()->set_after("{{verdict_tag}}");
    stage.mutable_parser()->mutable_number()->set_min(1);
    stage.mutable_parser()->mutable_number()->set_max(5);
    v1::Evaluator made;
    {
      ClientContext context;
      const grpc::Status status = evaluations_->CreateEvaluator(&context, create, &made);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    for (int i = 0; i < 6; ++i) Play(MakeTask(), i % 2 == 0 ? "42" : "41");
    Rescore(RescoreBy({"evaluators/kind"}));
  }
  static v1::CalibrateEvaluatorRequest CalibrateKind(v1::CalibrationMethod method) {
    v1::CalibrateEvaluatorRequest request;
    request.set_evaluator("evaluators/kind");
    request.set_new_name("evaluators/strict");
    request.set_method(method);
    request.set_folds(3);
    return request;
  }
  grpc::Status StartCalibrating(const v1::CalibrateEvaluatorRequest& request, v1::Job* job) {
    ClientContext context;
    return evaluations_->CalibrateEvaluator(&context, request, job);
  }
  v1::CalibrationResult Calibrate(const v1::CalibrateEvaluatorRequest& request) {
    v1::Job job;
    const grpc::Status status = StartCalibrating(request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    v1::CalibrationResult result;
    EXPECT_TRUE(AwaitJob(job.name()).result().UnpackTo(&result));
    return result;
  }

  static v1::RescoreRequest RescoreBy(const std::vector<std::string>& evaluators) {
    v1::RescoreRequest request;
    for (const std::string& name : evaluators) request.add_evaluators(name);
    return request;
  }

  std::unique_ptr<v1::EvaluationService::Stub> evaluations_;
};

TEST_F(ProctordJudgeTest, JudgesAnEpisodeWithoutOracleAndRewardsIt) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "The answer is there.\n{{tag}}: SUCCESS"); });
  const v1::Episode episode = Play(MakeTaskWithoutOracle(), "42");
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_SUCCESS) << episode.verdict().rationale();
  EXPECT_EQ(episode.verdict().evaluator(), "evaluators/pae");
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(episode.reward().value(), 1);
  // The trace is kept with the verdict alone.
  EXPECT_THAT(episode.verdict().questions(), IsEmpty());
  const v1::Verdict verdict = GetVerdict(episode.verdict().name());
  ASSERT_EQ(verdict.questions_size(), 1);
  const v1::ModelCall& call = verdict.questions(0).calls(0);
  EXPECT_EQ(call.endpoint(), "scripted");
  EXPECT_THAT(call.raw_reply(), HasSubstr("The answer is there."));
  EXPECT_EQ(call.request_digest().size(), 64u);
  EXPECT_GT(verdict.usage().cost_usd(), 0);
  ASSERT_EQ(model_->requests().size(), 1u);
  EXPECT_THAT(model_->requests()[0].text, HasSubstr("Say a number."));
  EXPECT_THAT(model_->requests()[0].text, HasSubstr("\n42\n"));
}

TEST_F(ProctordJudgeTest, QuestionsVerdictsTokensAndCostAreInTheMetrics) {
  std::ofstream(server_.config(), std::ios::app) << kHttpConfig;
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); });
  const v1::Episode episode = Play(MakeTaskWithoutOracle(), "42");
  const v1::Usage usage = GetVerdict(episode.verdict().name()).usage();
  const auto metrics = ProctordHttp(server_).Scrape();
  EXPECT_EQ(ValueOf(metrics, "proctor_model_calls_total", {{"endpoint", "scripted"}, {"outcome", "ok"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_calls_in_flight"), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_call_seconds_count", {{"endpoint", "scripted"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_model_tokens_total", {{"kind", "input"}}), usage.input_tokens());
  EXPECT_EQ(ValueOf(metrics, "proctor_model_tokens_total", {{"kind", "output"}}), usage.output_tokens());
  EXPECT_NEAR(ValueOf(metrics, "proctor_model_cost_usd_total"), usage.cost_usd(), 1e-9);
  EXPECT_EQ(ValueOf(metrics, "proctor_verdicts_total", {{"evaluator", "evaluators/pae"}, {"outcome", "success"}}), 1);
}

TEST_F(ProctordJudgeTest, AsksNoModelWhereTheOracleDecides) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); });
  EXPECT_EQ(Play(MakeTask(), "41").verdict().evaluator(), "evaluators/oracle");
  EXPECT_THAT(model_->requests(), IsEmpty());
}

TEST_F(ProctordJudgeTest, AnAuditAsksTheJudgeBesideTheOracleWhichCounts) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); }, "{audit_share: 1}");
  const v1::Episode episode = Play(MakeTask(), "41");
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(episode.reward().value(), 0);
  const std::vector<v1::Verdict> verdicts = Verdicts(episode.trajectory());
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].evaluator(), "evaluators/pae");
  EXPECT_EQ(verdicts[0].outcome(), v1::OUTCOME_SUCCESS);
}

TEST_F(ProctordJudgeTest, JudgeTroubleMasksTheReward) {
  StartWith([](const SeenRequest& request) { return model::Refuse(request, 401, "invalid_request_error", "no key"); });
  const v1::Episode episode = Play(MakeTaskWithoutOracle(), "42");
  EXPECT_EQ(episode.verdict().undetermined_reason(), v1::UNDETERMINED_REASON_JUDGE_UNAVAILABLE);
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_MASKED);
}

TEST_F(ProctordJudgeTest, AnUnavailableJudgeIsAskedAgainWhereThatIsConfigured) {
  auto fails = std::make_shared<std::atomic<int>>(1);
  StartWith(
      [fails](const SeenRequest& request) {
        if ((*fails)-- > 0) return model::Refuse(request, 401, "invalid_request_error", "no key");
        return SayWithTag(request, "{{tag}}: NOT SUCCESS");
      },
      "{judge_retries: 1, judge_retry_delay: 1s}");
  const v1::Episode episode = Play(MakeTaskWithoutOracle(), "42");
  EXPECT_EQ(episode.verdict().outcome(), v1::OUTCOME_FAILURE);
  EXPECT_EQ(episode.reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(GetVerdict(episode.verdict().name()).outcome(), v1::OUTCOME_FAILURE);
}

TEST_F(ProctordJudgeTest, AnEpisodeWhoseJudgeWasCutOffIsJudgedAfterTheRestart) {
  auto silent = std::make_shared<std::atomic<bool>>(true);
  StartWith([silent](const SeenRequest& request) {
    ScriptedReply reply = SayWithTag(request, "{{tag}}: SUCCESS");
    reply.silent = *silent;
    return reply;
  });
  const std::string session = MakeSession();
  const std::string episode = StartEpisode(session, MakeTaskWithoutOracle()).name();
  Act(session, Answer("42"));
  ASSERT_TRUE(model_->WaitForRequests(1));
  server_.Stop(SIGTERM);
  *silent = false;
  StartOnceMore();
  const v1::Episode judged = WaitEpisode(episode);
  EXPECT_EQ(judged.verdict().outcome(), v1::OUTCOME_SUCCESS) << judged.verdict().rationale();
  EXPECT_EQ(judged.reward().status(), v1::REWARD_STATUS_VALID);
  EXPECT_EQ(LogLength(), 1);
}

TEST_F(ProctordJudgeTest, ATerminalStepWaitsForAnOracleButNotForAJudge) {
  StartWith([](const SeenRequest& request) {
    ScriptedReply reply = SayWithTag(request, "{{tag}}: SUCCESS");
    reply.silent = true;
    return reply;
  });
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  const v1::Episode by_oracle = Act(session, Answer("42")).episode();
  EXPECT_EQ(by_oracle.result_state(), v1::RESULT_STATE_READY);
  EXPECT_EQ(by_oracle.verdict().outcome(), v1::OUTCOME_SUCCESS);
  StartEpisode(session, MakeTaskWithoutOracle());
  const v1::Episode by_judge = Act(session, Answer("42")).episode();
  EXPECT_EQ(by_judge.state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(by_judge.result_state(), v1::RESULT_STATE_PENDING);
  EXPECT_FALSE(by_judge.has_verdict());
}

TEST_F(ProctordJudgeTest, AVerdictIsReplayedFromItsRepliesAlone) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "Seen.\n{{tag}}: SUCCESS"); });
  const v1::Verdict verdict = GetVerdict(Play(MakeTaskWithoutOracle(), "42").verdict().name());
  v1::ReplayVerdictRequest request;
  request.set_name(verdict.name());
  v1::Verdict again;
  ClientContext context;
  const grpc::Status status = evaluations_->ReplayVerdict(&context, request, &again);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::Verdict expected = verdict;
  expected.clear_latency();
  expected.clear_create_time();
  EXPECT_EQ(again.DebugString(), expected.DebugString());
  EXPECT_EQ(model_->requests().size(), 1u);
}

TEST_F(ProctordJudgeTest, WithoutModelsAJudgeIsRefused) {
  Start();
  evaluations_ = v1::EvaluationService::NewStub(server_.channel());
  const v1::Episode episode = Play(MakeTask(), "42");
  v1::Verdict verdict;
  const grpc::Status status = Evaluate(episode.trajectory(), "evaluators/pae", &verdict);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("--model-endpoint"));
}

TEST_F(ProctordJudgeTest, ABudgetThatIsSpentIsAnError) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); });
  const v1::Episode episode = Play(MakeTask(), "42");
  server_.Stop(SIGTERM);
  std::ofstream(server_.config(), std::ios::app) << "";
  std::string config;
  {
    std::ifstream file(server_.config());
    config.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::ofstream(server_.config()) << absl::StrReplaceAll(config, {{"  prices:", "  budgets: {day_usd: 0.000001}\n  prices:"}});
  StartOnceMore();
  v1::Verdict verdict;
  EXPECT_EQ(Evaluate(episode.trajectory(), "evaluators/pae", &verdict).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(model_->requests(), IsEmpty());
}

TEST_F(ProctordJudgeTest, RescoresWhatHasNoVerdictYet) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: NOT SUCCESS"); });
  const std::string task = MakeTask();
  for (int i = 0; i < 3; ++i) Play(task, absl::StrCat(i));
  v1::RescoreRequest request = RescoreBy({"evaluators/pae", "evaluators/oracle"});
  request.set_dry_run(true);
  v1::RescoreResult result = Rescore(request);
  EXPECT_EQ(result.planned(), 3);
  EXPECT_EQ(result.skipped(), 3);
  EXPECT_GT(result.usage().cost_usd(), 0);
  EXPECT_FALSE(result.unpriced());
  EXPECT_THAT(model_->requests(), IsEmpty());
  request.set_dry_run(false);
  result = Rescore(request);
  EXPECT_EQ(result.evaluated(), 3);
  EXPECT_EQ(result.failed(), 0);
  result = Rescore(request);
  EXPECT_EQ(result.evaluated(), 0);
  EXPECT_EQ(result.skipped(), 6);
  EXPECT_EQ(model_->requests().size(), 3u);
}

TEST_F(ProctordJudgeTest, RescoresWhatFailedAlone) {
  auto broken = std::make_shared<std::atomic<bool>>(true);
  StartWith([broken](const SeenRequest& request) {
    const bool unreadable = *broken && request.text.find("\n1\n") != std::string::npos;
    return SayWithTag(request, unreadable ? "I do not know." : "{{tag}}: SUCCESS");
  });
  const std::string task = MakeTask();
  for (int i = 0; i < 3; ++i) Play(task, absl::StrCat(i));
  v1::RescoreRequest request = RescoreBy({"evaluators/pae"});
  v1::RescoreResult result = Rescore(request);
  EXPECT_EQ(result.evaluated(), 3);
  EXPECT_EQ(result.failed(), 1);
  ASSERT_EQ(result.failures_size(), 1);
  EXPECT_THAT(result.failures(0).reason(), HasSubstr("no verdict"));
  *broken = false;
  request.set_failed_only(true);
  result = Rescore(request);
  EXPECT_EQ(result.evaluated(), 1);
  EXPECT_EQ(result.failed(), 0);
  EXPECT_EQ(Verdicts("", "evaluators/pae").size(), 3u);
}

TEST_F(ProctordJudgeTest, MeasuresAJudgeAgainstOracleAndLabels) {
  // It takes every answer below 50 for right.
  StartWith([](const SeenRequest& request) {
    const bool low = request.text.find("\n42\n") != std::string::npos || request.text.find("\n41\n") != std::string::npos;
    return SayWithTag(request, low ? "{{tag}}: SUCCESS" : "{{tag}}: NOT SUCCESS");
  });
  std::vector<std::string> trajectories;
  for (const char* answer : {"42", "42", "41", "90", "91"}) trajectories.push_back(Play(MakeTask(), answer).trajectory());
  Rescore(RescoreBy({"evaluators/pae"}));
  const auto measure = [&](v1::MeasureEvaluatorRequest request) {
    request.set_evaluator("evaluators/pae");
    v1::Job job;
    ClientContext context;
    const grpc::Status status = evaluations_->MeasureEvaluator(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    v1::EvaluatorMeasurement result;
    EXPECT_TRUE(AwaitJob(job.name()).result().UnpackTo(&result));
    return result;
  };
  v1::MeasureEvaluatorRequest request;
  request.add_slice_by("policy");
  request.set_compare_with("evaluators/oracle");
  const v1::EvaluatorMeasurement by_oracle = measure(request);
  EXPECT_EQ(by_oracle.truth(), v1::TRUTH_SOURCE_ORACLE);
  EXPECT_EQ(by_oracle.measures().episodes(), 5);
  EXPECT_EQ(by_oracle.measures().confusion().true_success(), 2);
  EXPECT_EQ(by_oracle.measures().confusion().false_success(), 1);
  EXPECT_EQ(by_oracle.measures().confusion().true_failure(), 2);
  EXPECT_DOUBLE_EQ(by_oracle.measures().accuracy().value(), 0.8);
  EXPECT_TRUE(by_oracle.measures().accuracy().has_low());
  ASSERT_EQ(by_oracle.slices_size(), 1);
  EXPECT_EQ(by_oracle.slices(0).tags().at("policy"), "p@1");
  EXPECT_EQ(by_oracle.paired().only_second_right(), 1);
  EXPECT_THAT(by_oracle.paired().differing(), ElementsAre(trajectories[2]));

  v1::LabelTrajectoryRequest label;
  label.mutable_label()->set_trajectory(trajectories[0]);
  label.mutable_label()->set_annotator("ann");
  label.mutable_label()->set_outcome(v1::OUTCOME_FAILURE);
  v1::Label stored;
  {
    ClientContext context;
    ASSERT_TRUE(evaluations_->LabelTrajectory(&context, label, &stored).ok());
  }
  const v1::EvaluatorMeasurement by_hand = measure({});
  EXPECT_EQ(by_hand.truth(), v1::TRUTH_SOURCE_LABELS);
  EXPECT_EQ(by_hand.measures().by_hand(), 1);
  EXPECT_EQ(by_hand.measures().accuracy().value(), 0);
  EXPECT_TRUE(by_hand.measures().accuracy().biased());
  EXPECT_FALSE(by_hand.measures().accuracy().has_low());
}

TEST_F(ProctordJudgeTest, AThresholdIsFittedToTheOracleAndStoredAsANewEvaluator) {
  ASSERT_NO_FATAL_FAILURE(MakeKindJudge());
  const v1::CalibrationResult result = Calibrate(CalibrateKind(v1::CALIBRATION_METHOD_THRESHOLD));
  EXPECT_EQ(result.truth(), v1::TRUTH_SOURCE_ORACLE);
  EXPECT_EQ(result.evaluator().success_threshold(), 1);
  EXPECT_DOUBLE_EQ(result.before().accuracy().value(), 0.5);
  EXPECT_DOUBLE_EQ(result.after().accuracy().value(), 1);
  // The new one judges from the replies that are there.
  const size_t asked = model_->requests().size();
  v1::Verdict verdict;
  ASSERT_TRUE(Evaluate(Play(MakeTask(), "41").trajectory(), "evaluators/strict", &verdict).ok());
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
  EXPECT_DOUBLE_EQ(verdict.score(), 0.75);
  EXPECT_EQ(model_->requests().size(), asked + 1);
}

TEST_F(ProctordJudgeTest, ThresholdsForAPrecisionAndScalingsAreFittedToo) {
  ASSERT_NO_FATAL_FAILURE(MakeKindJudge());
  // A wrong answer, whose score is 0.75, and that they are not fitted to.
  const std::string wrong = Play(MakeTask(), "41").trajectory();
  v1::Verdict verdict;
  const auto fit = [&](v1::CalibrationMethod method, const std::string& name, double precision) {
    v1::CalibrateEvaluatorRequest request = CalibrateKind(method);
    request.set_new_name(name);
    request.set_precision(precision);
    const v1::CalibrationResult result = Calibrate(request);
    EXPECT_EQ(result.evaluator().name(), name);
    EXPECT_DOUBLE_EQ(result.before().accuracy().value(), 0.5) << name;
    EXPECT_DOUBLE_EQ(result.after().accuracy().value(), 1) << name;
    EXPECT_TRUE(Evaluate(wrong, name, &verdict).ok()) << name;
    EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE) << name;
    return result.evaluator();
  };
  const v1::Evaluator precise = fit(v1::CALIBRATION_METHOD_PRECISION, "evaluators/precise", 0.9);
  EXPECT_EQ(precise.success_threshold(), 1);
  EXPECT_FALSE(precise.has_calibration());
  EXPECT_DOUBLE_EQ(verdict.score(), 0.75);
  // Three of each class: Platt's targets are 4 in 5 and 1 in 5, and two scores are fitted exactly.
  const v1::Evaluator platt = fit(v1::CALIBRATION_METHOD_PLATT, "evaluators/platt", 0);
  EXPECT_EQ(platt.success_threshold(), 0.5);
  EXPECT_NEAR(platt.calibration().platt().slope(), 2 * std::log(4) / 0.25, 0.01);
  EXPECT_NEAR(verdict.score(), 0.2, 0.001);
  const v1::Evaluator isotonic = fit(v1::CALIBRATION_METHOD_ISOTONIC, "evaluators/isotonic", 0);
  EXPECT_EQ(isotonic.success_threshold(), 0.5);
  EXPECT_THAT(isotonic.calibration().isotonic().scores(), ElementsAre(0.75, 1));
  EXPECT_THAT(isotonic.calibration().isotonic().values(), ElementsAre(0, 1));
  EXPECT_EQ(verdict.score(), 0);

  const auto refused = [&](const v1::CalibrateEvaluatorRequest& request) {
    v1::Job job;
    return StartCalibrating(request, &job).error_code();
  };
  EXPECT_EQ(refused(CalibrateKind(v1::CALIBRATION_METHOD_UNSPECIFIED)), grpc::StatusCode::INVALID_ARGUMENT);
  for (const double precision : {0.0, 1.5}) {
    v1::CalibrateEvaluatorRequest request = CalibrateKind(v1::CALIBRATION_METHOD_PRECISION);
    request.set_precision(precision);
    EXPECT_EQ(refused(request), grpc::StatusCode::INVALID_ARGUMENT) << precision;
  }
  for (const int folds : {1, 101}) {
    v1::CalibrateEvaluatorRequest request = CalibrateKind(v1::CALIBRATION_METHOD_PLATT);
    request.set_folds(folds);
    EXPECT_EQ(refused(request), grpc::StatusCode::INVALID_ARGUMENT) << folds;
  }
  v1::CalibrateEvaluatorRequest again = CalibrateKind(v1::CALIBRATION_METHOD_PLATT);
  again.set_evaluator("evaluators/platt");
  EXPECT_EQ(refused(again), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ProctordJudgeTest, ComparesTwoAttemptsAtATask) {
  StartWith([](const SeenRequest& request) {
    const bool first = request.text.find("\n42\n") < request.text.find("\n41\n");
    return SayWithTag(request, first ? "{{tag}}: FIRST" : "{{tag}}: SECOND");
  });
  const std::string task = MakeTask();
  v1::CompareTrajectoriesRequest request;
  request.set_first(Play(task, "41").trajectory());
  request.set_second(Play(task, "42").trajectory());
  v1::Comparison comparison;
  {
    ClientContext context;
    const grpc::Status status = evaluations_->CompareTrajectories(&context, request, &comparison);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(comparison.preference(), v1::PREFERENCE_SECOND);
  EXPECT_TRUE(comparison.consistent());
  request.set_second(request.first());
  ClientContext context;
  EXPECT_EQ(evaluations_->CompareTrajectories(&context, request, &comparison).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ProctordJudgeTest, CallsThatJudgeShareTheMemoryForTrajectories) {
  auto silent = std::make_shared<std::atomic<bool>>(false);
  StartWith([silent](const SeenRequest& request) {
    ScriptedReply reply = SayWithTag(request, "{{tag}}: NOT SUCCESS");
    reply.silent = *silent;
    return reply;
  });
  const std::string task = MakeTaskWithoutOracle();
  const v1::Episode first = Play(task, "41");
  const v1::Episode second = Play(task, "42");
  ASSERT_EQ(first.verdict().outcome(), v1::OUTCOME_FAILURE) << first.verdict().rationale();
  server_.Stop(SIGTERM);
  // As if they were of the largest that there are.
  ChangeRows(server_.data(), absl::StrCat("UPDATE trajectory_records SET step_bytes = ", trajectory::kMaxAllStepsBytes));
  *silent = true;
  StartOnceMore();
  const size_t asked = model_->requests().size();
  v1::CompareTrajectoriesRequest compare;
  compare.set_first(first.trajectory());
  compare.set_second(second.trajectory());
  ClientContext comparing;
  std::future<grpc::Status> compared = std::async(std::launch::async, [&] {
    v1::Comparison comparison;
    return evaluations_->CompareTrajectories(&comparing, compare, &comparison);
  });
  EXPECT_TRUE(model_->WaitForRequests(asked + 1));
  const auto expect_refused = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("trajectories that calls have judged"));
    EXPECT_FALSE(status.error_details().empty()) << "when to try again";
  };
  v1::Verdict verdict;
  expect_refused(Evaluate(first.trajectory(), "evaluators/oracle", &verdict));
  {
    ClientContext context;
    v1::ReplayVerdictRequest request;
    request.set_name(first.verdict().name());
    expect_refused(evaluations_->ReplayVerdict(&context, request, &verdict));
  }
  {
    ClientContext context;
    v1::Comparison comparison;
    expect_refused(evaluations_->CompareTrajectories(&context, compare, &comparison));
  }
  {
    ClientContext context;
    v1::ReflectRequest request;
    request.set_trajectory(first.trajectory());
    v1::Reflection reflection;
    expect_refused(evaluations_->Reflect(&context, request, &reflection));
  }
  comparing.TryCancel();
  EXPECT_EQ(compared.get().error_code(), grpc::StatusCode::CANCELLED);
  // What it held is free again.
  grpc::Status status;
  do status = Evaluate(first.trajectory(), "evaluators/oracle", &verdict);
  while (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(ProctordJudgeTest, LabelsOfADrawnSampleKnowTheirProbability) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: SUCCESS"); });
  const std::string task = MakeTask();
  for (int i = 0; i < 4; ++i) Play(task, absl::StrCat(i));
  v1::DrawLabelSampleRequest draw;
  draw.mutable_sample()->set_evaluator("evaluators/oracle");
  draw.mutable_sample()->set_size(2);
  v1::LabelSample sample;
  {
    ClientContext context;
    const grpc::Status status = evaluations_->DrawLabelSample(&context, draw, &sample);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(sample.population(), 4);
  ASSERT_EQ(sample.drawn_size(), 2);
  v1::LabelTrajectoryRequest request;
  request.mutable_label()->set_annotator("ann");
  request.mutable_label()->set_outcome(v1::OUTCOME_SUCCESS);
  request.mutable_label()->set_label_sample(sample.name());
  for (const v1::Verdict& verdict : Verdicts("", "evaluators/oracle")) {
    const bool drawn = verdict.trajectory() == sample.drawn(0).trajectory() || verdict.trajectory() == sample.drawn(1).trajectory();
    request.mutable_label()->set_trajectory(verdict.trajectory());
    v1::Label label;
    ClientContext context;
    const grpc::Status status = evaluations_->LabelTrajectory(&context, request, &label);
    EXPECT_EQ(status.ok(), drawn) << status.error_message();
    EXPECT_EQ(label.inclusion_probability(), drawn ? 0.5 : 0);
  }
}

}  // namespace
}  // namespace proctor::server
