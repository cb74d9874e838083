// How often the corrected success rate's interval contains the truth, and how wide it is, over a
// grid of truths, judges and numbers of labels. PROCTOR_JUDGE_STATISTICS=<file> writes the table of
// docs/judge_statistics.md there.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "evaluator/measure/post_stratified.h"
#include "evaluator/measure/proportion.h"
#include "evaluator/measure/random.h"
#include "gtest/gtest.h"
#include "tests/evaluator/measure/labels_only.h"
#include "tests/evaluator/measure/prediction_powered.h"

namespace proctor::evaluator {
namespace {

// The noise of a coverage of 95 % is 0.2 % (one standard deviation), of a ratio of widths about 0.5
// %.
constexpr size_t kRuns = 10000;
constexpr size_t kOthers = 2000;
constexpr uint64_t kSeed = 20261126;

struct Cell {
  double truth = 0;
  double sensitivity = 0;
  double specificity = 0;
  size_t labels = 0;
};

// Binomial numbers by inversion of the cumulated probabilities.
class Binomial {
 public:
  Binomial(size_t n, double p) {
    // In logarithms: (1 - p)^n may be too small for a double.
    const double nn = static_cast<double>(n);
    double sum = 0;
    for (size_t k = 0; k <= n; ++k) {
      const double kk = static_cast<double>(k);
      sum += std::exp(std::lgamma(nn + 1) - std::lgamma(kk + 1) - std::lgamma(nn - kk + 1) +
                      kk * std::log(p) + (nn - kk) * std::log1p(-p));
      cumulated_.push_back(sum);
    }
  }
  size_t Draw(Random* random) const {
    const auto at = std::upper_bound(cumulated_.begin(), cumulated_.end(), random->Uniform());
    return std::min(static_cast<size_t>(at - cumulated_.begin()), cumulated_.size() - 1);
  }

 private:
  std::vector<double> cumulated_;
};

// One run: labels by (judge, truth), and how many of the others the judge calls a success.
struct Run {
  size_t hits = 0;          // Judged and true successes.
  size_t false_alarms = 0;  // Judged successes, true failures.
  size_t misses = 0;
  size_t others = 0;
  size_t labels = 0;

  double positive() const { return static_cast<double>(hits + false_alarms); }
  double negative() const { return static_cast<double>(labels) - positive(); }
  double successes() const { return static_cast<double>(hits + misses); }
};

class Simulator {
 public:
  explicit Simulator(const Cell& cell)
      : cell_(cell),
        truths_(cell.labels, cell.truth),
        others_(kOthers,
                cell.truth * cell.sensitivity + (1 - cell.truth) * (1 - cell.specificity)) {}

  Run Draw(Random* random) const {
    Run run{.hits = 0, .false_alarms = 0, .misses = 0, .others = 0, .labels = cell_.labels};
    const size_t successes = truths_.Draw(random);
    for (size_t i = 0; i < cell_.labels; ++i) {
      const double u = random->Uniform();
      if (i < successes) {
        ++(u < cell_.sensitivity ? run.hits : run.misses);
      } else if (u >= cell_.specificity) {
        ++run.false_alarms;
      }
    }
    run.others = others_.Draw(random);
    return run;
  }

 private:
  Cell cell_;
  Binomial truths_;
  Binomial others_;
};

std::optional<Interval> Corrected(const Run& run) {
  const double all = static_cast<double>(kOthers + run.labels);
  const double positive = static_cast<double>(run.others) + run.positive();
  const std::array<Stratum, 2> strata = {Stratum{.episodes = positive,
                                                 .labels = run.positive(),
                                                 .successes = static_cast<double>(run.hits)},
                                         Stratum{.episodes = all - positive,
                                                 .labels = run.negative(),
                                                 .successes = static_cast<double>(run.misses)}};
  const auto rate = EstimatePostStratified(strata, {});
  return rate ? std::optional(rate->interval) : std::nullopt;
}

std::optional<Interval> PlainPredictionPowered(const Run& run) {
  const double n = static_cast<double>(run.labels), others = kOthers;
  const double y = run.successes() / n, f = run.positive() / n;
  const double g = static_cast<double>(run.others) / others;
  return PredictionPowered({.labels = n,
                            .mean_truth = y,
                            .mean_score = f,
                            .var_truth = y * (1 - y),
                            .var_score = f * (1 - f),
                            .covariance = static_cast<double>(run.hits) / n - y * f,
                            .others = others,
                            .others_mean_score = g,
                            .others_var_score = g * (1 - g)})
      .rate.interval;
}

struct Tally {
  size_t covered = 0;
  double width = 0;

  void Add(const std::optional<Interval>& interval, double truth) {
    ASSERT_TRUE(interval);
    covered += interval->Contains(truth) ? 1 : 0;
    width += interval->width();
  }
  double coverage() const { return static_cast<double>(covered) / kRuns; }
  double mean_width() const { return width / kRuns; }
};

struct Row {
  Cell cell;
  Tally corrected;
  Tally plain;
  Tally wilson;
  double same_coverage = 0;
  double narrowest = 0;

  double ratio() const { return corrected.mean_width() / same_coverage; }
};

Row Simulate(const Cell& cell, uint64_t seed) {
  Row row;
  row.cell = cell;
  Random random(seed);
  const Simulator simulator(cell);
  SuccessCounts successes(cell.labels + 1);
  for (size_t r = 0; r < kRuns; ++r) {
    const Run run = simulator.Draw(&random);
    ++successes[run.hits + run.misses];
    row.corrected.Add(Corrected(run), cell.truth);
    row.plain.Add(PlainPredictionPowered(run), cell.truth);
    row.wilson.Add(WilsonInterval(run.successes(), static_cast<double>(cell.labels)), cell.truth);
  }
  const double coverage = row.corrected.coverage();
  row.same_coverage = LabelsOnlyWidth(successes, cell.truth, coverage);
  row.narrowest = NarrowestWilsonWidth(successes, cell.truth, coverage);
  return row;
}

const std::vector<Row>& Grid() {
  static const std::vector<Row>& rows = *[] {
    auto* grid = new std::vector<Row>;
    for (const double truth : {0.05, 0.1, 0.3, 0.5, 0.8, 0.95}) {
      for (const auto& [sensitivity, specificity] :
           {std::pair{0.55, 0.55}, std::pair{0.75, 0.8}, std::pair{0.95, 0.95}}) {
        for (const size_t labels : {20u, 50u, 100u, 300u}) {
          grid->push_back(
              Simulate({truth, sensitivity, specificity, labels}, kSeed + grid->size()));
        }
      }
    }
    return grid;
  }();
  return rows;
}

std::string Line(const Row& row) {
  return absl::StrFormat(
      "| %.2f | %.2f, %.2f | %d | %.1f %% | %.3f | %.3f | %.2f | %.1f %% | %.1f %% | %.3f | %.2f |",
      row.cell.truth, row.cell.sensitivity, row.cell.specificity, row.cell.labels,
      100 * row.corrected.coverage(), row.corrected.mean_width(), row.same_coverage, row.ratio(),
      100 * row.plain.coverage(), 100 * row.wilson.coverage(), row.wilson.mean_width(),
      row.corrected.mean_width() / row.narrowest);
}

TEST(CorrectedRateSimulationTest, CoversAtLeast93Percent) {
  std::string table;
  for (const Row& row : Grid()) {
    EXPECT_GE(row.corrected.coverage(), 0.93) << Line(row);
    absl::StrAppend(&table, Line(row), "\n");
  }
  if (const char* path = std::getenv("PROCTOR_JUDGE_STATISTICS")) {
    std::ofstream out(path);
    out << table;
    ASSERT_TRUE(out.flush());
  }
}

TEST(CorrectedRateSimulationTest, IsNotNeedlesslySafeWhereLabelsAreManyAndTheTruthInTheMiddle) {
  for (const Row& row : Grid()) {
    const bool allowed = row.cell.labels < 100 || row.cell.truth < 0.2 || row.cell.truth > 0.8;
    if (allowed) continue;
    EXPECT_LE(row.corrected.coverage(), 0.97) << Line(row);
  }
}

TEST(CorrectedRateSimulationTest, IsHardlyWiderThanLabelsAloneAtTheSameCoverage) {
  for (const Row& row : Grid()) EXPECT_LE(row.ratio(), 1.05) << Line(row);
}

TEST(CorrectedRateSimulationTest, AGoodJudgeNarrowsTheInterval) {
  int rows = 0;
  for (const Row& row : Grid()) {
    if (row.cell.sensitivity > 0.9 && row.cell.labels == 100 && row.cell.truth == 0.5) {
      EXPECT_LT(row.ratio(), 0.8) << Line(row);
      ++rows;
    }
  }
  EXPECT_EQ(rows, 1);
}

// Why the plain normal interval is not the one reported.
TEST(CorrectedRateSimulationTest, ThePlainNormalIntervalFailsWithFewLabels) {
  double least = 1;
  for (const Row& row : Grid()) least = std::min(least, row.plain.coverage());
  EXPECT_LT(least, 0.7);
}

}  // namespace
}  // namespace proctor::evaluator
