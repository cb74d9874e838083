#include "evaluator/measure/calibration.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "evaluator/measure/random.h"

namespace proctor::evaluator {
namespace {

// All labels of one score.
struct Step {
  double score = 0;
  double weight = 0;
  double successes = 0;
};

// Ascending by score. INVALID_ARGUMENT: a score or weight out of range, no weight at all.
absl::StatusOr<std::vector<Step>> StepsOf(std::span<const ScoredLabel> labels) {
  std::vector<ScoredLabel> sorted;
  for (const ScoredLabel& label : labels) {
    if (!(label.score >= 0 && label.score <= 1) ||
        !(label.weight >= 0 && std::isfinite(label.weight))) {
      return absl::InvalidArgumentError("a label's score is not in [0, 1], or its weight negative");
    }
    if (label.weight > 0) sorted.push_back(label);
  }
  if (sorted.empty()) return absl::InvalidArgumentError("no label with a weight");
  std::sort(sorted.begin(), sorted.end(),
            [](const ScoredLabel& a, const ScoredLabel& b) { return a.score < b.score; });
  std::vector<Step> steps;
  for (const ScoredLabel& label : sorted) {
    if (steps.empty() || steps.back().score != label.score) steps.push_back({label.score, 0, 0});
    steps.back().weight += label.weight;
    steps.back().successes += label.success ? label.weight : 0;
  }
  return steps;
}

struct Sums {
  double weight = 0;
  double successes = 0;
};

Sums Total(const std::vector<Step>& steps) {
  Sums sums;
  for (const Step& step : steps) {
    sums.weight += step.weight;
    sums.successes += step.successes;
  }
  return sums;
}

// The threshold at `at` when labels of `accepted` reach it.
Threshold At(double at, const Sums& accepted, const Sums& all) {
  const double false_success = accepted.weight - accepted.successes;
  const double false_failure = all.successes - accepted.successes;
  Threshold threshold;
  threshold.at = at;
  threshold.accuracy = 1 - (false_success + false_failure) / all.weight;
  if (accepted.weight > 0) threshold.precision = accepted.successes / accepted.weight;
  if (all.successes > 0) threshold.recall = accepted.successes / all.successes;
  return threshold;
}

// One threshold a score that occurs, descending, then none that accepts.
std::vector<Threshold> Candidates(const std::vector<Step>& steps) {
  const Sums all = Total(steps);
  std::vector<Threshold> candidates = {At(Threshold::kNever, {}, all)};
  Sums accepted;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    accepted.weight += step->weight;
    accepted.successes += step->successes;
    candidates.push_back(At(step->score, accepted, all));
  }
  return candidates;
}

// Sums that are equal but for rounding.
constexpr double kRounding = 1e-12;

double Logistic(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

// -log of the likelihood of a target under a logit, without overflow.
double Loss(double logit, double target) {
  const double log_odds = std::log1p(std::exp(-std::abs(logit)));
  return (logit >= 0 ? (1 - target) * logit : -target * logit) + log_odds;
}

// The convex problem of Platt's fit.
class PlattProblem {
 public:
  PlattProblem(const std::vector<Step>& steps, const Sums& all)
      : steps_(steps),
        high_((all.successes + 1) / (all.successes + 2)),
        low_(1 / (all.weight - all.successes + 2)) {}

  double LossOf(const PlattScaling& at) const {
    double loss = 0;
    for (const Step& s : steps_) {
      const double logit = at.slope * s.score + at.intercept;
      loss += s.successes * Loss(logit, high_) + (s.weight - s.successes) * Loss(logit, low_);
    }
    return loss;
  }

  // The Newton step from `at`, and the slope of the loss along it.
  std::pair<PlattScaling, double> StepFrom(const PlattScaling& at) const {
    // A ridge keeps the Hessian invertible.
    double h11 = 1e-12, h22 = 1e-12, h21 = 0, g1 = 0, g2 = 0;
    for (const Step& s : steps_) {
      const double p = Logistic(at.slope * s.score + at.intercept);
      const double target = s.successes * high_ + (s.weight - s.successes) * low_;
      const double curve = s.weight * p * (1 - p), miss = s.weight * p - target;
      h11 += s.score * s.score * curve;
      h22 += curve;
      h21 += s.score * curve;
      g1 += s.score * miss;
      g2 += miss;
    }
    const double det = h11 * h22 - h21 * h21;
    const PlattScaling step{-(h22 * g1 - h21 * g2) / det, -(h11 * g2 - h21 * g1) / det};
    return {step, g1 * step.slope + g2 * step.intercept};
  }

 private:
  const std::vector<Step>& steps_;
  double high_;
  double low_;
};

constexpr int kMaxIterations = 100;

PlattScaling Minimize(const PlattProblem& problem, PlattScaling at) {
  double loss = problem.LossOf(at);
  for (int i = 0; i < kMaxIterations; ++i) {
    const auto [step, slope] = problem.StepFrom(at);
    if (!(slope < -1e-14)) break;
    double length = 1;
    bool better = false;
    for (; length > 1e-10 && !better; length /= 2) {
      const PlattScaling next{at.slope + length * step.slope,
                              at.intercept + length * step.intercept};
      const double next_loss = problem.LossOf(next);
      better = next_loss < loss + 1e-4 * length * slope;
      if (!better) continue;
      at = next;
      loss = next_loss;
    }
    if (!better) break;
  }
  return at;
}

// A run of steps with one value.
struct Block {
  double weight = 0;
  double successes = 0;
  size_t first = 0;
  size_t last = 0;

  double value() const { return successes / weight; }
};

std::vector<Block> PoolAdjacentViolators(const std::vector<Step>& steps) {
  std::vector<Block> blocks;
  for (size_t i = 0; i < steps.size(); ++i) {
    blocks.push_back({steps[i].weight, steps[i].successes, i, i});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].value() >= blocks.back().value()) {
      const Block top = blocks.back();
      blocks.pop_back();
      blocks.back().weight += top.weight;
      blocks.back().successes += top.successes;
      blocks.back().last = top.last;
    }
  }
  return blocks;
}

template <typename Fit>
Fitter FitterOf(Fit fit) {
  return [fit](std::span<const ScoredLabel> labels) -> std::optional<Predictor> {
    auto fitted = fit(labels);
    if (!fitted.ok()) return std::nullopt;
    return [scaling = *std::move(fitted)](double score) { return scaling.Apply(score); };
  };
}

template <typename Fit>
Fitter ThresholdFitterOf(Fit fit) {
  return [fit](std::span<const ScoredLabel> labels) -> std::optional<Predictor> {
    const auto fitted = fit(labels);
    if (!fitted.ok()) return std::nullopt;
    return [threshold = *fitted](double score) { return threshold.Accepts(score) ? 1.0 : 0.0; };
  };
}

}  // namespace

double PlattScaling::Apply(double score) const { return Logistic(slope * score + intercept); }

double IsotonicScaling::Apply(double score) const {
  const auto after = std::upper_bound(scores.begin(), scores.end(), score);
  if (after == scores.begin()) return values.front();
  const size_t high = static_cast<size_t>(after - scores.begin());
  if (high == scores.size()) return values.back();
  const double along = (score - scores[high - 1]) / (scores[high] - scores[high - 1]);
  return values[high - 1] + along * (values[high] - values[high - 1]);
}

absl::StatusOr<Threshold> FitBestThreshold(std::span<const ScoredLabel> labels) {
  const auto steps = StepsOf(labels);
  if (!steps.ok()) return steps.status();
  const std::vector<Threshold> candidates = Candidates(*steps);
  Threshold best = candidates.front();
  for (const Threshold& t : candidates) {
    if (t.accuracy >= best.accuracy - kRounding) best = t;
  }
  return best;
}

absl::StatusOr<Threshold> FitThresholdForPrecision(std::span<const ScoredLabel> labels,
                                                   double precision) {
  if (!(precision > 0 && precision <= 1)) {
    return absl::InvalidArgumentError("precision is not in (0, 1]");
  }
  const auto steps = StepsOf(labels);
  if (!steps.ok()) return steps.status();
  std::optional<Threshold> best;
  for (const Threshold& t : Candidates(*steps)) {
    if (t.recall > 0 && t.precision && *t.precision >= precision - kRounding) best = t;
  }
  if (!best)
    return absl::FailedPreconditionError("no threshold has this precision on these labels");
  return *best;
}

absl::StatusOr<PlattScaling> FitPlatt(std::span<const ScoredLabel> labels) {
  const auto steps = StepsOf(labels);
  if (!steps.ok()) return steps.status();
  const Sums all = Total(*steps);
  if (steps->size() < 2) return absl::FailedPreconditionError("all scores are equal");
  if (all.successes <= 0 || all.successes >= all.weight) {
    return absl::FailedPreconditionError("labels of one class only");
  }
  const double odds = (all.successes + 1) / (all.weight - all.successes + 1);
  return Minimize(PlattProblem(*steps, all), {0, std::log(odds)});
}

absl::StatusOr<IsotonicScaling> FitIsotonic(std::span<const ScoredLabel> labels) {
  const auto steps = StepsOf(labels);
  if (!steps.ok()) return steps.status();
  IsotonicScaling scaling;
  for (const Block& block : PoolAdjacentViolators(*steps)) {
    const double value = std::clamp(block.value(), 0.0, 1.0);
    scaling.scores.push_back((*steps)[block.first].score);
    scaling.values.push_back(value);
    if (block.last == block.first) continue;
    scaling.scores.push_back((*steps)[block.last].score);
    scaling.values.push_back(value);
  }
  return scaling;
}

absl::StatusOr<std::vector<size_t>> FoldsByCluster(std::span<const ScoredLabel> labels,
                                                   size_t folds, uint64_t seed) {
  if (folds < 2) return absl::InvalidArgumentError("fewer than 2 folds");
  std::vector<size_t> clusters;
  for (const ScoredLabel& label : labels) clusters.push_back(label.cluster);
  std::sort(clusters.begin(), clusters.end());
  clusters.erase(std::unique(clusters.begin(), clusters.end()), clusters.end());
  if (clusters.size() < folds) return absl::InvalidArgumentError("fewer clusters than folds");
  std::vector<size_t> fold_of(clusters.size());
  for (size_t i = 0; i < fold_of.size(); ++i) fold_of[i] = i % folds;
  Random(seed).Shuffle(fold_of);
  std::vector<size_t> result;
  for (const ScoredLabel& label : labels) {
    const auto at = std::lower_bound(clusters.begin(), clusters.end(), label.cluster);
    result.push_back(fold_of[static_cast<size_t>(at - clusters.begin())]);
  }
  return result;
}

absl::StatusOr<std::vector<std::optional<double>>> OutOfFold(std::span<const ScoredLabel> labels,
                                                             const Fitter& fit, size_t folds,
                                                             uint64_t seed) {
  const auto fold_of = FoldsByCluster(labels, folds, seed);
  if (!fold_of.ok()) return fold_of.status();
  std::vector<std::optional<double>> predictions(labels.size());
  for (size_t fold = 0; fold < folds; ++fold) {
    std::vector<ScoredLabel> others;
    for (size_t i = 0; i < labels.size(); ++i) {
      if ((*fold_of)[i] != fold) others.push_back(labels[i]);
    }
    const auto predict = fit(others);
    for (size_t i = 0; predict && i < labels.size(); ++i) {
      if ((*fold_of)[i] == fold) predictions[i] = (*predict)(labels[i].score);
    }
  }
  return predictions;
}

Fitter PlattFitter() { return FitterOf(FitPlatt); }
Fitter IsotonicFitter() { return FitterOf(FitIsotonic); }
Fitter BestThresholdFitter() { return ThresholdFitterOf(FitBestThreshold); }
Fitter PrecisionThresholdFitter(double precision) {
  return ThresholdFitterOf([precision](std::span<const ScoredLabel> labels) {
    return FitThresholdForPrecision(labels, precision);
  });
}

}  // namespace proctor::evaluator
