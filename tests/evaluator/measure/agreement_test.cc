#include "evaluator/measure/agreement.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/evaluator/measure/episodes.h"

namespace proctor::evaluator {
namespace {

constexpr JudgeOutcome S = JudgeOutcome::kSuccess;
constexpr JudgeOutcome F = JudgeOutcome::kFailure;
constexpr JudgeOutcome U = JudgeOutcome::kUndetermined;
constexpr JudgeOutcome X = JudgeOutcome::kInvalid;

TEST(McNemarPValueTest, IsTheBinomialOneForFewDiscordantPairs) {
  // 2 (1 + 6) / 2^6.
  EXPECT_NEAR(*McNemarPValue(1, 5), 14.0 / 64, 1e-12);
  EXPECT_NEAR(*McNemarPValue(0, 4), 2.0 / 16, 1e-12);
  EXPECT_EQ(*McNemarPValue(3, 3), 1);
  EXPECT_EQ(*McNemarPValue(1, 5), *McNemarPValue(5, 1));
}

TEST(McNemarPValueTest, IsChiSquaredWithCorrectionForMany) {
  // (|10 - 30| - 1)^2 / 40 = 9.025.
  EXPECT_NEAR(*McNemarPValue(10, 30), std::erfc(std::sqrt(9.025 / 2)), 1e-12);
  EXPECT_NEAR(*McNemarPValue(10, 30), 0.0026629, 1e-6);
  EXPECT_EQ(*McNemarPValue(20, 20), 1);
}

TEST(McNemarPValueTest, TheTwoFormsMeetWhereTheyChange) {
  for (size_t low = 4; low <= 12; ++low) {
    EXPECT_NEAR(*McNemarPValue(low, 25 - low), *McNemarPValue(low, 26 - low), 0.17) << low;
  }
}

TEST(McNemarPValueTest, IsUndefinedWithoutDiscordantPairs) { EXPECT_FALSE(McNemarPValue(0, 0)); }

TEST(MeasureConsistencyTest, IsTheChanceThatTwoSamplesAgree) {
  std::vector<JudgedEpisode> episodes(4);
  episodes[0].samples = {S, S, F};  // 1 of 3 pairs.
  episodes[1].samples = {U, U, X};  // All of those that can be read.
  episodes[2].samples = {S};
  const Consistency c = MeasureConsistency(episodes);
  EXPECT_NEAR(*c.agreement, (1.0 / 3 + 1) / 2, 1e-12);
  EXPECT_NEAR(*c.unanimous, 0.5, 1e-12);
  EXPECT_EQ(c.episodes, 2u);
  EXPECT_EQ(c.invalid_samples, 1u);
}

TEST(MeasureConsistencyTest, IsUndefinedWithoutTwoSamples) {
  std::vector<JudgedEpisode> episodes(1);
  episodes[0].samples = {X, X, S};
  const Consistency c = MeasureConsistency(episodes);
  EXPECT_FALSE(c.agreement);
  EXPECT_FALSE(c.unanimous);
  EXPECT_EQ(c.invalid_samples, 2u);
}

struct Two {
  std::vector<JudgedEpisode> first;
  std::vector<JudgedEpisode> second;

  void Add(size_t times, JudgeOutcome a, JudgeOutcome b, Truth truth) {
    Append(&first, times, WithLabel(a, truth));
    Append(&second, times, Unlabelled(b));
  }
};

// 10 both right, 4 only the first, 1 only the second, 5 both wrong.
Two Example() {
  Two two;
  two.Add(6, S, S, Truth::kSuccess);
  two.Add(4, F, F, Truth::kFailure);
  two.Add(4, S, F, Truth::kSuccess);
  two.Add(1, S, F, Truth::kFailure);
  two.Add(5, S, S, Truth::kFailure);
  two.Add(1, U, S, Truth::kSuccess);
  two.Add(2, S, X, Truth::kSuccess);
  return two;
}

TEST(ComparePairedTest, MatchesTheValuesByHand) {
  const Two two = Example();
  const auto result = ComparePaired(two.first, two.second);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->both_right, 10u);
  EXPECT_EQ(result->only_first_right, 4u);
  EXPECT_EQ(result->only_second_right, 1u);
  EXPECT_EQ(result->both_wrong, 5u);
  EXPECT_EQ(result->undecided, 3u);
  EXPECT_NEAR(*result->accuracy_difference.value, 3.0 / 20, 1e-12);
  // Agresti and Min: 4.5 and 1.5 of 22, 3 / 22 -+ 1.96 sqrt(6 - 9 / 22) / 22.
  EXPECT_NEAR(result->accuracy_difference.interval->low, 3.0 / 22 - 0.210653, 1e-5);
  EXPECT_NEAR(result->accuracy_difference.interval->high, 3.0 / 22 + 0.210653, 1e-5);
  EXPECT_NEAR(*result->p_value, 2 * 6.0 / 32, 1e-12);
  // The two agree on 15 of 20; the first says S 16 times, the second 11 times: chance 0.8 * 0.55 +
  // 0.2 * 0.45 = 0.53.
  EXPECT_NEAR(*result->kappa.value, (0.75 - 0.53) / 0.47, 1e-12);
  EXPECT_TRUE(result->kappa.interval->Contains(*result->kappa.value));
}

TEST(ComparePairedTest, MirrorsWhenTheEvaluatorsAreSwapped) {
  Two two = Example();
  const auto before = ComparePaired(two.first, two.second);
  for (size_t i = 0; i < two.first.size(); ++i)
    std::swap(two.first[i].outcome, two.second[i].outcome);
  const auto after = ComparePaired(two.first, two.second);
  EXPECT_NEAR(*before->accuracy_difference.value, -*after->accuracy_difference.value, 1e-12);
  EXPECT_NEAR(before->accuracy_difference.interval->low, -after->accuracy_difference.interval->high,
              1e-12);
  EXPECT_NEAR(*before->kappa.value, *after->kappa.value, 1e-12);
  EXPECT_EQ(before->p_value, after->p_value);
}

TEST(ComparePairedTest, WidensWhereTasksRepeat) {
  Two apart, together;
  for (int task = 0; task < 20; ++task) {
    const JudgeOutcome other = task % 2 == 0 ? S : F;
    for (int i = 0; i < 10; ++i) {
      apart.first.push_back(WithLabel(S, Truth::kSuccess));
      together.first.push_back(WithLabel(S, Truth::kSuccess, 1, std::to_string(task)));
      apart.second.push_back(Unlabelled(other));
      together.second.push_back(Unlabelled(other));
    }
  }
  const auto narrow = ComparePaired(apart.first, apart.second);
  const auto wide = ComparePaired(together.first, together.second);
  EXPECT_GT(wide->accuracy_difference.interval->width(),
            2 * narrow->accuracy_difference.interval->width());
}

TEST(ComparePairedTest, MarksLabelsChosenByHand) {
  const std::vector<JudgedEpisode> first = {ByHand(S, Truth::kSuccess), ByHand(S, Truth::kFailure)};
  const std::vector<JudgedEpisode> second = {Unlabelled(F), Unlabelled(S)};
  const auto result = ComparePaired(first, second);
  EXPECT_TRUE(result->accuracy_difference.biased);
  EXPECT_NEAR(*result->accuracy_difference.value, 0.5, 1e-12);
  EXPECT_FALSE(result->accuracy_difference.interval);
  EXPECT_FALSE(result->p_value);
}

TEST(ComparePairedTest, IsUndefinedWithoutDecidedPairs) {
  const std::vector<JudgedEpisode> undetermined = {WithLabel(U, Truth::kSuccess)};
  for (const auto& episodes : {std::vector<JudgedEpisode>(), undetermined}) {
    const auto result = ComparePaired(episodes, episodes);
    ASSERT_TRUE(result.ok());
    EXPECT_FALSE(result->accuracy_difference.value);
    EXPECT_FALSE(result->accuracy_difference.why.empty());
    EXPECT_FALSE(result->p_value);
    EXPECT_FALSE(result->kappa.value);
    EXPECT_FALSE(result->kappa.why.empty());
  }
}

TEST(ComparePairedTest, RefusesWhatDoesNotBelongTogether) {
  const std::vector<JudgedEpisode> one(1), two(2);
  EXPECT_EQ(ComparePaired(one, two).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ComparePaired(one, one, {.replicates = 1}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::evaluator
