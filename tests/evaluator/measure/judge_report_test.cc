#include "evaluator/measure/judge_report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "evaluator/measure/proportion.h"
#include "gtest/gtest.h"
#include "tests/evaluator/measure/episodes.h"

namespace proctor::evaluator {
namespace {

constexpr JudgeOutcome S = JudgeOutcome::kSuccess;
constexpr JudgeOutcome F = JudgeOutcome::kFailure;
constexpr JudgeOutcome U = JudgeOutcome::kUndetermined;
constexpr JudgeOutcome X = JudgeOutcome::kInvalid;

// 20 hits, 5 false alarms, 10 misses, 15 right rejections, all labelled; 6 undecided with a label,
// 4 without.
std::vector<JudgedEpisode> Example() {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 20, WithLabel(S, Truth::kSuccess));
  Append(&episodes, 5, WithLabel(S, Truth::kFailure));
  Append(&episodes, 10, WithLabel(F, Truth::kSuccess));
  Append(&episodes, 15, WithLabel(F, Truth::kFailure));
  Append(&episodes, 4, WithLabel(U, Truth::kSuccess));
  Append(&episodes, 2, WithLabel(X, Truth::kFailure));
  Append(&episodes, 1, WithLabel(S, Truth::kUnclear));
  Append(&episodes, 3, Unlabelled(X));
  return episodes;
}

JudgeReport Measure(const std::vector<JudgedEpisode>& episodes) {
  auto report = MeasureJudge(episodes);
  EXPECT_TRUE(report.ok()) << report.status();
  return *report;
}

void ExpectWilson(const Estimate& estimate, double k, double n) {
  ASSERT_TRUE(estimate.value);
  ASSERT_TRUE(estimate.interval);
  EXPECT_NEAR(*estimate.value, k / n, 1e-12);
  EXPECT_NEAR(estimate.interval->low, WilsonInterval(k, n)->low, 1e-9);
  EXPECT_NEAR(estimate.interval->high, WilsonInterval(k, n)->high, 1e-9);
  EXPECT_FALSE(estimate.biased);
}

TEST(MeasureJudgeTest, MatchesTheValuesByHand) {
  const JudgeReport report = Measure(Example());
  EXPECT_EQ(report.episodes, 60u);
  EXPECT_EQ(report.labels, 57u);
  EXPECT_EQ(report.by_hand, 0u);
  EXPECT_EQ(report.unclear, 1u);
  EXPECT_EQ(report.confusion.true_success, 20);
  EXPECT_EQ(report.confusion.false_success, 5);
  EXPECT_EQ(report.confusion.false_failure, 10);
  EXPECT_EQ(report.confusion.true_failure, 15);
  ExpectWilson(report.accuracy, 35, 50);
  ExpectWilson(report.precision, 20, 25);
  ExpectWilson(report.recall, 20, 30);
  ExpectWilson(report.specificity, 15, 20);
  ExpectWilson(report.undetermined, 4, 60);
  ExpectWilson(report.invalid, 5, 60);
  EXPECT_NEAR(report.accuracy_of_all->low, 35.0 / 56, 1e-12);
  EXPECT_NEAR(report.accuracy_of_all->high, 41.0 / 56, 1e-12);
}

TEST(MeasureJudgeTest, KappaAndF1HaveBootstrapIntervals) {
  const JudgeReport report = Measure(Example());
  EXPECT_NEAR(*report.kappa.value, 0.4, 1e-12);
  EXPECT_NEAR(*report.f1.value, 40.0 / 55, 1e-12);
  // Fleiss, Cohen and Everitt's standard error of this kappa is about 0.128.
  EXPECT_NEAR(report.kappa.interval->width(), 2 * 1.96 * 0.128, 0.06);
  EXPECT_TRUE(report.f1.interval->Contains(40.0 / 55));
}

TEST(MeasureJudgeTest, DoesNotDependOnTheOrder) {
  std::vector<JudgedEpisode> episodes = Example();
  const JudgeReport before = Measure(episodes);
  std::reverse(episodes.begin(), episodes.end());
  const JudgeReport after = Measure(episodes);
  EXPECT_NEAR(*before.kappa.value, *after.kappa.value, 1e-12);
  EXPECT_NEAR(before.precision.interval->low, after.precision.interval->low, 1e-12);
  EXPECT_NEAR(before.invalid.interval->high, after.invalid.interval->high, 1e-12);
}

TEST(MeasureJudgeTest, SwappingSuccessAndFailureSwapsRecallAndSpecificity) {
  std::vector<JudgedEpisode> episodes = Example();
  const JudgeReport before = Measure(episodes);
  for (JudgedEpisode& e : episodes) e = Mirrored(e);
  const JudgeReport after = Measure(episodes);
  EXPECT_NEAR(*before.recall.value, *after.specificity.value, 1e-12);
  EXPECT_NEAR(*before.specificity.value, *after.recall.value, 1e-12);
  EXPECT_NEAR(*before.accuracy.value, *after.accuracy.value, 1e-12);
  EXPECT_NEAR(*before.kappa.value, *after.kappa.value, 1e-12);
}

TEST(MeasureJudgeTest, WeighsSampledLabelsByTheirInverseProbability) {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 10, WithLabel(S, Truth::kSuccess, 0.1));  // Stand for 100.
  Append(&episodes, 10, WithLabel(S, Truth::kFailure, 0.4));  // Stand for 25.
  const JudgeReport report = Measure(episodes);
  EXPECT_NEAR(*report.precision.value, 0.8, 1e-12);
  EXPECT_NEAR(report.confusion.total(), 125, 1e-9);
  // Kish: 125^2 / (10 * 100 + 10 * 6.25).
  const double n = 125.0 * 125 / 1062.5;
  EXPECT_NEAR(report.precision.interval->low, WilsonInterval(0.8 * n, n)->low, 1e-9);
}

TEST(MeasureJudgeTest, LabelsChosenByHandAreMarkedAndGiveNoInterval) {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 6, ByHand(S, Truth::kSuccess));
  Append(&episodes, 2, ByHand(S, Truth::kFailure));
  Append(&episodes, 2, ByHand(F, Truth::kFailure));
  const JudgeReport report = Measure(episodes);
  EXPECT_EQ(report.by_hand, 10u);
  for (const Estimate* estimate : {&report.accuracy, &report.precision, &report.recall,
                                   &report.specificity, &report.f1, &report.kappa}) {
    EXPECT_TRUE(estimate->value);
    EXPECT_TRUE(estimate->biased);
    EXPECT_FALSE(estimate->interval);
    EXPECT_EQ(estimate->why, "labels chosen by hand");
  }
  EXPECT_FALSE(report.invalid.biased);
}

TEST(MeasureJudgeTest, OneSampledLabelSilencesThoseByHand) {
  const JudgeReport report = Measure(
      {ByHand(S, Truth::kFailure), ByHand(S, Truth::kFailure), WithLabel(S, Truth::kSuccess)});
  EXPECT_EQ(report.labels, 1u);
  EXPECT_EQ(report.by_hand, 2u);
  EXPECT_EQ(*report.precision.value, 1);
  EXPECT_FALSE(report.precision.biased);
}

TEST(MeasureJudgeTest, EverythingIsUndefinedWithoutEpisodes) {
  const JudgeReport report = Measure({});
  for (const Estimate* estimate :
       {&report.undetermined, &report.invalid, &report.accuracy, &report.precision, &report.recall,
        &report.specificity, &report.f1, &report.kappa}) {
    EXPECT_FALSE(estimate->value);
    EXPECT_FALSE(estimate->interval);
    EXPECT_EQ(estimate->why, "no observations");
  }
  EXPECT_FALSE(report.accuracy_of_all);
  EXPECT_FALSE(report.consistency.agreement);
  EXPECT_FALSE(report.reliability.expected_error);
  EXPECT_FALSE(report.cost.mean);
  EXPECT_FALSE(report.latency.p95);
}

TEST(MeasureJudgeTest, AllUndeterminedIsAShareAndNoAccuracy) {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 8, WithLabel(U, Truth::kSuccess));
  const JudgeReport report = Measure(episodes);
  EXPECT_EQ(*report.undetermined.value, 1);
  EXPECT_FALSE(report.accuracy.value);
  EXPECT_EQ(report.accuracy_of_all->low, 0);
  EXPECT_EQ(report.accuracy_of_all->high, 1);
}

TEST(MeasureJudgeTest, OneClassLeavesSpecificityAndKappaUndefined) {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 8, WithLabel(S, Truth::kSuccess));
  const JudgeReport report = Measure(episodes);
  ExpectWilson(report.recall, 8, 8);
  EXPECT_FALSE(report.specificity.value);
  EXPECT_FALSE(report.kappa.value);
  EXPECT_EQ(report.kappa.why, "one class only");
}

TEST(MeasureJudgeTest, WidensWhereTasksRepeat) {
  std::vector<JudgedEpisode> apart, together;
  for (int task = 0; task < 30; ++task) {
    const Truth truth = task % 3 == 0 ? Truth::kFailure : Truth::kSuccess;
    for (int i = 0; i < 8; ++i) {
      apart.push_back(WithLabel(i % 4 == 0 ? F : S, truth));
      together.push_back(WithLabel(i % 4 == 0 ? F : S, truth, 1, std::to_string(task)));
    }
  }
  const JudgeReport narrow = Measure(apart), wide = Measure(together);
  EXPECT_GT(wide.precision.interval->width(), 2 * narrow.precision.interval->width());
  EXPECT_EQ(*wide.precision.value, *narrow.precision.value);
}

TEST(MeasureJudgeTest, InvalidVerdictsHaveNoScore) {
  std::vector<JudgedEpisode> episodes = {
      WithLabel(X, Truth::kSuccess), WithLabel(S, Truth::kSuccess), WithLabel(U, Truth::kFailure)};
  episodes[0].score = 0;
  episodes[1].score = 0.75;
  episodes[2].score = 0.5;
  const JudgeReport report = Measure(episodes);
  EXPECT_NEAR(*report.reliability.brier, (0.0625 + 0.25) / 2, 1e-12);
}

TEST(MeasureJudgeTest, SumsUpCostAndLatencyOfThoseThatHaveThem) {
  std::vector<JudgedEpisode> episodes(5);
  for (size_t i = 0; i < 4; ++i) episodes[i].cost = static_cast<double>(i);
  episodes[0].latency = absl::Seconds(1);
  episodes[1].latency = absl::Seconds(3);
  const JudgeReport report = Measure(episodes);
  EXPECT_EQ(report.cost.count, 4u);
  EXPECT_NEAR(*report.cost.mean, 1.5, 1e-12);
  EXPECT_NEAR(*report.cost.p50, 1.5, 1e-12);
  EXPECT_NEAR(*report.cost.p95, 2.85, 1e-12);
  EXPECT_EQ(report.latency.count, 2u);
  EXPECT_EQ(*report.latency.mean, absl::Seconds(2));
  EXPECT_EQ(*report.latency.p50, absl::Seconds(2));
  EXPECT_NEAR(absl::ToDoubleSeconds(*report.latency.p95), 2.9, 1e-9);
}

TEST(MeasureJudgeTest, RefusesNumbersOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refuses = [](auto&& spoil) {
    std::vector<JudgedEpisode> episodes(2);
    spoil(episodes[1]);
    return MeasureJudge(episodes).status().code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refuses([](JudgedEpisode& e) { e.score = 1.1; }));
  EXPECT_TRUE(refuses([=](JudgedEpisode& e) { e.score = nan; }));
  EXPECT_TRUE(refuses([](JudgedEpisode& e) { e.confidence = -0.1; }));
  EXPECT_TRUE(refuses([](JudgedEpisode& e) { e.cost = -1; }));
  EXPECT_TRUE(refuses([=](JudgedEpisode& e) { e.cost = nan; }));
  EXPECT_TRUE(refuses([](JudgedEpisode& e) { e.latency = -absl::Seconds(1); }));
  EXPECT_TRUE(refuses([](JudgedEpisode& e) { e.latency = absl::InfiniteDuration(); }));
  EXPECT_TRUE(refuses([](JudgedEpisode& e) { e.inclusion_probability = 0; }));
  EXPECT_FALSE(MeasureJudge({}, {.bootstrap = {.level = 2}}).ok());
}

TEST(MeasureJudgeByTest, SlicesByCombinationsOfTags) {
  std::vector<JudgedEpisode> episodes = Example();
  for (size_t i = 0; i < episodes.size(); ++i) {
    episodes[i].tags["site"] = i % 2 == 0 ? "a" : "b";
    if (i < 10) episodes[i].tags["kind"] = "search";
  }
  const std::vector<std::string> tags = {"site", "kind"};
  const auto slices = MeasureJudgeBy(episodes, tags);
  ASSERT_TRUE(slices.ok());
  ASSERT_EQ(slices->size(), 4u);
  EXPECT_EQ(slices->front().tags.at("kind"), "");
  EXPECT_EQ(slices->back().tags.at("kind"), "search");
  size_t sum = 0;
  for (const JudgeSlice& slice : *slices) sum += slice.report.episodes;
  EXPECT_EQ(sum, episodes.size());
  EXPECT_EQ(slices->back().report.episodes, 5u);
}

TEST(MeasureJudgeByTest, WithoutTagsIsOneSliceAndWithoutEpisodesNone) {
  EXPECT_EQ(MeasureJudgeBy(Example(), {})->size(), 1u);
  EXPECT_TRUE(MeasureJudgeBy({}, {})->empty());
}

}  // namespace
}  // namespace proctor::evaluator
