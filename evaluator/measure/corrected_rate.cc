#include "evaluator/measure/corrected_rate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "evaluator/measure/post_stratified.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kOutcomes = 4;

// How unclear labels are read.
enum class Unclear { kLeftOut, kFail, kSucceed };

size_t IndexOf(JudgeOutcome outcome) { return static_cast<size_t>(outcome); }

bool IsOpen(size_t outcome) {
  return outcome == IndexOf(JudgeOutcome::kUndetermined) ||
         outcome == IndexOf(JudgeOutcome::kInvalid);
}

struct Sample {
  explicit Sample(std::span<const JudgedEpisode> all)
      : episodes(all), clusters(ClustersOf(all)), weights(all) {}

  std::span<const JudgedEpisode> episodes;
  Clusters clusters;
  LabelWeights weights;
};

bool Succeeded(const JudgedEpisode& e, Unclear unclear) {
  return e.truth == Truth::kSuccess || (e.truth == Truth::kUnclear && unclear == Unclear::kSucceed);
}

using Strata = std::array<Stratum, kOutcomes>;

Strata Count(const Sample& sample, Unclear unclear) {
  Strata strata;
  std::array<double, kOutcomes> weight{}, squares{}, hits{};
  for (const JudgedEpisode& e : sample.episodes) {
    const size_t h = IndexOf(e.outcome);
    strata[h].episodes += 1;
    const double w = sample.weights.Of(e);
    if (w == 0 || (e.truth == Truth::kUnclear && unclear == Unclear::kLeftOut)) continue;
    weight[h] += w;
    squares[h] += w * w;
    if (Succeeded(e, unclear)) hits[h] += w;
  }
  for (size_t h = 0; h < kOutcomes; ++h) {
    if (weight[h] <= 0) continue;
    strata[h].labels = weight[h] * weight[h] / squares[h];
    strata[h].successes = std::min(1.0, hits[h] / weight[h]) * strata[h].labels;
  }
  return strata;
}

// Each episode's share in the error of the estimate: what its label and what its verdict
// contribute.
std::vector<double> Influence(const Sample& sample, const Strata& strata) {
  const double total = static_cast<double>(sample.episodes.size());
  std::array<double, kOutcomes> rate{}, weight{};
  double mean = 0;
  for (const JudgedEpisode& e : sample.episodes) weight[IndexOf(e.outcome)] += sample.weights.Of(e);
  for (size_t h = 0; h < kOutcomes; ++h) {
    rate[h] = strata[h].labels > 0 ? strata[h].successes / strata[h].labels : 0;
    mean += strata[h].episodes / total * rate[h];
  }
  std::vector<double> influence;
  influence.reserve(sample.episodes.size());
  for (const JudgedEpisode& e : sample.episodes) {
    const size_t h = IndexOf(e.outcome);
    double value = (rate[h] - mean) / total;
    if (const double w = sample.weights.Of(e); w > 0) {
      const double hit = Succeeded(e, Unclear::kFail) ? 1 : 0;
      value += strata[h].episodes / total * w / weight[h] * (hit - rate[h]);
    }
    influence.push_back(value);
  }
  return influence;
}

// The variance of the sum over clusters over that over episodes, at least 1.
double DesignEffect(const Sample& sample, const Strata& strata) {
  const size_t n = sample.episodes.size();
  const size_t clusters = sample.clusters.count;
  if (clusters == n || clusters < 2) return 1;
  const std::vector<double> influence = Influence(sample, strata);
  std::vector<double> sums(clusters), labels(clusters);
  double alone = 0, together = 0, size = 0, size_squares = 0;
  for (size_t i = 0; i < n; ++i) {
    sums[sample.clusters.of[i]] += influence[i];
    labels[sample.clusters.of[i]] += sample.weights.Of(sample.episodes[i]) > 0 ? 1 : 0;
    alone += influence[i] * influence[i];
  }
  for (size_t c = 0; c < clusters; ++c) {
    together += sums[c] * sums[c];
    size += labels[c];
    size_squares += labels[c] * labels[c];
  }
  // All labels and verdicts alike tell nothing of how tasks differ: the worst case, one outcome a
  // task.
  if (alone <= 0) return size > 0 ? std::max(1.0, size_squares / size) : 1;
  const double c = static_cast<double>(clusters);
  return std::max(1.0, together / alone * c / (c - 1));
}

// Clusters with a label that tells the rate of its stratum.
size_t LabelledClusters(const Sample& sample, const Strata& strata) {
  std::unordered_set<size_t> seen;
  for (size_t i = 0; i < sample.episodes.size(); ++i) {
    const JudgedEpisode& e = sample.episodes[i];
    if (NeedsLabels(strata[IndexOf(e.outcome)]) && sample.weights.Of(e) > 0) seen.insert(sample.clusters.of[i]);
  }
  return seen.size();
}

std::optional<double> Degrees(const Sample& sample, const Strata& strata) {
  const size_t clusters = sample.clusters.count;
  if (clusters == sample.episodes.size()) return std::nullopt;
  double labels = 0, needed = 0;
  for (const Stratum& s : strata) {
    if (!NeedsLabels(s)) continue;
    labels += s.labels;
    needed += 1;
  }
  return std::min(labels - needed, static_cast<double>(LabelledClusters(sample, strata)) - 1);
}

enum class Open { kFromLabels, kWorstCase };

// `strata` with undetermined and invalid verdicts at `rate`: all of them, or only where no label
// tells.
Strata WithOpenAt(Strata strata, Open open, Stratum::Rate rate) {
  for (size_t h = 0; h < kOutcomes; ++h) {
    if (IsOpen(h) && (open == Open::kWorstCase || strata[h].labels <= 0)) strata[h].rate = rate;
  }
  return strata;
}

// More data of the same kind, for predictions.
struct Factor {
  double labels = 1;
  double episodes = 1;
};

Strata Scaled(Strata strata, const Factor& factor) {
  for (Stratum& s : strata) {
    s.labels *= factor.labels;
    s.successes *= factor.labels;
    s.episodes *= factor.episodes;
  }
  return strata;
}

class Estimator {
 public:
  Estimator(const Sample& sample, double level)
      : sample_(sample),
        low_(Count(sample, Unclear::kFail)),
        middle_(Count(sample, Unclear::kLeftOut)),
        high_(Count(sample, Unclear::kSucceed)),
        level_(level),
        design_effect_(DesignEffect(sample, low_)) {}

  double design_effect() const { return design_effect_; }

  std::optional<PostStratifiedRate> Middle() const {
    return Run(WithOpenAt(middle_, Open::kFromLabels, Stratum::Rate::kFromLabels), {});
  }

  // From the lower end of the most pessimistic reading to the upper end of the most optimistic one.
  std::optional<Interval> Bounds(Open open, const Factor& factor) const {
    const auto low = Run(WithOpenAt(low_, open, Stratum::Rate::kAllFail), factor);
    const auto high = Run(WithOpenAt(high_, open, Stratum::Rate::kAllSucceed), factor);
    if (!low || !high) return std::nullopt;
    return Interval{low->interval.low, high->interval.high};
  }

  std::optional<double> Width(const Factor& factor) const {
    const auto bounds = Bounds(Open::kFromLabels, factor);
    return bounds ? std::optional(bounds->width()) : std::nullopt;
  }

 private:
  std::optional<PostStratifiedRate> Run(const Strata& strata, const Factor& factor) const {
    PostStratifiedOptions options{.level = level_, .design_effect = design_effect_, .degrees = {}};
    options.degrees = Degrees(sample_, strata);
    if (options.degrees) *options.degrees *= factor.labels;
    return EstimatePostStratified(Scaled(strata, factor), options);
  }

  const Sample& sample_;
  Strata low_;
  Strata middle_;
  Strata high_;
  double level_;
  double design_effect_;
};

std::optional<double> JudgeRate(std::span<const JudgedEpisode> episodes) {
  double successes = 0, failures = 0;
  for (const JudgedEpisode& e : episodes) {
    successes += e.outcome == JudgeOutcome::kSuccess ? 1 : 0;
    failures += e.outcome == JudgeOutcome::kFailure ? 1 : 0;
  }
  if (successes + failures == 0) return std::nullopt;
  return successes / (successes + failures);
}

// Labels chosen by hand: their plain share, marked as what it is.
Estimate WithoutSampledLabels(std::span<const JudgedEpisode> episodes) {
  double hits = 0, clear = 0;
  bool any = false;
  for (const JudgedEpisode& e : episodes) {
    any |= e.truth.has_value();
    clear += e.truth == Truth::kSuccess || e.truth == Truth::kFailure ? 1 : 0;
    hits += e.truth == Truth::kSuccess ? 1 : 0;
  }
  Estimate estimate{.value = {}, .interval = {}, .biased = any, .why = "labels chosen by hand"};
  if (clear > 0) estimate.value = hits / clear;
  if (!any) estimate.why = episodes.empty() ? "no episodes" : "no labels";
  return estimate;
}

}  // namespace

absl::StatusOr<CorrectedRate> CorrectSuccessRate(std::span<const JudgedEpisode> episodes,
                                                 double level) {
  if (absl::Status status = ValidateEpisodes(episodes); !status.ok()) return status;
  if (!(level > 0 && level < 1)) return absl::InvalidArgumentError("level is not in (0, 1)");
  CorrectedRate result;
  result.episodes = episodes.size();
  result.judge_rate = JudgeRate(episodes);
  const Sample sample(episodes);
  result.labels = sample.weights.sampled();
  result.by_hand = sample.weights.by_hand();
  for (const JudgedEpisode& e : episodes) {
    if (e.inclusion_probability && e.truth == Truth::kUnclear) ++result.unclear;
  }
  if (result.labels == 0) {
    result.rate = WithoutSampledLabels(episodes);
    return result;
  }
  const Estimator estimator(sample, level);
  result.design_effect = estimator.design_effect();
  const auto middle = estimator.Middle();
  if (middle) {
    result.rate.value = middle->value;
    result.effective_labels = middle->effective_labels;
  }
  result.rate.interval = estimator.Bounds(Open::kFromLabels, {});
  result.worst_case = estimator.Bounds(Open::kWorstCase, {});
  if (!middle || !result.rate.interval)
    result.rate.why = "too few labels, or too few tasks with labels";
  if (2 * result.labels <= episodes.size()) {
    result.width_with_twice_labels = estimator.Width({.labels = 2, .episodes = 1});
  }
  result.width_with_twice_episodes = estimator.Width({.labels = 1, .episodes = 2});
  return result;
}

}  // namespace proctor::evaluator
