#include "evaluator/measure/reliability.h"

#include <algorithm>
#include <cmath>

namespace proctor::evaluator {
namespace {

std::vector<ReliabilityBin> EmptyBins(size_t count) {
  std::vector<ReliabilityBin> bins(count);
  for (size_t i = 0; i < count; ++i) {
    bins[i].low = static_cast<double>(i) / static_cast<double>(count);
    bins[i].high = static_cast<double>(i + 1) / static_cast<double>(count);
  }
  return bins;
}

size_t BinOf(double score, const std::vector<ReliabilityBin>& bins) {
  const auto after = std::upper_bound(bins.begin(), bins.end(), score,
                                      [](double s, const ReliabilityBin& b) { return s < b.low; });
  return static_cast<size_t>(after - bins.begin()) - 1;
}

}  // namespace

Reliability MeasureReliability(std::span<const ScoredLabel> labels, size_t bins) {
  Reliability result;
  result.bins = EmptyBins(std::max<size_t>(bins, 1));
  std::vector<double> scores(result.bins.size()), successes(result.bins.size());
  double weight = 0, squares = 0;
  for (const ScoredLabel& label : labels) {
    if (label.weight <= 0) continue;
    const size_t b = BinOf(std::clamp(label.score, 0.0, 1.0), result.bins);
    const double outcome = label.success ? 1 : 0;
    result.bins[b].count += 1;
    result.bins[b].weight += label.weight;
    scores[b] += label.weight * label.score;
    successes[b] += label.weight * outcome;
    weight += label.weight;
    squares += label.weight * (label.score - outcome) * (label.score - outcome);
  }
  if (weight <= 0) return result;
  result.brier = squares / weight;
  double error = 0;
  for (size_t b = 0; b < result.bins.size(); ++b) {
    ReliabilityBin& bin = result.bins[b];
    if (bin.count == 0) continue;
    bin.mean_score = scores[b] / bin.weight;
    bin.success_rate = successes[b] / bin.weight;
    error += bin.weight / weight * std::abs(*bin.success_rate - *bin.mean_score);
  }
  result.expected_error = error;
  return result;
}

}  // namespace proctor::evaluator
