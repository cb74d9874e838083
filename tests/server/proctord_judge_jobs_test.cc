// Jobs about judges of a real proctord: scoring again, measuring, calibrating; and labels.
#include <atomic>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/proctord_judge_fixture.h"
#include "tests/server/rating_judge.h"

namespace proctor::server {
namespace {

using model::SeenRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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

TEST_F(ProctordJudgeTest, RescoresANameThatIsGivenTwiceOnce) {
  StartWith([](const SeenRequest& request) { return SayWithTag(request, "{{tag}}: NOT SUCCESS"); });
  const std::string task = MakeTask();
  const std::string first = Play(task, "1").trajectory(), second = Play(task, "2").trajectory();
  v1::RescoreRequest request = RescoreBy({"evaluators/pae", "evaluators/pae"});
  for (const std::string& name : {first, second, first}) request.add_trajectories(name);
  request.set_dry_run(true);
  EXPECT_EQ(Rescore(request).planned(), 2);
  request.set_dry_run(false);
  EXPECT_EQ(Rescore(request).evaluated(), 2);
  const v1::RescoreResult again = Rescore(request);
  EXPECT_EQ(again.evaluated(), 0);
  EXPECT_EQ(again.skipped(), 2);
  EXPECT_EQ(model_->requests().size(), 2u);
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

// A judge that is too kind, made stricter.
class CalibrationTest : public ProctordJudgeTest {
 protected:
  // `evaluators/kind`, a judge of 1 to 5 that is too kind: 5 where the answer is right, 4 where it is wrong. Its verdicts on three right and
  // three wrong answers, and on two agents that gave up, for which it need not be asked.
  void MakeKindJudge() {
    StartWith([](const SeenRequest& request) {
      const bool right = request.text.find("\n42\n") != std::string::npos;
      return SayWithTag(request, right ? "{{tag}}: 5" : "{{tag}}: 4");
    });
    v1::CreateEvaluatorRequest create;
    *create.mutable_evaluator() = RatingJudge("evaluators/kind");
    v1::Evaluator made;
    {
      ClientContext context;
      const grpc::Status status = evaluations_->CreateEvaluator(&context, create, &made);
      ASSERT_TRUE(status.ok()) << status.error_message();
    }
    for (int i = 0; i < 6; ++i) Play(MakeTask(), i % 2 == 0 ? "42" : "41");
    for (int i = 0; i < 2; ++i) Play(MakeTask(), "N/A");
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
};

TEST_F(CalibrationTest, AThresholdIsFittedToTheOracleAndStoredAsANewEvaluator) {
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

TEST_F(CalibrationTest, WhatDecidesWithoutAThresholdIsGivenNone) {
  ASSERT_NO_FATAL_FAILURE(MakeKindJudge());
  v1::Evaluator cascade;
  cascade.set_name("evaluators/cascade");
  cascade.mutable_cascade()->add_tiers()->mutable_evaluator()->mutable_task_oracle();
  cascade.mutable_cascade()->add_tiers()->mutable_evaluator()->mutable_task_oracle();
  v1::CreateEvaluatorRequest create;
  *create.mutable_evaluator() = cascade;
  ClientContext context;
  v1::Evaluator made;
  const grpc::Status status = evaluations_->CreateEvaluator(&context, create, &made);
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const auto method : {v1::CALIBRATION_METHOD_THRESHOLD, v1::CALIBRATION_METHOD_PRECISION}) {
    v1::CalibrateEvaluatorRequest request = CalibrateKind(method);
    request.set_evaluator(made.name());
    request.set_precision(0.9);
    v1::Job job;
    EXPECT_EQ(StartCalibrating(request, &job).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
}

TEST_F(CalibrationTest, ThresholdsForAPrecisionAndScalingsAreFittedToo) {
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
