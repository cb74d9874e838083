#include "evaluator/measure/confusion.h"

#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

// 20 hits, 5 false alarms, 10 misses, 15 right rejections.
constexpr Confusion kExample{20, 5, 10, 15};

TEST(ConfusionTest, MeasuresMatchThoseByHand) {
  EXPECT_NEAR(*Accuracy(kExample), 35.0 / 50, 1e-12);
  EXPECT_NEAR(*Precision(kExample), 20.0 / 25, 1e-12);
  EXPECT_NEAR(*Recall(kExample), 20.0 / 30, 1e-12);
  EXPECT_NEAR(*Specificity(kExample), 15.0 / 20, 1e-12);
  EXPECT_NEAR(*F1(kExample), 40.0 / 55, 1e-12);
  // Observed 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
  EXPECT_NEAR(*CohenKappa(kExample), 0.4, 1e-12);
}

TEST(ConfusionTest, KappaIsOneForAgreementZeroForChanceAndMinusOneForContradiction) {
  EXPECT_NEAR(*CohenKappa({3, 0, 0, 7}), 1, 1e-12);
  EXPECT_NEAR(*CohenKappa({25, 25, 25, 25}), 0, 1e-12);
  EXPECT_NEAR(*CohenKappa({0, 5, 5, 0}), -1, 1e-12);
}

TEST(ConfusionTest, KappaTreatsBothRatersAlikeAndBothClassesAlike) {
  EXPECT_NEAR(*CohenKappa({20, 10, 5, 15}), *CohenKappa(kExample), 1e-12);
  EXPECT_NEAR(*CohenKappa({15, 10, 5, 20}), *CohenKappa(kExample), 1e-12);
}

TEST(ConfusionTest, IsUndefinedWithoutDataOrWithOneClass) {
  const Confusion none;
  EXPECT_FALSE(Accuracy(none));
  EXPECT_FALSE(Precision(none));
  EXPECT_FALSE(Recall(none));
  EXPECT_FALSE(Specificity(none));
  EXPECT_FALSE(F1(none));
  EXPECT_FALSE(CohenKappa(none));
  // Never said SUCCESS, never was one.
  const Confusion failures{0, 0, 0, 9};
  EXPECT_EQ(Accuracy(failures), 1);
  EXPECT_FALSE(Precision(failures));
  EXPECT_FALSE(Recall(failures));
  EXPECT_FALSE(F1(failures));
  EXPECT_FALSE(CohenKappa(failures));
}

TEST(ConfusionTest, AddsOnlyDecidedVerdictsOnClearTruths) {
  Confusion cells;
  cells.Add(JudgeOutcome::kSuccess, Truth::kSuccess, 1);
  cells.Add(JudgeOutcome::kSuccess, Truth::kFailure, 2);
  cells.Add(JudgeOutcome::kFailure, Truth::kSuccess, 4);
  cells.Add(JudgeOutcome::kFailure, Truth::kFailure, 8);
  cells.Add(JudgeOutcome::kUndetermined, Truth::kSuccess, 16);
  cells.Add(JudgeOutcome::kInvalid, Truth::kFailure, 32);
  cells.Add(JudgeOutcome::kSuccess, Truth::kUnclear, 64);
  EXPECT_EQ(cells.true_success, 1);
  EXPECT_EQ(cells.false_success, 2);
  EXPECT_EQ(cells.false_failure, 4);
  EXPECT_EQ(cells.true_failure, 8);
}

}  // namespace
}  // namespace proctor::evaluator
