#include "evaluator/measure/weighted_share.h"

#include <algorithm>
#include <map>

#include "evaluator/measure/proportion.h"
#include "evaluator/measure/quantiles.h"

namespace proctor::evaluator {
namespace {

struct Sums {
  double weight = 0;
  double squares = 0;
  double hits = 0;
  size_t count = 0;
};

double Kish(double weight, double squares) { return weight * weight / squares; }

// The number of independent observations that would tell as much; 0 for a single cluster.
double ClusteredNumber(std::span<const Observation> observations, const Sums& sums, double level) {
  const double p = sums.hits / sums.weight;
  std::map<size_t, std::pair<double, double>> clusters;  // Weight, and weighted residual.
  for (const Observation& o : observations) {
    if (o.weight <= 0) continue;
    auto& [weight, residual] = clusters[o.cluster];
    weight += o.weight;
    residual += o.weight * ((o.hit ? 1 : 0) - p);
  }
  const double count = static_cast<double>(clusters.size());
  if (count < 2) return 0;
  double weight_squares = 0, residual_squares = 0;
  for (const auto& [number, sum] : clusters) {
    weight_squares += sum.first * sum.first;
    residual_squares += sum.second * sum.second;
  }
  const double variance = residual_squares / (sums.weight * sums.weight) * count / (count - 1);
  const double independent = Kish(sums.weight, sums.squares);
  // The variance may be 0 with p inside, where all clusters have the same share: then they are as
  // good as independent.
  const double number = p > 0 && p < 1
                            ? std::min(independent, p * (1 - p) / std::max(variance, 1e-300))
                            : Kish(sums.weight, weight_squares);
  const double ratio = *TwoSidedNormal(level) / *TwoSidedStudent(level, count - 1);
  return number * ratio * ratio;
}

bool AreIndependent(std::span<const Observation> observations) {
  std::map<size_t, size_t> sizes;
  for (const Observation& o : observations) {
    if (o.weight > 0 && ++sizes[o.cluster] > 1) return false;
  }
  return true;
}

}  // namespace

Estimate WeightedShare(std::span<const Observation> observations, double level) {
  Sums sums;
  for (const Observation& o : observations) {
    if (o.weight <= 0) continue;
    sums.weight += o.weight;
    sums.squares += o.weight * o.weight;
    sums.hits += o.hit ? o.weight : 0;
    ++sums.count;
  }
  Estimate estimate;
  if (sums.count == 0) {
    estimate.why = "no observations";
    return estimate;
  }
  const double p = std::clamp(sums.hits / sums.weight, 0.0, 1.0);
  estimate.value = p;
  if (!TwoSidedNormal(level)) {
    estimate.why = "level is not in (0, 1)";
    return estimate;
  }
  const double number = AreIndependent(observations) ? Kish(sums.weight, sums.squares)
                                                     : ClusteredNumber(observations, sums, level);
  estimate.interval = WilsonInterval(p * number, number, level);
  if (!estimate.interval) estimate.why = "all observations are of one task";
  return estimate;
}

}  // namespace proctor::evaluator
