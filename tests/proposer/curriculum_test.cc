#include "proposer/curriculum.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proctor::proposer {
namespace {

std::vector<Candidate> ThreeLengths() {
  std::vector<Candidate> candidates;
  for (const int steps : {1, 3, 5}) {
    for (int i = 0; i < 4; ++i) candidates.push_back({.id = absl::StrCat("s", steps, "-", i), .optimal_steps = steps});
  }
  return candidates;
}

TEST(CurriculumTest, StartsFromTheShortest) {
  const auto candidates = ThreeLengths();
  EXPECT_EQ(FrontierSteps(candidates), 1);
  const auto drawn = DrawCurriculum(candidates, 12, 7);
  ASSERT_EQ(drawn.size(), 4u);
  for (const std::string& id : drawn) EXPECT_EQ(id.substr(0, 2), "s1");
}

TEST(CurriculumTest, WidensAsLengthsAreSolved) {
  auto candidates = ThreeLengths();
  for (int i = 0; i < 4; ++i) candidates[i].tries = candidates[i].successes = 2;
  EXPECT_EQ(FrontierSteps(candidates), 3);
  for (int i = 4; i < 8; ++i) candidates[i].tries = 2;
  EXPECT_EQ(FrontierSteps(candidates), 3);
  for (int i = 4; i < 8; ++i) candidates[i].successes = 1;
  EXPECT_EQ(FrontierSteps(candidates), 5);
}

TEST(CurriculumTest, WaitsForEnoughTries) {
  auto candidates = ThreeLengths();
  candidates[0].tries = candidates[0].successes = 7;
  EXPECT_EQ(FrontierSteps(candidates), 1);
}

TEST(CurriculumTest, PassesALengthThatIsBeyondThePolicy) {
  auto candidates = ThreeLengths();
  // However many versions of the policy those were.
  for (int i = 0; i < 4; ++i) {
    candidates[i].all_tries = 9;
    candidates[i].tries = 3;
  }
  EXPECT_EQ(FrontierSteps(candidates), 1);
  for (int i = 0; i < 4; ++i) candidates[i].all_tries = 10;
  EXPECT_EQ(FrontierSteps(candidates), 3);
}

TEST(CurriculumTest, StaysPastALengthThatWasPassedAndIsHardlyDrawnSince) {
  auto candidates = ThreeLengths();
  candidates[0].tries = candidates[0].successes = 7;
  candidates[4].tries = 1;
  EXPECT_EQ(FrontierSteps(candidates), 3);
}

TEST(CurriculumTest, GoesBackToALengthThatIsNoLongerSolved) {
  auto candidates = ThreeLengths();
  for (int i = 0; i < 4; ++i) candidates[i].tries = 2;
  candidates[4].tries = 1;
  EXPECT_EQ(FrontierSteps(candidates), 1);
}

TEST(CurriculumTest, DrawsUnknownLengthsLast) {
  std::vector<Candidate> candidates = {{.id = "unknown"}, {.id = "one", .optimal_steps = 1}};
  EXPECT_EQ(DrawCurriculum(candidates, 2, 1), std::vector<std::string>{"one"});
  candidates[1].tries = candidates[1].successes = 8;
  EXPECT_EQ(DrawCurriculum(candidates, 2, 1).size(), 2u);
  EXPECT_EQ(FrontierSteps(candidates), 0);
}

TEST(CurriculumTest, PrefersWhatIsSometimesSolved) {
  const Candidate sometimes{.id = "a", .optimal_steps = 1, .tries = 20, .successes = 10};
  const Candidate always{.id = "b", .optimal_steps = 1, .tries = 20, .successes = 20};
  const Candidate never{.id = "c", .optimal_steps = 1, .tries = 20, .successes = 0};
  const Candidate unseen{.id = "d", .optimal_steps = 1};
  EXPECT_GT(CurriculumWeight(unseen), CurriculumWeight(sometimes));
  EXPECT_GT(CurriculumWeight(sometimes), 3 * CurriculumWeight(always));
  EXPECT_GT(CurriculumWeight(sometimes), 3 * CurriculumWeight(never));
  EXPECT_GT(CurriculumWeight(always), 0);
  std::map<std::string, int> first;
  for (uint64_t seed = 0; seed < 2000; ++seed) ++first[DrawCurriculum({sometimes, always, never}, 1, seed)[0]];
  EXPECT_GT(first["a"], 3 * first["b"]);
  EXPECT_GT(first["b"], 0);
}

TEST(CurriculumTest, IsReproducibleInWhateverOrder) {
  auto candidates = ThreeLengths();
  const auto drawn = DrawUniform(candidates, 6, 42);
  std::reverse(candidates.begin(), candidates.end());
  EXPECT_EQ(DrawUniform(candidates, 6, 42), drawn);
  EXPECT_NE(DrawUniform(candidates, 6, 43), drawn);
}

TEST(CurriculumTest, HandlesNothing) {
  EXPECT_EQ(FrontierSteps({}), 0);
  EXPECT_TRUE(DrawCurriculum({}, 3, 1).empty());
}

}  // namespace
}  // namespace proctor::proposer
