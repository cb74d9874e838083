#include "evaluator/measure/weighted_share.h"

#include <algorithm>
#include <vector>

#include "evaluator/measure/proportion.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

TEST(WeightedShareTest, IsWilsonForEqualWeightsWithoutClusters) {
  std::vector<Observation> observations;
  for (size_t i = 0; i < 10; ++i) observations.push_back({.weight = 4, .hit = i < 8, .cluster = i});
  const Estimate share = WeightedShare(observations);
  EXPECT_NEAR(*share.value, 0.8, 1e-12);
  const Interval wilson = *WilsonInterval(8, 10);
  EXPECT_NEAR(share.interval->low, wilson.low, 1e-12);
  EXPECT_NEAR(share.interval->high, wilson.high, 1e-12);
}

TEST(WeightedShareTest, CountsUnequalWeightsAsFewer) {
  const std::vector<Observation> observations = {{2, true, 0}, {1, true, 1}, {1, false, 2}};
  const Estimate share = WeightedShare(observations);
  EXPECT_NEAR(*share.value, 0.75, 1e-12);
  // Kish: 4^2 / (4 + 1 + 1) = 2.6667.
  const Interval wilson = *WilsonInterval(2, 16.0 / 6);
  EXPECT_NEAR(share.interval->low, wilson.low, 1e-12);
  EXPECT_NEAR(share.interval->high, wilson.high, 1e-12);
}

// 10 clusters of 10: all alike within, or all mixed alike.
std::vector<Observation> TenByTen(bool alike_within) {
  std::vector<Observation> observations;
  for (size_t c = 0; c < 10; ++c) {
    for (size_t i = 0; i < 10; ++i) {
      observations.push_back({.weight = 1, .hit = (alike_within ? c : i) < 5, .cluster = c});
    }
  }
  return observations;
}

TEST(WeightedShareTest, IsWideWhereClustersAreAlikeWithin) {
  const Interval alike = *WeightedShare(TenByTen(true)).interval;
  const Interval mixed = *WeightedShare(TenByTen(false)).interval;
  EXPECT_GT(alike.width(), WilsonInterval(5, 10)->width());
  EXPECT_LT(mixed.width(), WilsonInterval(30, 60)->width());
  EXPECT_GE(mixed.width(), WilsonInterval(50, 100)->width());
}

TEST(WeightedShareTest, CountsClustersWhereAllHit) {
  std::vector<Observation> observations = TenByTen(true);
  for (Observation& o : observations) o.hit = true;
  const Interval interval = *WeightedShare(observations).interval;
  EXPECT_EQ(interval.high, 1);
  EXPECT_LT(interval.low, WilsonInterval(10, 10)->low);
}

TEST(WeightedShareTest, DoesNotDependOnTheOrder) {
  std::vector<Observation> observations = TenByTen(true);
  const Estimate before = WeightedShare(observations);
  std::reverse(observations.begin(), observations.end());
  const Estimate after = WeightedShare(observations);
  EXPECT_NEAR(before.interval->low, after.interval->low, 1e-12);
  EXPECT_NEAR(before.interval->high, after.interval->high, 1e-12);
}

TEST(WeightedShareTest, IsUndefinedWithoutWeight) {
  EXPECT_FALSE(WeightedShare({}).value);
  EXPECT_EQ(WeightedShare({}).why, "no observations");
  const std::vector<Observation> weightless = {{0, true, 0}, {0, false, 1}};
  EXPECT_FALSE(WeightedShare(weightless).value);
}

TEST(WeightedShareTest, HasNoIntervalForOneClusterOrAnImpossibleLevel) {
  const std::vector<Observation> one_task = {{1, true, 7}, {1, false, 7}};
  const Estimate share = WeightedShare(one_task);
  EXPECT_NEAR(*share.value, 0.5, 1e-12);
  EXPECT_FALSE(share.interval);
  EXPECT_EQ(share.why, "all observations are of one task");
  const std::vector<Observation> two = {{1, true, 0}, {1, false, 1}};
  EXPECT_FALSE(WeightedShare(two, 1.0).interval);
}

}  // namespace
}  // namespace proctor::evaluator
