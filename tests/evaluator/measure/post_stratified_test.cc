#include "evaluator/measure/post_stratified.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "evaluator/measure/proportion.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

Stratum Of(double episodes, double labels, double successes) {
  return {.episodes = episodes, .labels = labels, .successes = successes};
}

TEST(EstimatePostStratifiedTest, MatchesTheFormulasByHand) {
  const std::vector<Stratum> strata = {Of(40, 3, 2), Of(60, 3, 0)};
  const auto rate = EstimatePostStratified(strata, {});
  ASSERT_TRUE(rate);
  // Pooled: (6 * 0.4 * 2 / 3 + 0.5) / 7 = 0.3. Rates (2 + 0.3) / 4 and 0.3 / 4.
  EXPECT_NEAR(rate->value, 0.4 * 0.575 + 0.6 * 0.075, 1e-12);
  // Smoothed 0.625 and 0.125, mean 0.325; V = 0.0125 + 0.013125 + 0.06 / 100; four degrees of
  // freedom.
  const double ratio = 1.959963985 / 2.776445105;
  EXPECT_NEAR(rate->effective_labels, 0.325 * 0.675 / 0.026225 * ratio * ratio, 1e-6);
  const Interval mid = *MidPInterval(0.275 * rate->effective_labels, rate->effective_labels);
  EXPECT_NEAR(rate->interval.low, mid.low, 1e-9);
  EXPECT_NEAR(rate->interval.high, mid.high, 1e-9);
}

TEST(EstimatePostStratifiedTest, AJudgeThatTellsNothingIsWorthItsLabels) {
  const std::vector<Stratum> strata = {Of(1e6, 200, 60), Of(1e6, 200, 60)};
  EXPECT_NEAR(EstimatePostStratified(strata, {})->effective_labels, 400, 5);
}

TEST(EstimatePostStratifiedTest, AJudgeThatIsRightIsWorthManyLabels) {
  const std::vector<Stratum> strata = {Of(1000, 50, 49), Of(1000, 50, 1)};
  EXPECT_GT(EstimatePostStratified(strata, {})->effective_labels, 400);
}

TEST(EstimatePostStratifiedTest, DoesNotDependOnTheOrderOfStrata) {
  std::vector<Stratum> strata = {Of(40, 7, 2), Of(60, 3, 0), Of(17, 5, 5)};
  const auto before = EstimatePostStratified(strata, {});
  std::reverse(strata.begin(), strata.end());
  const auto after = EstimatePostStratified(strata, {});
  EXPECT_NEAR(before->interval.low, after->interval.low, 1e-9);
  EXPECT_NEAR(before->interval.high, after->interval.high, 1e-9);
}

TEST(EstimatePostStratifiedTest, MirrorsWhenSuccessAndFailureAreSwapped) {
  const std::vector<Stratum> strata = {Of(40, 7, 2), Of(60, 0, 0), Of(17, 5, 5)};
  std::vector<Stratum> mirrored = strata;
  for (Stratum& s : mirrored) s.successes = s.labels - s.successes;
  const auto one = EstimatePostStratified(strata, {});
  const auto other = EstimatePostStratified(mirrored, {});
  EXPECT_NEAR(one->value, 1 - other->value, 1e-12);
  EXPECT_NEAR(one->interval.low, 1 - other->interval.high, 1e-8);
  EXPECT_NEAR(one->interval.high, 1 - other->interval.low, 1e-8);
}

TEST(EstimatePostStratifiedTest, AnEmptyStratumChangesNothing) {
  const std::vector<Stratum> two = {Of(40, 7, 2), Of(60, 9, 1)};
  const std::vector<Stratum> three = {Of(40, 7, 2), Of(60, 9, 1), Of(0, 0, 0)};
  EXPECT_EQ(EstimatePostStratified(two, {})->interval.low,
            EstimatePostStratified(three, {})->interval.low);
}

TEST(EstimatePostStratifiedTest, ALargeStratumWithoutLabelsLeavesMostOpen) {
  const std::vector<Stratum> strata = {Of(10, 30, 30), Of(90, 0, 0)};
  const auto rate = EstimatePostStratified(strata, {});
  EXPECT_GT(rate->interval.width(), 0.6);
}

TEST(EstimatePostStratifiedTest, WidensWithTheDesignEffectAndFewerDegrees) {
  const std::vector<Stratum> strata = {Of(400, 50, 40), Of(600, 50, 5)};
  const double width = EstimatePostStratified(strata, {})->interval.width();
  EXPECT_GT(EstimatePostStratified(strata, {.design_effect = 4, .degrees = {}})->interval.width(),
            1.8 * width);
  EXPECT_GT(EstimatePostStratified(strata, {.degrees = 3})->interval.width(), 1.4 * width);
}

TEST(EstimatePostStratifiedTest, TakesAssumedRatesAsGiven) {
  Stratum fails = Of(50, 0, 0), succeeds = Of(50, 0, 0);
  fails.rate = Stratum::Rate::kAllFail;
  succeeds.rate = Stratum::Rate::kAllSucceed;
  const Stratum known = Of(50, 20, 10);
  const std::vector<Stratum> low = {known, fails}, high = {known, succeeds};
  EXPECT_NEAR(EstimatePostStratified(low, {})->value, 0.25, 0.001);
  EXPECT_NEAR(EstimatePostStratified(high, {})->value, 0.75, 0.001);
  // Nothing is left to estimate.
  const std::vector<Stratum> all = {fails};
  EXPECT_EQ(EstimatePostStratified(all, {})->interval.high, 0);
}

TEST(EstimatePostStratifiedTest, IsUndefinedForTooFewLabelsOrImpossibleNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::vector<Stratum>> kBad = {{},
                                                  {Of(0, 0, 0)},
                                                  {Of(10, 0, 0)},
                                                  {Of(10, 1, 1), Of(10, 1, 0)},
                                                  {Of(10, 5, 6)},
                                                  {Of(10, 5, -1)},
                                                  {Of(-10, 5, 1)},
                                                  {Of(nan, 5, 1)},
                                                  {Of(10, 5, nan)}};
  for (const auto& strata : kBad) EXPECT_FALSE(EstimatePostStratified(strata, {}));
  const std::vector<Stratum> good = {Of(40, 7, 2)};
  EXPECT_FALSE(EstimatePostStratified(good, {.level = 1, .degrees = {}}));
  EXPECT_FALSE(EstimatePostStratified(good, {.design_effect = 0.5, .degrees = {}}));
  EXPECT_FALSE(EstimatePostStratified(good, {.degrees = 0}));
  // Degrees make up for no label that lacks.
  const std::vector<Stratum> few = {Of(10, 1, 1), Of(10, 1, 0)}, enough = {Of(10, 2, 1), Of(10, 1, 0)};
  EXPECT_FALSE(EstimatePostStratified(few, {.degrees = 30}));
  EXPECT_TRUE(EstimatePostStratified(enough, {.degrees = 30}));
}

}  // namespace
}  // namespace proctor::evaluator
