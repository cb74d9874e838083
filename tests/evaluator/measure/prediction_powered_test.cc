#include "tests/evaluator/measure/prediction_powered.h"

#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

PredictionMoments Example() {
  return {.labels = 10,
          .mean_truth = 0.5,
          .mean_score = 0.4,
          .var_truth = 0.25,
          .var_score = 0.24,
          .covariance = 0.2,
          .others = 90,
          .others_mean_score = 0.5,
          .others_var_score = 0.25};
}

TEST(PredictionPoweredTest, MatchesTheFormulasByHand) {
  const PredictionPoweredRate rate = PredictionPowered(Example());
  // 0.2 / ((1 + 1/9) 0.24); 0.5 + 0.75 * 0.1; (0.25 + 0.5625 * 0.24 - 1.5 * 0.2) / 10 + 0.5625 *
  // 0.25 / 90.
  EXPECT_NEAR(*rate.tuning, 0.75, 1e-12);
  EXPECT_NEAR(*rate.rate.value, 0.575, 1e-12);
  EXPECT_NEAR(rate.rate.interval->width() / 2, 1.959963985 * 0.10031201, 1e-7);
}

TEST(PredictionPoweredTest, IgnoresAJudgeThatIsWorseThanNone) {
  PredictionMoments moments = Example();
  moments.covariance = -0.1;
  const PredictionPoweredRate rate = PredictionPowered(moments);
  EXPECT_EQ(*rate.tuning, 0);
  EXPECT_EQ(*rate.rate.value, 0.5);
  moments.covariance = 0;
  moments.var_score = 0;
  EXPECT_EQ(*PredictionPowered(moments).tuning, 0);
}

TEST(PredictionPoweredTest, IsUndefinedWithoutLabelsOrOthers) {
  PredictionMoments moments = Example();
  moments.labels = 1;
  EXPECT_FALSE(PredictionPowered(moments).rate.value);
  moments = Example();
  moments.others = 0;
  EXPECT_FALSE(PredictionPowered(moments).rate.value);
  EXPECT_FALSE(PredictionPowered(Example(), 1).rate.value);
}

}  // namespace
}  // namespace proctor::evaluator
