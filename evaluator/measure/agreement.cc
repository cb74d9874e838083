#include "evaluator/measure/agreement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "evaluator/measure/confusion.h"
#include "evaluator/measure/quantiles.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kExactUpTo = 25;

// Of the same episode, the part that is compared.
struct PairedEpisode {
  size_t cluster = 0;
  bool decided = false;
  bool first_success = false;
  bool second_success = false;
  // 0: no clear label in use, or undecided.
  double weight = 0;
  bool first_right = false;
  bool second_right = false;
};

std::vector<PairedEpisode> Pair(std::span<const JudgedEpisode> first,
                                std::span<const JudgedEpisode> second, const Clusters& clusters) {
  const LabelWeights weights(first);
  std::vector<PairedEpisode> pairs;
  for (size_t i = 0; i < first.size(); ++i) {
    PairedEpisode pair{.cluster = clusters.of[i]};
    pair.decided = IsDecided(first[i].outcome) && IsDecided(second[i].outcome);
    pair.first_success = first[i].outcome == JudgeOutcome::kSuccess;
    pair.second_success = second[i].outcome == JudgeOutcome::kSuccess;
    if (pair.decided && first[i].truth && *first[i].truth != Truth::kUnclear) {
      const bool truth = *first[i].truth == Truth::kSuccess;
      pair.weight = weights.Of(first[i]);
      pair.first_right = pair.first_success == truth;
      pair.second_right = pair.second_success == truth;
    }
    pairs.push_back(pair);
  }
  return pairs;
}

// For each cluster: weight, and weighted difference of being right.
struct ClusterDifference {
  double weight = 0;
  double difference = 0;
};

std::optional<double> Difference(const std::vector<ClusterDifference>& sums,
                                 std::span<const double> counts) {
  double weight = 0, difference = 0;
  for (size_t c = 0; c < sums.size(); ++c) {
    weight += counts[c] * sums[c].weight;
    difference += counts[c] * sums[c].difference;
  }
  if (!(weight > 0)) return std::nullopt;
  return difference / weight;
}

// Of the labels in use.
double MeanWeight(const std::vector<PairedEpisode>& pairs) {
  double weight = 0, labels = 0;
  for (const PairedEpisode& pair : pairs) {
    weight += pair.weight;
    labels += pair.weight > 0 ? 1 : 0;
  }
  return labels > 0 ? weight / labels : 0;
}

// Agresti and Min: half an episode more in each of the four cells.
Interval MatchedInterval(const PairedComparison& c, double level) {
  const double b = static_cast<double>(c.only_first_right) + 0.5;
  const double d = static_cast<double>(c.only_second_right) + 0.5;
  const double n = static_cast<double>(c.both_right + c.both_wrong) + 1 + b + d;
  const double mean = (b - d) / n;
  const double half =
      *TwoSidedNormal(level) * std::sqrt(std::max(0.0, (b + d) - (b - d) * (b - d) / n)) / n;
  return {std::max(-1.0, mean - half), std::min(1.0, mean + half)};
}

// Equal weights, and no two labels of one cluster.
bool ArePlain(const std::vector<PairedEpisode>& pairs, size_t clusters) {
  std::vector<size_t> labels(clusters);
  double weight = 0;
  for (const PairedEpisode& pair : pairs) {
    if (pair.weight <= 0) continue;
    if (++labels[pair.cluster] > 1 || (weight > 0 && pair.weight != weight)) return false;
    weight = pair.weight;
  }
  return true;
}

Estimate AccuracyDifference(const std::vector<PairedEpisode>& pairs, size_t clusters, bool biased,
                            const PairedComparison& counts, const BootstrapOptions& options) {
  std::vector<ClusterDifference> sums(clusters);
  for (const PairedEpisode& pair : pairs) {
    sums[pair.cluster].weight += pair.weight;
    sums[pair.cluster].difference +=
        pair.weight * ((pair.first_right ? 1 : 0) - (pair.second_right ? 1 : 0));
  }
  Estimate estimate{.value = {}, .interval = {}, .biased = biased, .why = ""};
  estimate.value = Difference(sums, std::vector<double>(clusters, 1.0));
  if (!estimate.value) {
    estimate.why = "no episode with a clear label on which both decided";
  } else if (biased) {
    estimate.why = "labels chosen by hand";
  } else if (ArePlain(pairs, clusters)) {
    estimate.interval = MatchedInterval(counts, options.level);
  } else {
    std::erase_if(sums, [](const ClusterDifference& sum) { return sum.weight <= 0; });
    const size_t drawn = sums.size();
    // Half a label more in each of the four cells, as in MatchedInterval.
    const double weight = MeanWeight(pairs);
    for (const double difference : {weight, -weight, 0.0, 0.0}) {
      sums.push_back({weight, difference});
    }
    BootstrapOptions smoothed = options;
    smoothed.pseudo_clusters = sums.size() - drawn;
    estimate.interval = ClusterBootstrap(
        drawn, [&](std::span<const double> n) { return Difference(sums, n); }, smoothed);
    if (!estimate.interval) estimate.why = "all labels are of one task";
  }
  return estimate;
}

Estimate KappaBetween(const std::vector<PairedEpisode>& pairs, size_t clusters,
                      const BootstrapOptions& options) {
  std::vector<Confusion> cells(clusters);
  for (const PairedEpisode& pair : pairs) {
    if (!pair.decided) continue;
    Confusion& c = cells[pair.cluster];
    double& cell = pair.first_success ? (pair.second_success ? c.true_success : c.false_success)
                                      : (pair.second_success ? c.false_failure : c.true_failure);
    cell += 1;
  }
  std::erase_if(cells, [](const Confusion& c) { return c.total() <= 0; });
  const size_t drawn = cells.size();
  const std::array<Confusion, 4> one_each = OneInEachCell(1);
  cells.insert(cells.end(), one_each.begin(), one_each.end());
  BootstrapOptions smoothed = options;
  smoothed.pseudo_clusters = one_each.size();
  const auto kappa = [&](std::span<const double> counts) {
    Confusion sum;
    for (size_t c = 0; c < cells.size(); ++c) {
      sum.true_success += counts[c] * cells[c].true_success;
      sum.false_success += counts[c] * cells[c].false_success;
      sum.false_failure += counts[c] * cells[c].false_failure;
      sum.true_failure += counts[c] * cells[c].true_failure;
    }
    return CohenKappa(sum);
  };
  Estimate estimate;
  std::vector<double> sample(drawn, 1.0);
  sample.resize(cells.size());
  estimate.value = kappa(sample);
  if (estimate.value) estimate.interval = ClusterBootstrap(drawn, kappa, smoothed);
  if (!estimate.value)
    estimate.why = "both give one and the same outcome, or none in common";
  else if (!estimate.interval)
    estimate.why = "too few tasks for an interval";
  return estimate;
}

}  // namespace

Consistency MeasureConsistency(std::span<const JudgedEpisode> episodes) {
  Consistency result;
  double agreement = 0, unanimous = 0;
  for (const JudgedEpisode& episode : episodes) {
    std::array<double, 3> counts{};
    for (const JudgeOutcome sample : episode.samples) {
      if (sample == JudgeOutcome::kInvalid) {
        ++result.invalid_samples;
      } else {
        counts[static_cast<size_t>(sample)] += 1;
      }
    }
    const double n = counts[0] + counts[1] + counts[2];
    if (n < 2) continue;
    double pairs = 0;
    for (const double count : counts) pairs += count * (count - 1);
    ++result.episodes;
    agreement += pairs / (n * (n - 1));
    unanimous += pairs == n * (n - 1) ? 1 : 0;
  }
  if (result.episodes > 0) {
    result.agreement = agreement / static_cast<double>(result.episodes);
    result.unanimous = unanimous / static_cast<double>(result.episodes);
  }
  return result;
}

std::optional<double> McNemarPValue(size_t only_first, size_t only_second) {
  const size_t n = only_first + only_second;
  if (n == 0) return std::nullopt;
  const double low = static_cast<double>(std::min(only_first, only_second));
  const double all = static_cast<double>(n);
  // P(K <= low) of Binomial(n, 1/2); equal counts would count their middle twice.
  if (n <= kExactUpTo) return std::min(1.0, 2 * IncompleteBeta(all - low, low + 1, 0.5));
  const double distance = std::max(0.0, all - 2 * low - 1);
  return ChiSquaredUpperTail(distance * distance / all);
}

absl::StatusOr<PairedComparison> ComparePaired(std::span<const JudgedEpisode> first,
                                               std::span<const JudgedEpisode> second,
                                               const BootstrapOptions& options) {
  if (first.size() != second.size()) {
    return absl::InvalidArgumentError("the two evaluators' verdicts are not of the same episodes");
  }
  for (const auto episodes : {first, second}) {
    if (absl::Status status = ValidateEpisodes(episodes); !status.ok()) return status;
  }
  if (absl::Status status = ValidateOptions(options); !status.ok()) return status;
  const Clusters clusters = ClustersOf(first);
  const std::vector<PairedEpisode> pairs = Pair(first, second, clusters);
  const bool biased = LabelWeights(first).biased();
  PairedComparison result;
  for (const PairedEpisode& pair : pairs) {
    if (!pair.decided) ++result.undecided;
    if (pair.weight <= 0) continue;
    ++(pair.first_right ? (pair.second_right ? result.both_right : result.only_first_right)
                        : (pair.second_right ? result.only_second_right : result.both_wrong));
  }
  result.accuracy_difference = AccuracyDifference(pairs, clusters.count, biased, result, options);
  if (!biased) result.p_value = McNemarPValue(result.only_first_right, result.only_second_right);
  result.kappa = KappaBetween(pairs, clusters.count, options);
  return result;
}

}  // namespace proctor::evaluator
