#include "evaluator/measure/corrected_rate.h"

#include <algorithm>
#include <string>
#include <vector>

#include "evaluator/measure/post_stratified.h"
#include "gtest/gtest.h"
#include "tests/evaluator/measure/episodes.h"

namespace proctor::evaluator {
namespace {

constexpr JudgeOutcome S = JudgeOutcome::kSuccess;
constexpr JudgeOutcome F = JudgeOutcome::kFailure;
constexpr JudgeOutcome U = JudgeOutcome::kUndetermined;
constexpr JudgeOutcome X = JudgeOutcome::kInvalid;

// 1,000 episodes, half of them judged a success; 100 labels, of which the judge gets 80 right.
std::vector<JudgedEpisode> Example() {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 40, WithLabel(S, Truth::kSuccess, 0.1));
  Append(&episodes, 10, WithLabel(S, Truth::kFailure, 0.1));
  Append(&episodes, 10, WithLabel(F, Truth::kSuccess, 0.1));
  Append(&episodes, 40, WithLabel(F, Truth::kFailure, 0.1));
  Append(&episodes, 450, Unlabelled(S));
  Append(&episodes, 450, Unlabelled(F));
  return episodes;
}

CorrectedRate Correct(const std::vector<JudgedEpisode>& episodes) {
  auto rate = CorrectSuccessRate(episodes);
  EXPECT_TRUE(rate.ok()) << rate.status();
  return *rate;
}

TEST(CorrectSuccessRateTest, IsThePostStratifiedRateOfTheCounts) {
  const CorrectedRate rate = Correct(Example());
  const std::vector<Stratum> strata = {{.episodes = 500, .labels = 50, .successes = 40},
                                       {.episodes = 500, .labels = 50, .successes = 10}};
  const auto expected = EstimatePostStratified(strata, {});
  EXPECT_NEAR(*rate.rate.value, expected->value, 1e-9);
  EXPECT_NEAR(rate.rate.interval->low, expected->interval.low, 1e-9);
  EXPECT_NEAR(rate.rate.interval->high, expected->interval.high, 1e-9);
  EXPECT_FALSE(rate.rate.biased);
  EXPECT_EQ(rate.rate.why, "");
  EXPECT_EQ(rate.episodes, 1000u);
  EXPECT_EQ(rate.labels, 100u);
  EXPECT_EQ(rate.design_effect, 1);
  EXPECT_NEAR(*rate.judge_rate, 0.5, 1e-12);
  EXPECT_GT(*rate.effective_labels, 100);
  // Without undetermined verdicts the worst case is the case.
  EXPECT_EQ(rate.worst_case->low, rate.rate.interval->low);
}

TEST(CorrectSuccessRateTest, DoesNotDependOnTheOrderAndMirrors) {
  std::vector<JudgedEpisode> episodes = Example();
  Append(&episodes, 7, WithLabel(U, Truth::kSuccess, 0.5));
  Append(&episodes, 9, Unlabelled(X));
  const CorrectedRate before = Correct(episodes);
  std::reverse(episodes.begin(), episodes.end());
  EXPECT_NEAR(Correct(episodes).rate.interval->low, before.rate.interval->low, 1e-9);
  for (JudgedEpisode& e : episodes) e = Mirrored(e);
  const CorrectedRate mirrored = Correct(episodes);
  EXPECT_NEAR(*mirrored.rate.value, 1 - *before.rate.value, 1e-9);
  EXPECT_NEAR(mirrored.rate.interval->low, 1 - before.rate.interval->high, 1e-8);
  EXPECT_NEAR(mirrored.worst_case->high, 1 - before.worst_case->low, 1e-8);
}

TEST(CorrectSuccessRateTest, CorrectsAJudgeThatIsTooKind) {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 20, WithLabel(S, Truth::kSuccess, 0.05));
  Append(&episodes, 60, WithLabel(S, Truth::kFailure, 0.05));
  Append(&episodes, 20, WithLabel(F, Truth::kFailure, 0.05));
  Append(&episodes, 1520, Unlabelled(S));
  Append(&episodes, 380, Unlabelled(F));
  const CorrectedRate rate = Correct(episodes);
  EXPECT_NEAR(*rate.judge_rate, 0.8, 1e-12);
  EXPECT_NEAR(*rate.rate.value, 0.2, 0.01);
  EXPECT_LT(rate.rate.interval->high, 0.35);
}

TEST(CorrectSuccessRateTest, LabelsOfUndeterminedVerdictsCountAndTheWorstCaseDoesWithoutThem) {
  std::vector<JudgedEpisode> episodes = Example();
  Append(&episodes, 20, WithLabel(U, Truth::kSuccess, 0.1));
  Append(&episodes, 180, Unlabelled(U));
  const CorrectedRate rate = Correct(episodes);
  EXPECT_NEAR(*rate.rate.value, (500 + 200) / 1200.0, 0.02);
  // All 200 of 1,200 fail, or all succeed.
  EXPECT_LT(rate.worst_case->low, 500 / 1200.0);
  EXPECT_GT(rate.worst_case->high, 700 / 1200.0);
  EXPECT_GT(rate.worst_case->width(), rate.rate.interval->width());
}

TEST(CorrectSuccessRateTest, UndeterminedVerdictsWithoutALabelCountBothWays) {
  std::vector<JudgedEpisode> episodes = Example();
  Append(&episodes, 150, Unlabelled(U));
  Append(&episodes, 100, Unlabelled(X));
  const CorrectedRate rate = Correct(episodes);
  EXPECT_LT(rate.rate.interval->low, 500 / 1250.0);
  EXPECT_GT(rate.rate.interval->high, 750 / 1250.0);
  EXPECT_EQ(rate.rate.interval->low, rate.worst_case->low);
  EXPECT_EQ(rate.rate.interval->high, rate.worst_case->high);
}

// Undetermined verdicts of 30 tasks, one of two labelled.
std::vector<JudgedEpisode> UndeterminedTasks() {
  std::vector<JudgedEpisode> episodes;
  for (int task = 0; task < 30; ++task) {
    const std::string name = "task" + std::to_string(task);
    episodes.push_back(WithLabel(U, task % 2 == 0 ? Truth::kSuccess : Truth::kFailure, 0.5, name));
    episodes.push_back(Unlabelled(U, name));
  }
  return episodes;
}

TEST(CorrectSuccessRateTest, TheWorstCaseTrustsNoLabelOfAnUndeterminedVerdict) {
  // Too few labels without them.
  std::vector<JudgedEpisode> few = UndeterminedTasks();
  few.push_back(WithLabel(S, Truth::kSuccess, 0.5));
  few.push_back(WithLabel(F, Truth::kFailure, 0.5));
  EXPECT_TRUE(Correct(few).rate.interval);
  EXPECT_FALSE(Correct(few).worst_case);
  // Enough, but all of one task.
  std::vector<JudgedEpisode> one_task = UndeterminedTasks();
  Append(&one_task, 5, WithLabel(S, Truth::kSuccess, 0.5, "other"));
  Append(&one_task, 5, WithLabel(F, Truth::kFailure, 0.5, "other"));
  EXPECT_TRUE(Correct(one_task).rate.interval);
  EXPECT_FALSE(Correct(one_task).worst_case);
}

TEST(CorrectSuccessRateTest, UnclearLabelsCountBothWays) {
  std::vector<JudgedEpisode> episodes = Example();
  const CorrectedRate clear = Correct(episodes);
  for (size_t i = 0; i < 5; ++i) episodes[i].truth = Truth::kUnclear;
  const CorrectedRate rate = Correct(episodes);
  EXPECT_EQ(rate.unclear, 5u);
  EXPECT_LT(rate.rate.interval->low, clear.rate.interval->low);
  EXPECT_NEAR(rate.rate.interval->high, clear.rate.interval->high, 1e-9);
}

TEST(CorrectSuccessRateTest, WeighsLabelsByTheirInverseProbability) {
  // Among the verdicts SUCCESS, failures were labelled four times as often.
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 20, WithLabel(S, Truth::kSuccess, 0.1));
  Append(&episodes, 80, WithLabel(S, Truth::kFailure, 0.4));
  Append(&episodes, 300, Unlabelled(S));
  const CorrectedRate rate = Correct(episodes);
  EXPECT_NEAR(*rate.rate.value, 0.5, 0.01);
  // Kish: (200 + 200)^2 / (20 * 100 + 80 * 6.25) = 64 labels; some are lost to the t quantile.
  EXPECT_NEAR(*rate.effective_labels, 64, 4);
}

// Each task either always fails or always succeeds.
std::vector<JudgedEpisode> TasksOf(size_t size, bool named) {
  std::vector<JudgedEpisode> episodes;
  for (size_t task = 0; task < 40; ++task) {
    const std::string name = named ? "task" + std::to_string(task) : "";
    const JudgeOutcome outcome = task % 2 == 0 ? S : F;
    for (size_t i = 0; i < size; ++i) {
      const Truth truth = task % 2 == 0 && task < 36 ? Truth::kSuccess : Truth::kFailure;
      episodes.push_back(i < 3 ? WithLabel(outcome, truth, 0.3, name) : Unlabelled(outcome, name));
    }
  }
  return episodes;
}

TEST(CorrectSuccessRateTest, EpisodesOfOneTaskTellLess) {
  const CorrectedRate independent = Correct(TasksOf(10, false));
  const CorrectedRate clustered = Correct(TasksOf(10, true));
  EXPECT_EQ(independent.design_effect, 1);
  EXPECT_GT(clustered.design_effect, 2);
  EXPECT_GT(clustered.rate.interval->width(), 1.4 * independent.rate.interval->width());
  EXPECT_NEAR(*clustered.rate.value, *independent.rate.value, 1e-9);
}

TEST(CorrectSuccessRateTest, PredictsWhatNarrowsTheInterval) {
  const CorrectedRate rate = Correct(Example());
  const double width = rate.rate.interval->width();
  EXPECT_LT(*rate.width_with_twice_labels, 0.8 * width);
  EXPECT_LT(*rate.width_with_twice_episodes, width);
  EXPECT_GT(*rate.width_with_twice_episodes, 0.9 * width);
  // What was predicted is what twice the data gives.
  std::vector<JudgedEpisode> twice = Example();
  const std::vector<JudgedEpisode> more = Example();
  twice.insert(twice.end(), more.begin(), more.begin() + 100);
  EXPECT_NEAR(Correct(twice).rate.interval->width(), *rate.width_with_twice_labels, 0.003);
}

TEST(CorrectSuccessRateTest, PredictsNothingThatCannotBeLabelled) {
  std::vector<JudgedEpisode> episodes = Example();
  episodes.resize(190);
  EXPECT_FALSE(Correct(episodes).width_with_twice_labels);
}

TEST(CorrectSuccessRateTest, LabelsChosenByHandGiveNoInterval) {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 3, ByHand(S, Truth::kSuccess));
  Append(&episodes, 1, ByHand(F, Truth::kFailure));
  Append(&episodes, 1, ByHand(F, Truth::kUnclear));
  Append(&episodes, 95, Unlabelled(F));
  const CorrectedRate rate = Correct(episodes);
  EXPECT_TRUE(rate.rate.biased);
  EXPECT_NEAR(*rate.rate.value, 0.75, 1e-12);
  EXPECT_FALSE(rate.rate.interval);
  EXPECT_EQ(rate.rate.why, "labels chosen by hand");
  EXPECT_EQ(rate.by_hand, 5u);
}

TEST(CorrectSuccessRateTest, SampledLabelsStandAloneBesideThoseByHand) {
  std::vector<JudgedEpisode> episodes = Example();
  const CorrectedRate before = Correct(episodes);
  size_t extra = 0;
  for (JudgedEpisode& e : episodes) {
    if (!e.truth && ++extra <= 50) e.truth = Truth::kSuccess;
  }
  const CorrectedRate after = Correct(episodes);
  EXPECT_EQ(after.by_hand, 50u);
  EXPECT_EQ(after.rate.interval->low, before.rate.interval->low);
}

TEST(CorrectSuccessRateTest, SaysWhyThereIsNothing) {
  EXPECT_EQ(Correct({}).rate.why, "no episodes");
  EXPECT_EQ(Correct({Unlabelled(S)}).rate.why, "no labels");
  const CorrectedRate few = Correct({WithLabel(S, Truth::kSuccess), WithLabel(F, Truth::kFailure)});
  EXPECT_FALSE(few.rate.value);
  EXPECT_FALSE(few.rate.interval);
  EXPECT_EQ(few.rate.why, "too few labels, or too few tasks with labels");
  std::vector<JudgedEpisode> one_task;
  Append(&one_task, 30, WithLabel(S, Truth::kSuccess, 1, "task"));
  EXPECT_FALSE(Correct(one_task).rate.interval);
}

TEST(CorrectSuccessRateTest, AllUndeterminedWithLabelsIsARateOfLabels) {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 30, WithLabel(U, Truth::kSuccess, 0.5));
  Append(&episodes, 30, WithLabel(U, Truth::kFailure, 0.5));
  Append(&episodes, 60, Unlabelled(U));
  const CorrectedRate rate = Correct(episodes);
  EXPECT_NEAR(*rate.rate.value, 0.5, 1e-9);
  EXPECT_FALSE(rate.judge_rate);
  EXPECT_EQ(rate.worst_case->low, 0);
  EXPECT_EQ(rate.worst_case->high, 1);
}

TEST(CorrectSuccessRateTest, RefusesBadInput) {
  std::vector<JudgedEpisode> episodes = Example();
  EXPECT_FALSE(CorrectSuccessRate(episodes, 1).ok());
  episodes[3].inclusion_probability = 0;
  const auto status = CorrectSuccessRate(episodes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "episode 3: inclusion probability is not in (0, 1]");
}

}  // namespace
}  // namespace proctor::evaluator
