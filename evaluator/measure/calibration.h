// From a judge's scores to probabilities or outcomes, learned from labels: thresholds, Platt
// scaling, isotonic regression. A calibration is a plain struct: store it, apply it to later
// scores. Pure, thread-safe.
#ifndef PROCTOR_EVALUATOR_MEASURE_CALIBRATION_H_
#define PROCTOR_EVALUATOR_MEASURE_CALIBRATION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "evaluator/measure/reliability.h"

namespace proctor::evaluator {

// SUCCESS from this score on.
struct Threshold {
  // In [0, 1], or above 1 (kNever) where saying FAILURE always is best.
  double at = 0.5;
  // Over the labels it was fitted to: optimistic. See OutOfFold.
  double accuracy = 0;
  // Absent if no label reaches the threshold.
  std::optional<double> precision;
  double recall = 0;

  static constexpr double kNever = 2;
  bool Accepts(double score) const { return score >= at; }
};

// Probability of success = 1 / (1 + exp(-(slope * score + intercept))).
struct PlattScaling {
  double slope = 1;
  double intercept = 0;

  double Apply(double score) const;
};

// Probability of success: linear between the points, constant beyond them.
struct IsotonicScaling {
  // Ascending, distinct; as many values, not descending, in [0, 1]. Not empty.
  std::vector<double> scores;
  std::vector<double> values;

  double Apply(double score) const;
};

// All fits need at least one label with a weight, and scores in [0, 1]; INVALID_ARGUMENT otherwise,
// FAILED_PRECONDITION where these labels can't determine the fit. Labels are weighted; the order of
// labels plays no part beyond rounding.

// The threshold with the best weighted accuracy, of equal ones the lowest. Candidates are the
// scores that occur.
absl::StatusOr<Threshold> FitBestThreshold(std::span<const ScoredLabel> labels);

// The lowest threshold (highest recall) whose precision on the labels is at least `precision`, in
// (0, 1]. FAILED_PRECONDITION: there is none, or there is no success.
absl::StatusOr<Threshold> FitThresholdForPrecision(std::span<const ScoredLabel> labels,
                                                   double precision);

// J. C. Platt (1999, "Probabilistic outputs for support vector machines"), with the targets (n+ +
// 1) / (n+ + 2) and 1 / (n- + 2) that keep separable labels finite, by the Newton method of H.-T.
// Lin, C.-J. Lin, R. C. Weng (2007, "A note on Platt's probabilistic outputs").
// FAILED_PRECONDITION: labels of one class only, or all scores equal.
absl::StatusOr<PlattScaling> FitPlatt(std::span<const ScoredLabel> labels);

// Pool adjacent violators (M. Ayer, H. D. Brunk, G. M. Ewing, W. T. Reid, E. Silverman 1955). Equal
// scores are pooled first. One class or equal scores give a constant, which is what such labels
// say.
absl::StatusOr<IsotonicScaling> FitIsotonic(std::span<const ScoredLabel> labels);

// A fold in [0, folds) for each label; labels of one cluster share it. Clusters are dealt in random
// order, so folds differ by at most one cluster. INVALID_ARGUMENT: fewer than 2 folds, or fewer
// clusters than folds.
absl::StatusOr<std::vector<size_t>> FoldsByCluster(std::span<const ScoredLabel> labels,
                                                   size_t folds, uint64_t seed);

// Fits to some labels and returns the function that predicts from a score; nullopt if they can't
// determine it.
using Predictor = std::function<double(double score)>;
using Fitter = std::function<std::optional<Predictor>(std::span<const ScoredLabel> labels)>;

// For each label the prediction of the fit to the other folds: `labels` with honest scores, to be
// measured. Absent where the fit failed. Errors as FoldsByCluster.
absl::StatusOr<std::vector<std::optional<double>>> OutOfFold(std::span<const ScoredLabel> labels,
                                                             const Fitter& fit, size_t folds,
                                                             uint64_t seed);

// Fitters for OutOfFold. The thresholds predict 0 or 1.
Fitter PlattFitter();
Fitter IsotonicFitter();
Fitter BestThresholdFitter();
Fitter PrecisionThresholdFitter(double precision);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_CALIBRATION_H_
