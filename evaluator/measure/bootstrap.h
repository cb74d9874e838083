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
  // Quantiles of the replicates (Efron 1979).
  kPercentile,
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
  BootstrapKind kind = BootstrapKind::kPercentile;
};

// INVALID_ARGUMENT: level or replicates out of range.
absl::Status ValidateOptions(const BootstrapOptions& options);

// How often each cluster counts: 1 everywhere is the sample itself. Gives nullopt where the
// statistic is undefined.
using ClusterStatistic = std::function<std::optional<double>(std::span<const double> counts)>;

// nullopt: fewer than two clusters, options outside their ranges, the statistic undefined on the
// sample or on more than 5 % of the replicates (fewer are left out). Not valid for fewer than about
// 10 clusters: too narrow then. Calls `statistic` on the caller's thread. Same seed, same interval.
std::optional<Interval> ClusterBootstrap(size_t clusters, const ClusterStatistic& statistic,
                                         const BootstrapOptions& options);

// Linear between order statistics (type 7 of Hyndman and Fan 1996); q in [0, 1]; nullopt if there
// are no values.
std::optional<double> SampleQuantile(std::span<const double> sorted, double q);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_BOOTSTRAP_H_
