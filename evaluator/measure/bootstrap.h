// Bootstrap intervals of a statistic when whole clusters (tasks) were drawn, not single episodes.
#ifndef PROCTOR_EVALUATOR_MEASURE_BOOTSTRAP_H_
#define PROCTOR_EVALUATOR_MEASURE_BOOTSTRAP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "evaluator/measure/interval.h"

namespace proctor::evaluator {

enum class BootstrapKind {
  // Quantiles of the replicates (Efron 1979). Too narrow where clusters are few.
  kPercentile,
  // The same, further out by what Student's t and the divisor n - 1 add to a mean's interval (T.
  // Hesterberg, "What Teachers Should Know About the Bootstrap", 2015, "expanded percentile").
  kExpanded,
  // Corrected for bias and skewness, with a jackknife over clusters (Efron 1987, "Better bootstrap
  // confidence
  // intervals", section 4). Costs one more statistic a cluster.
  kBca,
};

struct BootstrapOptions {
  // In (0, 1).
  double level = 0.95;
  // At least 100.
  size_t replicates = 2000;
  uint64_t seed = 1;
  BootstrapKind kind = BootstrapKind::kExpanded;
  // Clusters that are not in the sample but in replicates, each half as likely to be drawn as one
  // of the sample's: the half episodes more of Agresti's and Coull's intervals. Without them a
  // sample whose few labels all agree has an interval without width.
  size_t pseudo_clusters = 0;
};

// INVALID_ARGUMENT: level or replicates out of range.
absl::Status ValidateOptions(const BootstrapOptions& options);

// How often each cluster counts, the pseudo clusters last: 1 for all clusters and 0 for all pseudo
// clusters is the sample itself. Gives nullopt where the statistic is undefined.
using ClusterStatistic = std::function<std::optional<double>(std::span<const double> counts)>;

// nullopt: fewer than two clusters, options outside their ranges, the statistic undefined on the
// sample or on more than 5 % of the replicates (fewer are left out). Always contains the sample's
// value. What it covers, from 10 clusters on, is measured in docs/judge_statistics.md. Calls
// `statistic` on the caller's thread. Same seed, same interval.
std::optional<Interval> ClusterBootstrap(size_t clusters, const ClusterStatistic& statistic,
                                         const BootstrapOptions& options);

// Linear between order statistics (type 7 of Hyndman and Fan 1996); q in [0, 1]; nullopt if there
// are no values.
std::optional<double> SampleQuantile(std::span<const double> sorted, double q);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_BOOTSTRAP_H_
