#include "evaluator/measure/reliability.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

TEST(MeasureReliabilityTest, MatchesTheValuesByHand) {
  const std::vector<ScoredLabel> labels = {
      {0.1, false, 1, 0}, {0.3, true, 1, 0}, {0.8, true, 1, 0}, {1.0, true, 1, 0}};
  const Reliability r = MeasureReliability(labels, 2);
  // Below 0.5: scores 0.2 on average, half successes; above: 0.9, all successes.
  EXPECT_NEAR(*r.expected_error, 0.5 * 0.3 + 0.5 * 0.1, 1e-12);
  EXPECT_NEAR(*r.brier, (0.01 + 0.49 + 0.04 + 0) / 4, 1e-12);
  ASSERT_EQ(r.bins.size(), 2u);
  EXPECT_EQ(r.bins[1].count, 2u);
  EXPECT_NEAR(*r.bins[0].mean_score, 0.2, 1e-12);
  EXPECT_NEAR(*r.bins[0].success_rate, 0.5, 1e-12);
}

TEST(MeasureReliabilityTest, WeighsLabels) {
  const std::vector<ScoredLabel> labels = {
      {0.25, false, 3, 0}, {0.25, true, 1, 0}, {0.25, true, 0, 0}};
  const Reliability r = MeasureReliability(labels, 1);
  EXPECT_NEAR(*r.expected_error, 0, 1e-12);
  EXPECT_NEAR(*r.brier, (3 * 0.0625 + 0.5625) / 4, 1e-12);
  EXPECT_EQ(r.bins[0].count, 2u);
}

TEST(MeasureReliabilityTest, PutsAScoreOnAnEdgeIntoTheUpperBinAndOneIntoTheLast) {
  for (const size_t bins : {1u, 3u, 10u, 49u}) {
    for (size_t b = 0; b < bins; ++b) {
      const double edge = static_cast<double>(b) / static_cast<double>(bins);
      const std::vector<ScoredLabel> label = {{edge, true, 1, 0}};
      EXPECT_EQ(MeasureReliability(label, bins).bins[b].count, 1u) << bins << " " << b;
    }
    const std::vector<ScoredLabel> one = {{1, true, 1, 0}};
    EXPECT_EQ(MeasureReliability(one, bins).bins.back().count, 1u);
  }
}

TEST(MeasureReliabilityTest, DoesNotDependOnTheOrder) {
  std::vector<ScoredLabel> labels;
  for (int i = 0; i < 50; ++i) labels.push_back({i / 50.0, i % 3 == 0, 1.0 + i % 4, 0});
  const Reliability before = MeasureReliability(labels);
  std::reverse(labels.begin(), labels.end());
  const Reliability after = MeasureReliability(labels);
  EXPECT_NEAR(*before.expected_error, *after.expected_error, 1e-12);
  EXPECT_NEAR(*before.brier, *after.brier, 1e-12);
}

TEST(MeasureReliabilityTest, IsUndefinedWithoutLabels) {
  const Reliability r = MeasureReliability({}, 0);
  EXPECT_FALSE(r.expected_error);
  EXPECT_FALSE(r.brier);
  ASSERT_EQ(r.bins.size(), 1u);
  EXPECT_FALSE(r.bins[0].mean_score);
  EXPECT_FALSE(r.bins[0].success_rate);
}

}  // namespace
}  // namespace proctor::evaluator
