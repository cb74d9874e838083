#include "evaluator/measure/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "evaluator/measure/quantiles.h"
#include "evaluator/measure/random.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMinReplicates = 100;
constexpr double kMaxUndefined = 0.05;

std::vector<double> SampleCounts(size_t clusters, size_t pseudo_clusters) {
  std::vector<double> counts(clusters, 1.0);
  counts.resize(clusters + pseudo_clusters);
  return counts;
}

// The defined replicates, sorted.
std::vector<double> Replicate(size_t clusters, const ClusterStatistic& statistic,
                              const BootstrapOptions& options) {
  Random random(options.seed);
  std::vector<double> values, counts(clusters + options.pseudo_clusters);
  // Lots, two a cluster and one a pseudo cluster.
  const size_t lots = 2 * clusters + options.pseudo_clusters;
  for (size_t r = 0; r < options.replicates; ++r) {
    std::fill(counts.begin(), counts.end(), 0.0);
    for (size_t i = 0; i < clusters; ++i) {
      const size_t lot = random.Below(lots);
      counts[lot < 2 * clusters ? lot / 2 : lot - clusters] += 1;
    }
    if (const auto value = statistic(counts)) values.push_back(*value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

// Efron's acceleration from the jackknife; 0 where it can't be had (all leave-one-out values
// equal).
double Acceleration(size_t clusters, size_t pseudo_clusters, const ClusterStatistic& statistic) {
  std::vector<double> counts = SampleCounts(clusters, pseudo_clusters), values;
  for (size_t i = 0; i < clusters; ++i) {
    counts[i] = 0;
    if (const auto value = statistic(counts)) values.push_back(*value);
    counts[i] = 1;
  }
  double mean = 0, squares = 0, cubes = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) {
    squares += (mean - value) * (mean - value);
    cubes += std::pow(mean - value, 3);
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

// The share of the replicates below the sample's value, ties counted half, kept off 0 and 1.
double ShareBelow(const std::vector<double>& sorted, double value) {
  const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), value);
  const double n = static_cast<double>(sorted.size());
  const double below =
      (static_cast<double>(first - sorted.begin()) + static_cast<double>(last - sorted.begin())) /
      2;
  return std::clamp(below / n, 0.5 / n, 1 - 0.5 / n);
}

}  // namespace

absl::Status ValidateOptions(const BootstrapOptions& options) {
  if (!(options.level > 0 && options.level < 1)) {
    return absl::InvalidArgumentError("bootstrap level is not in (0, 1)");
  }
  if (options.replicates < kMinReplicates) {
    return absl::InvalidArgumentError("fewer than 100 bootstrap replicates");
  }
  return absl::OkStatus();
}

std::optional<double> SampleQuantile(std::span<const double> sorted, double q) {
  if (sorted.empty() || !(q >= 0 && q <= 1)) return std::nullopt;
  const double at = q * static_cast<double>(sorted.size() - 1);
  const size_t low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

std::optional<Interval> ClusterBootstrap(size_t clusters, const ClusterStatistic& statistic,
                                         const BootstrapOptions& options) {
  if (clusters < 2 || !ValidateOptions(options).ok()) return std::nullopt;
  const auto sample = statistic(SampleCounts(clusters, options.pseudo_clusters));
  if (!sample) return std::nullopt;
  const std::vector<double> values = Replicate(clusters, statistic, options);
  const size_t undefined = options.replicates - values.size();
  if (static_cast<double>(undefined) > kMaxUndefined * static_cast<double>(options.replicates)) {
    return std::nullopt;
  }
  double low = (1 - options.level) / 2, high = 1 - low;
  if (options.kind == BootstrapKind::kExpanded) {
    const double n = static_cast<double>(clusters);
    low = NormalCdf(*StudentQuantile(low, n - 1) * std::sqrt(n / (n - 1)));
    high = 1 - low;
  }
  if (options.kind == BootstrapKind::kBca) {
    const double bias = *NormalQuantile(ShareBelow(values, *sample));
    const double z = *TwoSidedNormal(options.level);
    const double acceleration = Acceleration(clusters, options.pseudo_clusters, statistic);
    const auto corrected = [&](double normal) {
      const double shifted = bias + normal;
      return NormalCdf(bias + shifted / std::max(1e-6, 1 - acceleration * shifted));
    };
    low = corrected(-z);
    high = corrected(z);
  }
  return Interval{std::min(*sample, *SampleQuantile(values, low)),
                  std::max(*sample, *SampleQuantile(values, high))};
}

}  // namespace proctor::evaluator
