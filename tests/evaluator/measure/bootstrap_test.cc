#include "evaluator/measure/bootstrap.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

ClusterStatistic MeanOf(const std::vector<double>& values) {
  return [values](std::span<const double> counts) -> std::optional<double> {
    double sum = 0, number = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      sum += counts[i] * values[i];
      number += counts[i];
    }
    if (number == 0) return std::nullopt;
    return sum / number;
  };
}

std::vector<double> ZeroTo(size_t n) {
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

TEST(SampleQuantileTest, InterpolatesBetweenOrderStatistics) {
  const std::vector<double> sorted = {1, 2, 4, 8};
  EXPECT_EQ(*SampleQuantile(sorted, 0), 1);
  EXPECT_EQ(*SampleQuantile(sorted, 0.5), 3);
  EXPECT_NEAR(*SampleQuantile(sorted, 0.95), 4 + 0.85 * 4, 1e-12);
  EXPECT_EQ(*SampleQuantile(sorted, 1), 8);
  EXPECT_FALSE(SampleQuantile({}, 0.5));
  EXPECT_FALSE(SampleQuantile(sorted, 1.5));
}

TEST(ClusterBootstrapTest, IsAboutTheNormalIntervalForAMean) {
  // 0 ... 99: mean 49.5, standard error sqrt((100^2 - 1) / 12 / 100) = 2.887.
  const auto interval = ClusterBootstrap(100, MeanOf(ZeroTo(100)), {.replicates = 4000});
  ASSERT_TRUE(interval);
  EXPECT_NEAR(interval->low, 49.5 - 1.96 * 2.887, 0.4);
  EXPECT_NEAR(interval->high, 49.5 + 1.96 * 2.887, 0.4);
}

TEST(ClusterBootstrapTest, BcaFollowsTheSkewThePercentilesMiss) {
  std::vector<double> skewed;
  for (int i = 0; i < 40; ++i) skewed.push_back(i < 36 ? 0 : 10);
  const auto plain = ClusterBootstrap(40, MeanOf(skewed), {.kind = BootstrapKind::kPercentile});
  const auto bca = ClusterBootstrap(40, MeanOf(skewed), {.kind = BootstrapKind::kBca});
  ASSERT_TRUE(plain);
  ASSERT_TRUE(bca);
  EXPECT_GT(bca->high, plain->high);
  EXPECT_GE(bca->low, plain->low);
}

// The share of clusters that are there is 1 in the sample and about 0.63 in every replicate: all
// lie below, so the correction moves both ends to the largest. Leaving one out changes nothing: no
// acceleration.
TEST(ClusterBootstrapTest, BcaCorrectsTheBias) {
  const auto present = [](std::span<const double> counts) -> std::optional<double> {
    double there = 0, all = 0;
    for (const double count : counts) {
      there += count > 0 ? 1 : 0;
      all += count;
    }
    return there / all;
  };
  const auto plain = ClusterBootstrap(20, present, {.kind = BootstrapKind::kPercentile});
  const auto bca = ClusterBootstrap(20, present, {.kind = BootstrapKind::kBca});
  // Of the replicates between 0.5 and 0.8; it reaches up to the sample's own value.
  EXPECT_NEAR(plain->low, 0.5, 0.05);
  EXPECT_EQ(plain->high, 1);
  EXPECT_GT(bca->low, 0.75);
}

// Mean of 0 ... 9: 4.5, standard error sqrt(8.25 / 10); Student's t of 9 degrees of freedom is
// 2.262.
TEST(ClusterBootstrapTest, ExpandedQuantilesAreStudentsForAMean) {
  const auto plain = ClusterBootstrap(
      10, MeanOf(ZeroTo(10)), {.replicates = 20'000, .kind = BootstrapKind::kPercentile});
  const auto expanded = ClusterBootstrap(10, MeanOf(ZeroTo(10)), {.replicates = 20'000});
  ASSERT_TRUE(plain);
  ASSERT_TRUE(expanded);
  EXPECT_NEAR(plain->width(), 2 * 1.96 * std::sqrt(0.825), 0.15);
  EXPECT_NEAR(expanded->width(), 2 * 2.262 * std::sqrt(0.825 * 10 / 9), 0.2);
}

// One pseudo cluster: 1 of 21 draws, so that of ten draws 0.476 are expected to be of it.
TEST(ClusterBootstrapTest, DrawsPseudoClustersHalfAsOften) {
  double pseudo = 0, replicates = 0;
  const auto share = [&](std::span<const double> counts) -> std::optional<double> {
    EXPECT_EQ(counts.size(), 11u);
    if (replicates++ > 0) pseudo += counts[10];
    else EXPECT_EQ(counts[10], 0);
    return counts[10] / 10;
  };
  const auto interval =
      ClusterBootstrap(10, share, {.replicates = 10'000, .pseudo_clusters = 1});
  ASSERT_TRUE(interval);
  EXPECT_EQ(replicates, 10'001);
  EXPECT_NEAR(pseudo / 10'000, 10.0 / 21, 0.02);
  EXPECT_EQ(interval->low, 0);
  EXPECT_GT(interval->high, 0.1);
}

TEST(ClusterBootstrapTest, GivesTheSameForTheSameSeedOnly) {
  const auto one = ClusterBootstrap(30, MeanOf(ZeroTo(30)), {.seed = 5});
  const auto same = ClusterBootstrap(30, MeanOf(ZeroTo(30)), {.seed = 5});
  const auto other = ClusterBootstrap(30, MeanOf(ZeroTo(30)), {.seed = 6});
  EXPECT_EQ(one->low, same->low);
  EXPECT_EQ(one->high, same->high);
  EXPECT_NE(one->low, other->low);
}

TEST(ClusterBootstrapTest, AConstantStatisticHasNoWidth) {
  for (const BootstrapKind kind : {BootstrapKind::kPercentile, BootstrapKind::kBca}) {
    const auto interval =
        ClusterBootstrap(10, MeanOf(std::vector<double>(10, 3.0)), {.kind = kind});
    ASSERT_TRUE(interval);
    EXPECT_NEAR(interval->low, 3, 1e-12);
    EXPECT_NEAR(interval->high, 3, 1e-12);
  }
}

TEST(ClusterBootstrapTest, IsUndefinedWhereItCannotTell) {
  const auto undefined = [](std::span<const double>) { return std::optional<double>(); };
  // Defined only while the first of two clusters is there: not in a quarter of the replicates.
  const auto often = [](std::span<const double> n) {
    return n[0] > 0 ? std::optional(n[0]) : std::nullopt;
  };
  EXPECT_FALSE(ClusterBootstrap(0, MeanOf({}), {}));
  EXPECT_FALSE(ClusterBootstrap(1, MeanOf({1}), {}));
  EXPECT_FALSE(ClusterBootstrap(10, undefined, {}));
  EXPECT_FALSE(ClusterBootstrap(2, often, {}));
  EXPECT_FALSE(ClusterBootstrap(10, MeanOf(ZeroTo(10)), {.replicates = 99}));
  EXPECT_FALSE(ClusterBootstrap(10, MeanOf(ZeroTo(10)), {.level = 1}));
}

TEST(ValidateOptionsTest, RefusesWhatNoBootstrapCanDo) {
  EXPECT_TRUE(ValidateOptions({}).ok());
  EXPECT_FALSE(ValidateOptions({.level = 0}).ok());
  EXPECT_FALSE(ValidateOptions({.replicates = 10}).ok());
}

}  // namespace
}  // namespace proctor::evaluator
