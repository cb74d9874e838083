#include "evaluator/measure/prediction_powered.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/evaluator/measure/episodes.h"

namespace proctor::evaluator {
namespace {

constexpr JudgeOutcome S = JudgeOutcome::kSuccess;
constexpr JudgeOutcome F = JudgeOutcome::kFailure;

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

std::vector<JudgedEpisode> Episodes(bool clustered) {
  std::vector<JudgedEpisode> episodes;
  for (size_t i = 0; i < 600; ++i) {
    const bool truth = i / 10 % 3 == 0;
    const bool labelled = i % 5 == 0;
    const JudgeOutcome outcome = (i % 7 == 0) != truth ? S : F;
    const std::string task = clustered ? std::to_string(i / 10) : "";
    JudgedEpisode e = Unlabelled(outcome, task);
    if (labelled) e = WithLabel(outcome, truth ? Truth::kSuccess : Truth::kFailure, 0.2, task);
    e.score = outcome == S ? 0.8 : 0.3;
    episodes.push_back(e);
  }
  return episodes;
}

TEST(PredictionPoweredSuccessRateTest, IsNearTheMomentsForUniformIndependentLabels) {
  const auto rate = PredictionPoweredSuccessRate(Episodes(false));
  ASSERT_TRUE(rate.ok()) << rate.status();
  EXPECT_NEAR(*rate->rate.value, 1.0 / 3, 0.06);
  EXPECT_TRUE(rate->rate.interval->Contains(1.0 / 3));
  EXPECT_GT(*rate->tuning, 0.5);
}

TEST(PredictionPoweredSuccessRateTest, WidensWithClustersAndNotWithTheOrder) {
  std::vector<JudgedEpisode> episodes = Episodes(true);
  const auto clustered = PredictionPoweredSuccessRate(episodes);
  const auto independent = PredictionPoweredSuccessRate(Episodes(false));
  EXPECT_GT(clustered->rate.interval->width(), 1.2 * independent->rate.interval->width());
  std::reverse(episodes.begin(), episodes.end());
  const auto reversed = PredictionPoweredSuccessRate(episodes);
  EXPECT_NEAR(reversed->rate.interval->low, clustered->rate.interval->low, 1e-9);
}

TEST(PredictionPoweredSuccessRateTest, MirrorsWhenSuccessAndFailureAreSwapped) {
  std::vector<JudgedEpisode> episodes = Episodes(true);
  const auto before = PredictionPoweredSuccessRate(episodes);
  for (JudgedEpisode& e : episodes) e = Mirrored(e);
  const auto after = PredictionPoweredSuccessRate(episodes);
  EXPECT_NEAR(*after->rate.value, 1 - *before->rate.value, 1e-9);
  EXPECT_NEAR(after->rate.interval->high, 1 - before->rate.interval->low, 1e-9);
}

TEST(PredictionPoweredSuccessRateTest, SaysWhyThereIsNothing) {
  const auto why = [](std::vector<JudgedEpisode> episodes) {
    return PredictionPoweredSuccessRate(episodes)->rate.why;
  };
  std::vector<JudgedEpisode> episodes = Episodes(false);
  episodes[0].outcome = JudgeOutcome::kInvalid;
  EXPECT_EQ(why(episodes), "an episode has neither a score nor a decided outcome");
  episodes = Episodes(false);
  episodes[0].truth = Truth::kUnclear;
  EXPECT_EQ(why(episodes), "a label is unclear");
  EXPECT_EQ(why({}), "too few labels or no other episodes");
  EXPECT_EQ(why({WithLabel(S, Truth::kSuccess, 1, "a"), WithLabel(F, Truth::kSuccess, 1, "a"),
                 Unlabelled(S, "a")}),
            "all labels are of one task");
  EXPECT_EQ(why({WithLabel(S, Truth::kSuccess), WithLabel(S, Truth::kSuccess), Unlabelled(S)}),
            "no variation among the labels: use CorrectSuccessRate");
}

TEST(PredictionPoweredSuccessRateTest, MarksLabelsChosenByHand) {
  const std::vector<JudgedEpisode> episodes = {ByHand(S, Truth::kSuccess),
                                               ByHand(F, Truth::kSuccess), Unlabelled(S)};
  const auto rate = PredictionPoweredSuccessRate(episodes);
  EXPECT_TRUE(rate->rate.biased);
  EXPECT_TRUE(rate->rate.value);
  EXPECT_FALSE(rate->rate.interval);
  EXPECT_EQ(rate->rate.why, "labels chosen by hand");
}

TEST(PredictionPoweredSuccessRateTest, RefusesBadInput) {
  std::vector<JudgedEpisode> episodes = Episodes(false);
  EXPECT_FALSE(PredictionPoweredSuccessRate(episodes, 0).ok());
  episodes[0].score = 1.5;
  EXPECT_EQ(PredictionPoweredSuccessRate(episodes).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor::evaluator
