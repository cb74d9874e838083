// How often bootstrap intervals contain the truth: F1 and kappa of a judge, kappa between two
// judges and the difference of their accuracies. PROCTOR_JUDGE_STATISTICS=<file> makes 2,000 runs a
// world and writes the rows of docs/judge_statistics.md to <file>.bootstrap and <file>.paired.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "evaluator/measure/agreement.h"
#include "evaluator/measure/confusion.h"
#include "evaluator/measure/judge_report.h"
#include "evaluator/measure/random.h"
#include "gtest/gtest.h"
#include "tests/evaluator/measure/episodes.h"
#include "tests/evaluator/measure/task_rates.h"

namespace proctor::evaluator {
namespace {

constexpr uint64_t kSeed = 20261126;
// Of the bootstrap: enough for a coverage, if not for a single interval's ends.
constexpr size_t kReplicates = 400;

size_t Runs() { return std::getenv("PROCTOR_JUDGE_STATISTICS") != nullptr ? 2000 : 300; }

struct Judge {
  double sensitivity = 0.75;
  double specificity = 0.8;
};
constexpr Judge kPoor = {0.55, 0.55}, kFair = {0.75, 0.8}, kGood = {0.95, 0.95};

// Every episode is labelled.
struct World {
  double truth = 0.5;
  Judge judge;
  size_t tasks = 20;
  size_t episodes_a_task = 1;
  // Of the truth of two episodes of one task.
  double correlation = 0;
};

// What one judge says on true successes and failures beside another (or the truth, which is never
// wrong), if they err independently.
Confusion Expected(double truth, const Judge& one, const Judge& other) {
  const double s = one.sensitivity, f = 1 - one.specificity;
  const double t = other.sensitivity, g = 1 - other.specificity;
  return {.true_success = truth * s * t + (1 - truth) * f * g,
          .false_success = truth * s * (1 - t) + (1 - truth) * f * (1 - g),
          .false_failure = truth * (1 - s) * t + (1 - truth) * (1 - f) * g,
          .true_failure = truth * (1 - s) * (1 - t) + (1 - truth) * (1 - f) * (1 - g)};
}

double AccuracyOf(double truth, const Judge& judge) {
  return truth * judge.sensitivity + (1 - truth) * judge.specificity;
}

JudgeOutcome Say(const Judge& judge, bool truth, Random* random) {
  const bool success = random->Uniform() < (truth ? judge.sensitivity : 1 - judge.specificity);
  return success ? JudgeOutcome::kSuccess : JudgeOutcome::kFailure;
}

// The same episodes as each of the judges decides them.
template <size_t kJudges>
std::array<std::vector<JudgedEpisode>, kJudges> Draw(const World& world,
                                                     const std::array<Judge, kJudges>& judges,
                                                     Random* random) {
  std::array<std::vector<JudgedEpisode>, kJudges> drawn;
  for (size_t task = 0; task < world.tasks; ++task) {
    const double rate = TaskRate(world.truth, world.correlation, random);
    for (size_t i = 0; i < world.episodes_a_task; ++i) {
      const bool truth = random->Uniform() < rate;
      for (size_t j = 0; j < kJudges; ++j) {
        drawn[j].push_back(WithLabel(Say(judges[j], truth, random),
                                     truth ? Truth::kSuccess : Truth::kFailure, 1,
                                     absl::StrCat(task)));
      }
    }
  }
  return drawn;
}

class Tally {
 public:
  explicit Tally(double truth) : truth_(truth) {}

  void Add(const std::optional<Interval>& interval) {
    if (!interval) return;
    ++intervals_;
    width_ += interval->width();
    // Rounding aside: where both ends are 1, so is the truth.
    covered_ += interval->low <= truth_ + 1e-9 && truth_ <= interval->high + 1e-9 ? 1 : 0;
  }

  double coverage() const { return covered_ / intervals_; }
  double width() const { return width_ / intervals_; }
  // Runs in which there was one.
  double intervals() const { return intervals_; }
  std::string Columns() const {
    return absl::StrFormat("%.2f | %.1f %% | %.2f", truth_, 100 * coverage(), width());
  }

 private:
  const double truth_;
  double intervals_ = 0;
  double covered_ = 0;
  double width_ = 0;
};

struct Row {
  World world;
  Tally f1;
  Tally kappa;
};

Row Simulate(const World& world, const BootstrapOptions& options, size_t runs) {
  const Confusion truth = Expected(world.truth, world.judge, {1, 1});
  Row row{.world = world, .f1 = Tally(*F1(truth)), .kappa = Tally(*CohenKappa(truth))};
  Random random(kSeed);
  MeasureOptions measure;
  measure.bootstrap = options;
  for (size_t run = 0; run < runs; ++run) {
    measure.bootstrap.seed = run + 1;
    const auto report = MeasureJudge(Draw<1>(world, {world.judge}, &random)[0], measure);
    EXPECT_TRUE(report.ok());
    if (!report.ok()) return row;
    row.f1.Add(report->f1.interval);
    row.kappa.Add(report->kappa.interval);
  }
  return row;
}

struct PairedRow {
  World world;
  Judge other;
  Tally kappa;
  Tally difference;
};

PairedRow SimulatePair(const World& world, const Judge& other) {
  PairedRow row{.world = world,
                .other = other,
                .kappa = Tally(*CohenKappa(Expected(world.truth, world.judge, other))),
                .difference =
                    Tally(AccuracyOf(world.truth, world.judge) - AccuracyOf(world.truth, other))};
  Random random(kSeed);
  for (size_t run = 0; run < Runs(); ++run) {
    const auto drawn = Draw<2>(world, {world.judge, other}, &random);
    const auto paired =
        ComparePaired(drawn[0], drawn[1], {.replicates = kReplicates, .seed = run + 1});
    EXPECT_TRUE(paired.ok());
    if (!paired.ok()) return row;
    row.kappa.Add(paired->kappa.interval);
    row.difference.Add(paired->accuracy_difference.interval);
  }
  return row;
}

std::vector<World> Worlds() {
  std::vector<World> worlds;
  for (const double truth : {0.1, 0.3, 0.5}) {
    for (const Judge& judge : {kPoor, kFair, kGood}) {
      for (const size_t labels : {20u, 50u, 100u}) {
        worlds.push_back({.truth = truth, .judge = judge, .tasks = labels});
      }
    }
  }
  for (const double truth : {0.2, 0.5}) {
    for (const Judge& judge : {kFair, kGood}) {
      for (const size_t tasks : {10u, 15u, 30u}) {
        worlds.push_back({truth, judge, tasks, /*episodes_a_task=*/5, /*correlation=*/0.3});
      }
    }
  }
  return worlds;
}

std::string Line(const Row& row) {
  const World& world = row.world;
  return absl::StrFormat("| %.2f | %.2f, %.2f | %d x %d | %.1f | %s | %s | %.1f %% |", world.truth,
                         world.judge.sensitivity, world.judge.specificity, world.tasks,
                         world.episodes_a_task, world.correlation, row.kappa.Columns(),
                         row.f1.Columns(),
                         100 * row.kappa.intervals() / static_cast<double>(Runs()));
}

std::string Line(const PairedRow& row) {
  const World& world = row.world;
  return absl::StrFormat("| %.2f | %.2f, %.2f | %.2f, %.2f | %d x %d | %s | %s |", world.truth,
                         world.judge.sensitivity, world.judge.specificity, row.other.sensitivity,
                         row.other.specificity, world.tasks, world.episodes_a_task,
                         row.kappa.Columns(), row.difference.Columns());
}

void WriteTable(const std::string& name, const std::string& table) {
  const char* const path = std::getenv("PROCTOR_JUDGE_STATISTICS");
  if (path == nullptr) return;
  std::ofstream out(absl::StrCat(path, ".", name));
  out << table;
  ASSERT_TRUE(out.flush());
}

// Three standard deviations of the noise below 94 %: 1.4 % with 300 runs, 0.5 % with 2,000.
double LowestCoverage() { return 0.94 - 3 * std::sqrt(0.94 * 0.06 / static_cast<double>(Runs())); }

TEST(BootstrapSimulationTest, KappaAndF1CoverTheTruthInEveryWorld) {
  std::string table;
  for (const World& world : Worlds()) {
    const Row row = Simulate(world, {.replicates = kReplicates}, Runs());
    EXPECT_GE(row.kappa.coverage(), LowestCoverage()) << Line(row);
    EXPECT_GE(row.f1.coverage(), LowestCoverage()) << Line(row);
    // With one success among 20 labels, or none, there may be nothing to measure.
    EXPECT_GE(row.kappa.intervals(), 0.7 * static_cast<double>(Runs())) << Line(row);
    absl::StrAppend(&table, Line(row), "\n");
  }
  WriteTable("bootstrap", table);
}

TEST(BootstrapSimulationTest, ComparisonsOfTwoJudgesCoverTheTruth) {
  std::string table;
  for (const Judge& other : {kPoor, kFair, kGood}) {
    for (const auto& [tasks, episodes] :
         {std::pair<size_t, size_t>{20, 1}, {50, 1}, {10, 5}, {30, 5}}) {
      const World world{0.4, kGood, tasks, episodes, /*correlation=*/episodes > 1 ? 0.3 : 0};
      const PairedRow row = SimulatePair(world, other);
      EXPECT_GE(row.kappa.coverage(), LowestCoverage()) << Line(row);
      EXPECT_GE(row.difference.coverage(), LowestCoverage()) << Line(row);
      absl::StrAppend(&table, Line(row), "\n");
    }
  }
  WriteTable("paired", table);
}

// Why it is no plain bootstrap: 20 labels of a good judge often show none of its errors.
TEST(BootstrapSimulationTest, QuantilesOfASampleWithoutErrorsCoverTooLittle) {
  const World world{.truth = 0.5, .judge = kGood, .tasks = 20};
  Random random(kSeed);
  Tally plain(*CohenKappa(Expected(world.truth, world.judge, {1, 1})));
  for (size_t run = 0; run < 300; ++run) {
    std::vector<Confusion> cells(world.tasks);
    for (Confusion& cell : cells) {
      const bool truth = random.Uniform() < world.truth;
      cell.Add(Say(world.judge, truth, &random), truth ? Truth::kSuccess : Truth::kFailure, 1);
    }
    const auto kappa = [&](std::span<const double> counts) {
      Confusion sum;
      for (size_t i = 0; i < cells.size(); ++i) {
        sum.true_success += counts[i] * cells[i].true_success;
        sum.false_success += counts[i] * cells[i].false_success;
        sum.false_failure += counts[i] * cells[i].false_failure;
        sum.true_failure += counts[i] * cells[i].true_failure;
      }
      return CohenKappa(sum);
    };
    plain.Add(ClusterBootstrap(
        world.tasks, kappa,
        {.replicates = kReplicates, .seed = run + 1, .kind = BootstrapKind::kPercentile}));
  }
  EXPECT_LT(plain.coverage(), 0.75);
  EXPECT_GT(Simulate(world, {.replicates = kReplicates}, 300).kappa.coverage(), 0.93);
}

}  // namespace
}  // namespace proctor::evaluator
