// Coverage of the corrected success rate where episodes of one task are alike, and for each way to
// draw the labels. PROCTOR_JUDGE_STATISTICS=<file> appends the rows of docs/judge_statistics.md to
// <file>.clustered.
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "evaluator/measure/corrected_rate.h"
#include "evaluator/measure/label_sampling.h"
#include "evaluator/measure/random.h"
#include "gtest/gtest.h"
#include "tests/evaluator/measure/episodes.h"
#include "tests/evaluator/measure/task_rates.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kRuns = 2000;
constexpr uint64_t kSeed = 20261126;

struct World {
  const char* name = "";
  double truth = 0.5;
  double sensitivity = 0.75;
  double specificity = 0.8;
  // Correlation of the truth of two episodes of one task, in [0, 1).
  double correlation = 0;
  size_t tasks = 50;
  size_t episodes_a_task = 20;
  // Share of UNDETERMINED verdicts, twice as large on true failures.
  double undetermined = 0;
  LabelDesign design = LabelDesign::kUniform;
  size_t labels = 100;
};

struct Drawn {
  std::vector<JudgedEpisode> episodes;
  std::vector<Truth> truths;
};

Drawn DrawEpisodes(const World& world, Random* random) {
  Drawn drawn;
  for (size_t task = 0; task < world.tasks; ++task) {
    const double rate = TaskRate(world.truth, world.correlation, random);
    const std::string name = world.episodes_a_task > 1 ? absl::StrCat(task) : "";
    for (size_t i = 0; i < world.episodes_a_task; ++i) {
      const bool truth = random->Uniform() < rate;
      const bool said = random->Uniform() < (truth ? world.sensitivity : 1 - world.specificity);
      JudgeOutcome outcome = said ? JudgeOutcome::kSuccess : JudgeOutcome::kFailure;
      if (random->Uniform() < world.undetermined * (truth ? 1 : 2)) {
        outcome = JudgeOutcome::kUndetermined;
      }
      JudgedEpisode episode = Unlabelled(outcome, name);
      // A judge that is right is a little surer of it.
      const double sure = 0.5 + 0.5 * (said == truth ? random->Uniform() : random->Uniform() / 2);
      episode.score = said ? sure : 1 - sure;
      drawn.episodes.push_back(std::move(episode));
      drawn.truths.push_back(truth ? Truth::kSuccess : Truth::kFailure);
    }
  }
  return drawn;
}

void Label(const World& world, uint64_t seed, Drawn* drawn) {
  const auto labels =
      DrawLabels(drawn->episodes, {.design = world.design, .count = world.labels, .seed = seed});
  ASSERT_TRUE(labels.ok());
  for (const DrawnLabel& label : *labels) {
    drawn->episodes[label.index].truth = drawn->truths[label.index];
    drawn->episodes[label.index].inclusion_probability = label.inclusion_probability;
  }
}

struct Result {
  double coverage = 0;
  double width = 0;
  // As if every episode were its own task.
  double blind_coverage = 0;
};

Result Simulate(const World& world) {
  Result result;
  Random random(kSeed);
  for (size_t run = 0; run < kRuns; ++run) {
    Drawn drawn = DrawEpisodes(world, &random);
    Label(world, run, &drawn);
    const auto rate = CorrectSuccessRate(drawn.episodes);
    EXPECT_TRUE(rate.ok() && rate->rate.interval);
    if (!rate.ok() || !rate->rate.interval) return result;
    result.coverage += rate->rate.interval->Contains(world.truth) ? 1.0 / kRuns : 0;
    result.width += rate->rate.interval->width() / kRuns;
    for (JudgedEpisode& episode : drawn.episodes) episode.cluster.clear();
    const auto blind = CorrectSuccessRate(drawn.episodes);
    result.blind_coverage += blind->rate.interval->Contains(world.truth) ? 1.0 / kRuns : 0;
  }
  return result;
}

std::string Line(const World& world, const Result& result) {
  return absl::StrFormat(
      "| %s | %.2f | %.2f, %.2f | %d x %d | %.1f | %d | %.1f %% | %.3f | %.1f %% |", world.name,
      world.truth, world.sensitivity, world.specificity, world.tasks, world.episodes_a_task,
      world.correlation, world.labels, 100 * result.coverage, result.width,
      100 * result.blind_coverage);
}

World Tasks(const char* name, double truth, double correlation) {
  World world;
  world.name = name;
  world.truth = truth;
  world.correlation = correlation;
  return world;
}

World Independent(const char* name, double truth, double undetermined, LabelDesign design) {
  World world = Tasks(name, truth, 0);
  world.tasks = 1000;
  world.episodes_a_task = 1;
  world.undetermined = undetermined;
  world.design = design;
  return world;
}

std::vector<World> Worlds() {
  World many_labels = Tasks("tasks differ", 0.8, 0.3);
  many_labels.labels = 300;
  World good_judge = Tasks("tasks differ, good judge", 0.5, 0.3);
  good_judge.sensitivity = good_judge.specificity = 0.95;
  World few_tasks = Tasks("few tasks", 0.3, 0.2);
  few_tasks.tasks = 15;
  World unsure_first = Tasks("tasks differ, labels by uncertainty", 0.8, 0.2);
  unsure_first.design = LabelDesign::kByUncertainty;
  return {Tasks("tasks hardly differ", 0.3, 0.1),
          Tasks("tasks differ", 0.5, 0.3),
          many_labels,
          good_judge,
          few_tasks,
          Tasks("tasks do not differ", 0.3, 0),
          Independent("undetermined verdicts", 0.3, 0.15, LabelDesign::kUniform),
          Independent("labels by outcome", 0.1, 0.05, LabelDesign::kByOutcome),
          Independent("labels by uncertainty", 0.3, 0, LabelDesign::kByUncertainty),
          unsure_first};
}

TEST(ClusteredSimulationTest, CoversTheTruthInEveryWorld) {
  std::string table;
  for (const World& world : Worlds()) {
    const Result result = Simulate(world);
    EXPECT_GE(result.coverage, 0.93) << Line(world, result);
    absl::StrAppend(&table, Line(world, result), "\n");
  }
  if (const char* path = std::getenv("PROCTOR_JUDGE_STATISTICS")) {
    std::ofstream out(absl::StrCat(path, ".clustered"));
    out << table;
    ASSERT_TRUE(out.flush());
  }
}

// Why clusters are asked for.
TEST(ClusteredSimulationTest, BlindnessToTasksCoversTooLittle) {
  EXPECT_LT(Simulate(Tasks("tasks differ", 0.5, 0.3)).blind_coverage, 0.9);
}

}  // namespace
}  // namespace proctor::evaluator
