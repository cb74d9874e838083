#include "evaluator/measure/prediction_powered.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "evaluator/measure/quantiles.h"

namespace proctor::evaluator {
namespace {

double Tuning(const PredictionMoments& m) {
  const double spread = (1 + m.labels / m.others) * m.var_score;
  return spread > 0 ? std::clamp(m.covariance / spread, 0.0, 1.0) : 0;
}

double Value(const PredictionMoments& m, double tuning) {
  return m.mean_truth + tuning * (m.others_mean_score - m.mean_score);
}

// The score, or the outcome as a number; nothing for UNDETERMINED and invalid without a score.
std::optional<double> Prediction(const JudgedEpisode& e) {
  if (e.outcome == JudgeOutcome::kInvalid) return std::nullopt;
  if (e.score) return e.score;
  if (e.outcome == JudgeOutcome::kUndetermined) return std::nullopt;
  return e.outcome == JudgeOutcome::kSuccess ? 1 : 0;
}

struct Item {
  double score = 0;
  // 0 without a label.
  double weight = 0;
  double truth = 0;
  size_t cluster = 0;
};

struct Items {
  std::vector<Item> items;
  size_t clusters = 0;
  bool biased = false;
  // Empty if all is well.
  const char* why = "";
};

Items Read(std::span<const JudgedEpisode> episodes) {
  Items out;
  const Clusters clusters = ClustersOf(episodes);
  out.clusters = clusters.count;
  const LabelWeights weights(episodes);
  out.biased = weights.biased();
  for (size_t i = 0; i < episodes.size(); ++i) {
    const JudgedEpisode& e = episodes[i];
    const auto score = Prediction(e);
    if (!score) out.why = "an episode has neither a score nor a decided outcome";
    Item item{.score = score.value_or(0), .weight = 0, .truth = 0, .cluster = clusters.of[i]};
    item.weight = weights.Of(e);
    if (item.weight > 0) {
      if (*e.truth == Truth::kUnclear) out.why = "a label is unclear";
      item.truth = *e.truth == Truth::kSuccess ? 1 : 0;
    }
    out.items.push_back(item);
  }
  return out;
}

PredictionMoments MomentsOf(const std::vector<Item>& items) {
  PredictionMoments m;
  double weight = 0, truth = 0, score = 0, rest = 0;
  for (const Item& i : items) {
    weight += i.weight;
    truth += i.weight * i.truth;
    score += i.weight * i.score;
    (i.weight > 0 ? m.labels : m.others) += 1;
    rest += i.weight > 0 ? 0 : i.score;
  }
  if (weight <= 0 || m.others <= 0) return m;
  m.mean_truth = truth / weight;
  m.mean_score = score / weight;
  m.others_mean_score = rest / m.others;
  for (const Item& i : items) {
    const double y = i.truth - m.mean_truth, f = i.score - m.mean_score;
    const double g = i.score - m.others_mean_score;
    m.var_truth += i.weight * y * y / weight;
    m.var_score += i.weight * f * f / weight;
    m.covariance += i.weight * y * f / weight;
    m.others_var_score += i.weight > 0 ? 0 : g * g / m.others;
  }
  return m;
}

// The variance of the estimate from the sums of influence a cluster, and the degrees of freedom it
// has.
struct Spread {
  double variance = 0;
  double degrees = 0;
};

Spread SpreadOf(const Items& in, const PredictionMoments& m, double tuning) {
  double weight = 0;
  for (const Item& i : in.items) weight += i.weight;
  std::vector<double> labelled(in.clusters), sums(in.clusters);
  for (const Item& i : in.items) {
    if (i.weight > 0) {
      const double residual = (i.truth - m.mean_truth) - tuning * (i.score - m.mean_score);
      sums[i.cluster] += i.weight / weight * residual;
      labelled[i.cluster] = 1;
    } else {
      sums[i.cluster] += tuning * (i.score - m.others_mean_score) / m.others;
    }
  }
  double with_labels = 0, variance = 0;
  for (size_t c = 0; c < in.clusters; ++c) {
    with_labels += labelled[c];
    variance += sums[c] * sums[c];
  }
  if (with_labels < 2) return {};
  return {variance * with_labels / (with_labels - 1), with_labels - 1};
}

}  // namespace

PredictionPoweredRate PredictionPowered(const PredictionMoments& m, double level) {
  PredictionPoweredRate result;
  const auto z = TwoSidedNormal(level);
  if (!z || m.labels < 2 || m.others < 1) {
    result.rate.why = !z ? "level is not in (0, 1)" : "too few labels or no other episodes";
    return result;
  }
  const double tuning = Tuning(m);
  const double residual = m.var_truth + tuning * tuning * m.var_score - 2 * tuning * m.covariance;
  const double variance =
      std::max(0.0, residual) / m.labels + tuning * tuning * m.others_var_score / m.others;
  const double value = Value(m, tuning), half = *z * std::sqrt(variance);
  result.tuning = tuning;
  result.rate.value = value;
  result.rate.interval = Interval{value - half, value + half};
  return result;
}

absl::StatusOr<PredictionPoweredRate> PredictionPoweredSuccessRate(
    std::span<const JudgedEpisode> episodes, double level) {
  if (absl::Status status = ValidateEpisodes(episodes); !status.ok()) return status;
  if (!(level > 0 && level < 1)) return absl::InvalidArgumentError("level is not in (0, 1)");
  const Items in = Read(episodes);
  PredictionPoweredRate result;
  result.rate.biased = in.biased;
  result.rate.why = in.why;
  if (!result.rate.why.empty()) return result;
  const PredictionMoments m = MomentsOf(in.items);
  if (m.labels < 2 || m.others < 1) {
    result.rate.why = "too few labels or no other episodes";
    return result;
  }
  const double tuning = Tuning(m);
  const double value = std::clamp(Value(m, tuning), 0.0, 1.0);
  result.tuning = tuning;
  result.rate.value = value;
  if (in.biased) {
    result.rate.why = "labels chosen by hand";
    return result;
  }
  const Spread spread = SpreadOf(in, m, tuning);
  if (spread.degrees < 1) {
    result.rate.why = "all labels are of one task";
    return result;
  }
  if (spread.variance <= 0) {
    result.rate.why = "no variation among the labels: use CorrectSuccessRate";
    return result;
  }
  const double half = *TwoSidedStudent(level, spread.degrees) * std::sqrt(spread.variance);
  result.rate.interval = Interval{std::max(0.0, value - half), std::min(1.0, value + half)};
  return result;
}

}  // namespace proctor::evaluator
