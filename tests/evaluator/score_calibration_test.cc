#include "evaluator/score_calibration.h"

#include <cmath>
#include <limits>

#include "evaluator/evaluator_config.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

v1::Verdict Decided(v1::Outcome outcome, double score) {
  v1::Verdict verdict;
  verdict.set_outcome(outcome);
  verdict.set_score(score);
  verdict.set_confidence(1);
  return verdict;
}

TEST(ScoreCalibrationTest, PlattMakesAProbabilityAndTheOutcomeFollows) {
  const v1::Calibration calibration = ToMessage(PlattScaling{.slope = 4, .intercept = -3});
  v1::Verdict verdict = Decided(v1::OUTCOME_SUCCESS, 0.5);
  Calibrate(calibration, 0.5, &verdict);
  // 1 / (1 + e^1).
  EXPECT_NEAR(verdict.score(), 0.2689414213699951, 1e-12);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_FAILURE);
  EXPECT_NEAR(verdict.confidence(), 0.7310585786300049, 1e-12);
}

TEST(ScoreCalibrationTest, IsotonicIsLinearBetweenItsPoints) {
  const v1::Calibration calibration = ToMessage(IsotonicScaling{.scores = {0.2, 0.6}, .values = {0.1, 0.9}});
  EXPECT_DOUBLE_EQ(Calibrated(calibration, 0.4), 0.5);
  EXPECT_DOUBLE_EQ(Calibrated(calibration, 0.0), 0.1);
  EXPECT_DOUBLE_EQ(Calibrated(calibration, 1.0), 0.9);
}

TEST(ScoreCalibrationTest, AnUndeterminedVerdictStaysWhatItIs) {
  v1::Verdict verdict;
  verdict.set_outcome(v1::OUTCOME_UNDETERMINED);
  Calibrate(ToMessage(PlattScaling{.slope = 1, .intercept = 9}), 0.5, &verdict);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_UNDETERMINED);
  EXPECT_EQ(verdict.score(), 0);
}

TEST(ScoreCalibrationTest, RefusesWhatIsNoCalibration) {
  const auto refused = [](const v1::Calibration& calibration) {
    return ValidateCalibration(calibration).code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(ToMessage(PlattScaling{.slope = std::numeric_limits<double>::infinity(), .intercept = 0})));
  EXPECT_TRUE(refused(ToMessage(PlattScaling{.slope = 1, .intercept = std::nan("")})));
  EXPECT_TRUE(refused(ToMessage(IsotonicScaling{.scores = {}, .values = {}})));
  EXPECT_TRUE(refused(ToMessage(IsotonicScaling{.scores = {0.1, 0.1}, .values = {0.1, 0.2}})));
  EXPECT_TRUE(refused(ToMessage(IsotonicScaling{.scores = {0.1, 0.2}, .values = {0.2, 0.1}})));
  EXPECT_TRUE(refused(ToMessage(IsotonicScaling{.scores = {0.1, 0.2}, .values = {0.2}})));
  EXPECT_TRUE(refused(ToMessage(IsotonicScaling{.scores = {-0.1}, .values = {0.2}})));
  EXPECT_TRUE(refused(ToMessage(IsotonicScaling{.scores = {0.1}, .values = {1.2}})));
}

TEST(ScoreCalibrationTest, OraclesHaveNothingToCalibrate) {
  v1::Evaluator evaluator;
  evaluator.mutable_task_oracle();
  *evaluator.mutable_calibration() = ToMessage(PlattScaling{});
  EXPECT_EQ(ValidateEvaluator(evaluator).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::evaluator
