// The whole measurement of one judge against labels, and the same by tags.
#ifndef PROCTOR_EVALUATOR_MEASURE_JUDGE_REPORT_H_
#define PROCTOR_EVALUATOR_MEASURE_JUDGE_REPORT_H_

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evaluator/measure/agreement.h"
#include "evaluator/measure/bootstrap.h"
#include "evaluator/measure/confusion.h"
#include "evaluator/measure/interval.h"
#include "evaluator/measure/judged_episode.h"
#include "evaluator/measure/reliability.h"

namespace proctor::evaluator {

// Over the episodes that carry the number; `count` says how many do. Quantiles as in
// SampleQuantile.
struct CostSummary {
  size_t count = 0;
  std::optional<double> mean;
  std::optional<double> p50;
  std::optional<double> p95;
};
struct LatencySummary {
  size_t count = 0;
  std::optional<absl::Duration> mean;
  std::optional<absl::Duration> p50;
  std::optional<absl::Duration> p95;
};

struct JudgeReport {
  size_t episodes = 0;
  // Labels drawn with a known probability; chosen by hand; unclear (either way, of those in use).
  size_t labels = 0;
  size_t by_hand = 0;
  size_t unclear = 0;

  // Of all episodes, labelled or not.
  Estimate undetermined;
  Estimate invalid;

  // Of the clear labels in use whose verdict is SUCCESS or FAILURE. Weights add up to the number of
  // episodes that the labels stand for.
  Confusion confusion;
  // Wilson intervals (weighted_share.h).
  Estimate accuracy;
  Estimate precision;
  Estimate recall;
  Estimate specificity;
  // Bootstrap over clusters, half a label more in each cell; coverage: docs/judge_statistics.md.
  Estimate f1;
  Estimate kappa;
  // Accuracy over all clear labels in use, with undetermined and invalid verdicts counted wrong
  // (low) and right (high).
  std::optional<Interval> accuracy_of_all;

  Consistency consistency;
  // Of the clear labels in use that have a score and a verdict that is not invalid.
  Reliability reliability;
  CostSummary cost;
  LatencySummary latency;
};

struct MeasureOptions {
  // The level of all intervals, replicates and seed of the bootstraps.
  BootstrapOptions bootstrap;
  // Of the reliability table; at least 1.
  size_t bins = 10;
};

// Labels chosen by hand only: values are marked biased and have no interval. INVALID_ARGUMENT: what
// ValidateEpisodes or ValidateOptions refuses. Pure, thread-safe; the same input and seed give the
// same report. About 10 ms for 1,000 clusters at 2,000 replicates.
absl::StatusOr<JudgeReport> MeasureJudge(std::span<const JudgedEpisode> episodes,
                                         const MeasureOptions& options = {});

struct JudgeSlice {
  // The values of the tags asked for; an episode without one of them has the empty string there.
  std::map<std::string, std::string> tags;
  JudgeReport report;
};

// One report for each combination of values of `tags` that occurs, ordered by them. Whether labels
// are biased is decided slice by slice. Errors as MeasureJudge.
absl::StatusOr<std::vector<JudgeSlice>> MeasureJudgeBy(std::span<const JudgedEpisode> episodes,
                                                       std::span<const std::string> tags,
                                                       const MeasureOptions& options = {});

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_JUDGE_REPORT_H_
