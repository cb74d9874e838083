#include "evaluator/measure/calibration.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <vector>

#include "evaluator/measure/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

ScoredLabel Of(double score, bool success, double weight = 1, size_t cluster = 0) {
  return {score, success, weight, cluster};
}

// True probability of success is the square of the score.
std::vector<ScoredLabel> Squares(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<ScoredLabel> labels;
  for (size_t i = 0; i < count; ++i) {
    const double score = random.Uniform();
    labels.push_back(Of(score, random.Uniform() < score * score, 1, i / 3));
  }
  return labels;
}

TEST(FitBestThresholdTest, FindsTheMostAccurateAndOfEqualsTheLowest) {
  const std::vector<ScoredLabel> labels = {Of(0.2, false), Of(0.4, true), Of(0.6, false),
                                           Of(0.8, true), Of(0.9, true)};
  const auto threshold = FitBestThreshold(labels);
  ASSERT_TRUE(threshold.ok());
  // At 0.4: only the 0.6 is wrong; at 0.8: only the 0.4.
  EXPECT_EQ(threshold->at, 0.4);
  EXPECT_NEAR(threshold->accuracy, 0.8, 1e-12);
  EXPECT_NEAR(*threshold->precision, 0.75, 1e-12);
  EXPECT_EQ(threshold->recall, 1);
  EXPECT_TRUE(threshold->Accepts(0.4));
  EXPECT_FALSE(threshold->Accepts(0.39));
}

TEST(FitBestThresholdTest, WeightsDecide) {
  const std::vector<ScoredLabel> labels = {Of(0.2, false), Of(0.4, true), Of(0.6, false, 3),
                                           Of(0.8, true), Of(0.9, true)};
  EXPECT_EQ(FitBestThreshold(labels)->at, 0.8);
}

TEST(FitBestThresholdTest, NeverAcceptsWhereNothingSucceeds) {
  const std::vector<ScoredLabel> labels = {Of(0.2, false), Of(1.0, false)};
  const auto threshold = FitBestThreshold(labels);
  EXPECT_FALSE(threshold->Accepts(1.0));
  EXPECT_EQ(threshold->accuracy, 1);
  EXPECT_FALSE(threshold->precision);
}

TEST(FitThresholdForPrecisionTest, TakesTheLowestThatIsPreciseEnough) {
  const std::vector<ScoredLabel> labels = {Of(0.2, false), Of(0.4, true), Of(0.6, false),
                                           Of(0.8, true), Of(0.9, true)};
  EXPECT_EQ(FitThresholdForPrecision(labels, 0.75)->at, 0.4);
  EXPECT_EQ(FitThresholdForPrecision(labels, 0.76)->at, 0.8);
  EXPECT_EQ(FitThresholdForPrecision(labels, 0.5)->at, 0.2);
}

TEST(FitThresholdForPrecisionTest, SaysWhenThereIsNone) {
  const std::vector<ScoredLabel> labels = {Of(0.2, true), Of(0.9, false)};
  EXPECT_EQ(FitThresholdForPrecision(labels, 0.9).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FitThresholdForPrecision(labels, 0).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(FitPlattTest, MatchesTheTargetsWhereTwoScoresFitExactly) {
  const std::vector<ScoredLabel> labels = {Of(0, false), Of(0, false), Of(1, true), Of(1, true)};
  const auto platt = FitPlatt(labels);
  ASSERT_TRUE(platt.ok());
  // Targets (2 + 1) / (2 + 2) and 1 / (2 + 2).
  EXPECT_NEAR(platt->Apply(1), 0.75, 1e-6);
  EXPECT_NEAR(platt->Apply(0), 0.25, 1e-6);
  EXPECT_NEAR(platt->intercept, -std::log(3), 1e-5);
  EXPECT_NEAR(platt->slope, 2 * std::log(3), 1e-5);
}

// At the minimum no small step lowers the loss: its gradient by finite differences is 0.
TEST(FitPlattTest, StandsAtTheMinimum) {
  const auto labels = Squares(300, 4);
  double n = 0, p = 0;
  for (const ScoredLabel& l : labels) (l.success ? p : n) += 1;
  const auto loss = [&](double slope, double intercept) {
    double sum = 0;
    for (const ScoredLabel& l : labels) {
      const double target = l.success ? (p + 1) / (p + 2) : 1 / (n + 2);
      const double y = PlattScaling{slope, intercept}.Apply(l.score);
      sum -= target * std::log(y) + (1 - target) * std::log(1 - y);
    }
    return sum;
  };
  const auto platt = FitPlatt(labels);
  constexpr double kStep = 1e-4;
  const auto [a, b] = *platt;
  EXPECT_NEAR((loss(a + kStep, b) - loss(a - kStep, b)) / (2 * kStep), 0, 1e-4);
  EXPECT_NEAR((loss(a, b + kStep) - loss(a, b - kStep)) / (2 * kStep), 0, 1e-4);
}

TEST(FitPlattTest, MirrorsWhenSuccessAndFailureAreSwapped) {
  const auto labels = Squares(200, 5);
  auto mirrored = labels;
  for (ScoredLabel& l : mirrored) {
    l.score = 1 - l.score;
    l.success = !l.success;
  }
  EXPECT_NEAR(FitPlatt(labels)->Apply(0.3), 1 - FitPlatt(mirrored)->Apply(0.7), 1e-6);
}

TEST(FitPlattTest, IsUndefinedForOneClassOrConstantScores) {
  const std::vector<ScoredLabel> one_class = {Of(0.1, true), Of(0.9, true)};
  const std::vector<ScoredLabel> constant = {Of(0.5, true), Of(0.5, false)};
  EXPECT_EQ(FitPlatt(one_class).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FitPlatt(constant).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(PlattScalingTest, StaysFiniteFarOut) {
  EXPECT_EQ((PlattScaling{1e6, 0}.Apply(1)), 1);
  EXPECT_EQ((PlattScaling{-1e6, 0}.Apply(1)), 0);
}

TEST(FitIsotonicTest, PoolsViolators) {
  const std::vector<ScoredLabel> labels = {Of(0.1, false), Of(0.2, true), Of(0.3, false),
                                           Of(0.4, true), Of(0.5, true)};
  const auto isotonic = FitIsotonic(labels);
  ASSERT_TRUE(isotonic.ok());
  EXPECT_THAT(isotonic->scores, ElementsAre(0.1, 0.2, 0.3, 0.4, 0.5));
  EXPECT_THAT(isotonic->values, ElementsAre(0, 0.5, 0.5, 1, 1));
  EXPECT_NEAR(isotonic->Apply(0.25), 0.5, 1e-12);
  EXPECT_NEAR(isotonic->Apply(0.35), 0.75, 1e-12);
  EXPECT_EQ(isotonic->Apply(0), 0);
  EXPECT_EQ(isotonic->Apply(1), 1);
}

TEST(FitIsotonicTest, PoolsEqualScoresByWeight) {
  const std::vector<ScoredLabel> labels = {Of(0.5, true, 3), Of(0.5, false, 1), Of(0.9, true, 0)};
  const auto isotonic = FitIsotonic(labels);
  EXPECT_THAT(isotonic->scores, ElementsAre(0.5));
  EXPECT_THAT(isotonic->values, ElementsAre(DoubleNear(0.75, 1e-12)));
  EXPECT_NEAR(isotonic->Apply(0.1), 0.75, 1e-12);
}

TEST(FitIsotonicTest, IsMonotoneKeepsTheMeanAndIgnoresTheOrder) {
  auto labels = Squares(500, 6);
  const auto isotonic = FitIsotonic(labels);
  EXPECT_TRUE(std::is_sorted(isotonic->values.begin(), isotonic->values.end()));
  EXPECT_TRUE(std::is_sorted(isotonic->scores.begin(), isotonic->scores.end()));
  double predicted = 0, actual = 0;
  for (const ScoredLabel& l : labels) {
    predicted += isotonic->Apply(l.score);
    actual += l.success ? 1 : 0;
  }
  EXPECT_NEAR(predicted, actual, 1e-6);
  std::reverse(labels.begin(), labels.end());
  EXPECT_EQ(FitIsotonic(labels)->values, isotonic->values);
}

TEST(FitsTest, RefuseWhatIsNoLabel) {
  const std::vector<ScoredLabel> weightless = {Of(0.5, true, 0)}, outside = {Of(1.5, true)};
  for (const auto& labels : {std::vector<ScoredLabel>(), weightless, outside}) {
    EXPECT_EQ(FitBestThreshold(labels).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FitThresholdForPrecision(labels, 0.9).status().code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FitPlatt(labels).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FitIsotonic(labels).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(FoldsByClusterTest, KeepsClustersTogetherAndFoldsEven) {
  const auto labels = Squares(300, 7);  // 100 clusters of 3.
  const auto folds = FoldsByCluster(labels, 7, 1);
  ASSERT_TRUE(folds.ok());
  std::vector<size_t> sizes(7);
  for (size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ((*folds)[i], (*folds)[labels[i].cluster * 3]);
    ++sizes[(*folds)[i]];
  }
  for (const size_t size : sizes) EXPECT_TRUE(size == 42 || size == 45) << size;
  EXPECT_EQ(*folds, *FoldsByCluster(labels, 7, 1));
  EXPECT_NE(*folds, *FoldsByCluster(labels, 7, 2));
}

TEST(FoldsByClusterTest, RefusesTooFewFoldsOrClusters) {
  const auto labels = Squares(6, 8);  // Two clusters.
  EXPECT_FALSE(FoldsByCluster(labels, 1, 1).ok());
  EXPECT_FALSE(FoldsByCluster(labels, 3, 1).ok());
}

TEST(OutOfFoldTest, NeverSeesTheLabelItPredicts) {
  // Each label tells its own score; a fit that remembers what it saw would give it away.
  std::vector<ScoredLabel> labels;
  for (size_t i = 0; i < 20; ++i) labels.push_back(Of(static_cast<double>(i) / 20, true, 1, i / 2));
  const Fitter remembers = [](std::span<const ScoredLabel> seen) -> std::optional<Predictor> {
    std::set<double> scores;
    for (const ScoredLabel& l : seen) scores.insert(l.score);
    return [scores](double score) { return scores.contains(score) ? 1.0 : 0.0; };
  };
  const auto predictions = OutOfFold(labels, remembers, 5, 1);
  ASSERT_TRUE(predictions.ok());
  for (const auto& prediction : *predictions) EXPECT_EQ(prediction, 0.0);
}

TEST(OutOfFoldTest, CalibratesScoresThatWereOff) {
  auto labels = Squares(3000, 9);
  const double before = *MeasureReliability(labels).expected_error;
  for (const Fitter& fitter : {PlattFitter(), IsotonicFitter()}) {
    const auto predictions = OutOfFold(labels, fitter, 5, 1);
    ASSERT_TRUE(predictions.ok());
    auto calibrated = labels;
    for (size_t i = 0; i < labels.size(); ++i) calibrated[i].score = *(*predictions)[i];
    EXPECT_LT(*MeasureReliability(calibrated).expected_error, before / 3);
  }
}

TEST(OutOfFoldTest, PredictsOutcomesByThresholds) {
  const auto labels = Squares(300, 10);
  const auto folds = FoldsByCluster(labels, 5, 1);
  ASSERT_TRUE(folds.ok());
  for (const Fitter& fitter : {BestThresholdFitter(), PrecisionThresholdFitter(0.6)}) {
    const auto predictions = OutOfFold(labels, fitter, 5, 1);
    ASSERT_TRUE(predictions.ok());
    ASSERT_EQ(predictions->size(), labels.size());
    // Of each fold the highest score that is refused and the lowest that is accepted: there are both, and nothing in between.
    std::vector<double> refused(5, -1), accepted(5, 2);
    for (size_t i = 0; i < labels.size(); ++i) {
      const std::optional<double>& prediction = (*predictions)[i];
      const size_t fold = (*folds)[i];
      ASSERT_TRUE(prediction == 0.0 || prediction == 1.0) << i;
      if (prediction == 0.0) refused[fold] = std::max(refused[fold], labels[i].score);
      if (prediction == 1.0) accepted[fold] = std::min(accepted[fold], labels[i].score);
    }
    for (size_t fold = 0; fold < 5; ++fold) {
      EXPECT_GE(refused[fold], 0) << fold;
      EXPECT_LE(accepted[fold], 1) << fold;
      EXPECT_LT(refused[fold], accepted[fold]) << fold;
    }
  }
}

TEST(OutOfFoldTest, LeavesOutWhatCouldNotBeFitted) {
  std::vector<ScoredLabel> labels;
  for (size_t i = 0; i < 6; ++i) labels.push_back(Of(0.1 * static_cast<double>(i), true, 1, i));
  const auto predictions = OutOfFold(labels, PlattFitter(), 3, 1);
  ASSERT_TRUE(predictions.ok());
  for (const auto& prediction : *predictions) EXPECT_FALSE(prediction);
}

}  // namespace
}  // namespace proctor::evaluator
