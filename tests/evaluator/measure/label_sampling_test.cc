#include "evaluator/measure/label_sampling.h"

#include <array>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "tests/evaluator/measure/episodes.h"

namespace proctor::evaluator {
namespace {

// 60 SUCCESS, 30 FAILURE, 8 UNDETERMINED, 1 invalid; scores spread.
std::vector<JudgedEpisode> Population() {
  std::vector<JudgedEpisode> episodes;
  Append(&episodes, 60, Unlabelled(JudgeOutcome::kSuccess));
  Append(&episodes, 30, Unlabelled(JudgeOutcome::kFailure));
  Append(&episodes, 8, Unlabelled(JudgeOutcome::kUndetermined));
  Append(&episodes, 1, Unlabelled(JudgeOutcome::kInvalid));
  for (size_t i = 0; i < 90; ++i) episodes[i].score = static_cast<double>(i % 11) / 10;
  return episodes;
}

std::vector<DrawnLabel> Draw(const std::vector<JudgedEpisode>& episodes, LabelDesign design,
                             size_t count, uint64_t seed) {
  auto drawn = DrawLabels(episodes, {.design = design, .count = count, .seed = seed});
  EXPECT_TRUE(drawn.ok()) << drawn.status();
  return *drawn;
}

class EveryDesign : public testing::TestWithParam<LabelDesign> {};

TEST_P(EveryDesign, DrawsExactlyAsManyDifferentOnesInOrder) {
  const auto episodes = Population();
  for (const size_t count : {0u, 1u, 3u, 20u, 98u, 99u, 1000u}) {
    const auto drawn = Draw(episodes, GetParam(), count, 3);
    ASSERT_EQ(drawn.size(), std::min(count, episodes.size()));
    for (size_t i = 1; i < drawn.size(); ++i) EXPECT_LT(drawn[i - 1].index, drawn[i].index);
  }
}

TEST_P(EveryDesign, DrawsEachAsOftenAsItSays) {
  const auto episodes = Population();
  constexpr int kRuns = 4000;
  std::vector<double> often(episodes.size()), said(episodes.size());
  for (int run = 0; run < kRuns; ++run) {
    for (const DrawnLabel& d : Draw(episodes, GetParam(), 20, static_cast<uint64_t>(run))) {
      often[d.index] += 1.0 / kRuns;
      said[d.index] = d.inclusion_probability;
    }
  }
  double sum = 0;
  for (size_t i = 0; i < episodes.size(); ++i) {
    const double noise = std::sqrt(said[i] * (1 - said[i]) / kRuns);
    EXPECT_NEAR(often[i], said[i], 4.5 * noise + 1e-9) << i;
    sum += said[i];
  }
  EXPECT_NEAR(sum, 20, 1e-9);
}

// Sum of 1 / probability over the drawn estimates the size of the population without bias.
TEST_P(EveryDesign, WeightsEstimateTotalsWithoutBias) {
  const auto episodes = Population();
  double mean = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    for (const DrawnLabel& d : Draw(episodes, GetParam(), 20, seed)) {
      mean += 1 / d.inclusion_probability / 2000;
    }
  }
  EXPECT_NEAR(mean, 99, 2);
}

TEST_P(EveryDesign, DrawsTheSameForTheSameSeedOnly) {
  const auto episodes = Population();
  const auto indices = [&](uint64_t seed) {
    std::vector<size_t> found;
    for (const DrawnLabel& d : Draw(episodes, GetParam(), 30, seed)) found.push_back(d.index);
    return found;
  };
  EXPECT_EQ(indices(1), indices(1));
  EXPECT_NE(indices(1), indices(2));
}

INSTANTIATE_TEST_SUITE_P(Designs, EveryDesign,
                         testing::Values(LabelDesign::kUniform, LabelDesign::kByOutcome,
                                         LabelDesign::kByUncertainty));

TEST(DrawLabelsTest, ByOutcomeGivesRareOutcomesMore) {
  const auto episodes = Population();
  std::array<int, 4> drawn{};
  for (const DrawnLabel& d : Draw(episodes, LabelDesign::kByOutcome, 20, 1)) {
    ++drawn[static_cast<size_t>(episodes[d.index].outcome)];
  }
  // In proportion to the roots 7.7 : 5.5 : 2.8, and the only invalid one.
  EXPECT_EQ(drawn[0], 9);
  EXPECT_EQ(drawn[1], 7);
  EXPECT_EQ(drawn[2], 3);
  EXPECT_EQ(drawn[3], 1);
}

TEST(DrawLabelsTest, ByUncertaintyPrefersWhatTheJudgeIsUnsureOf) {
  std::vector<JudgedEpisode> episodes(3, Unlabelled(JudgeOutcome::kSuccess));
  episodes[0].score = 1;
  episodes[1].score = 0.75;
  episodes[2].confidence = 0.6;
  // Sizes 0.1 (the floor), 0.5, 0.4.
  std::array<double, 3> said{};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    for (const DrawnLabel& d : Draw(episodes, LabelDesign::kByUncertainty, 1, seed)) {
      said[d.index] = d.inclusion_probability;
    }
  }
  EXPECT_NEAR(said[0], 0.1, 1e-9);
  EXPECT_NEAR(said[1], 0.5, 1e-9);
  EXPECT_NEAR(said[2], 0.4, 1e-9);
}

TEST(DrawLabelsTest, ByUncertaintyTakesForCertainWhatWouldExceedOne) {
  std::vector<JudgedEpisode> episodes(11, Unlabelled(JudgeOutcome::kSuccess));
  for (JudgedEpisode& e : episodes) e.score = 1;
  episodes[4].outcome = JudgeOutcome::kUndetermined;
  const auto drawn = Draw(episodes, LabelDesign::kByUncertainty, 3, 1);
  bool found = false;
  for (const DrawnLabel& d : drawn) {
    EXPECT_NEAR(d.inclusion_probability, d.index == 4 ? 1 : 0.2, 1e-9);
    found |= d.index == 4;
  }
  EXPECT_TRUE(found);
}

TEST(DrawLabelsTest, RefusesBadInput) {
  const std::vector<JudgedEpisode> episodes(3);
  EXPECT_FALSE(DrawLabels(episodes, {.uncertainty_floor = 0}).ok());
  EXPECT_FALSE(DrawLabels(episodes, {.uncertainty_floor = 1.1}).ok());
  EXPECT_TRUE(DrawLabels({}, {})->empty());
}

}  // namespace
}  // namespace proctor::evaluator
