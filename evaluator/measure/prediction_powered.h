// Prediction-powered inference for a mean, with the judge's scores as predictions and a tuned
// factor: the large-sample method. For labels below about 100, or rates near 0 or 1, use
// CorrectSuccessRate: this interval covers too little there (measured in docs/judge_statistics.md).
#ifndef PROCTOR_EVALUATOR_MEASURE_PREDICTION_POWERED_H_
#define PROCTOR_EVALUATOR_MEASURE_PREDICTION_POWERED_H_

#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "evaluator/measure/interval.h"
#include "evaluator/measure/judged_episode.h"

namespace proctor::evaluator {

// Of the labelled episodes (truth y, score f) and of the others (score only).
struct PredictionMoments {
  double labels = 0;
  double mean_truth = 0;
  double mean_score = 0;
  // Population variances (divided by the number).
  double var_truth = 0;
  double var_score = 0;
  double covariance = 0;
  // How many episodes have no label, the mean and variance of their scores.
  double others = 0;
  double others_mean_score = 0;
  double others_var_score = 0;
};

struct PredictionPoweredRate {
  Estimate rate;
  // The weight of the judge in [0, 1]: 0 ignores it, 1 is the plain method of 2023.
  std::optional<double> tuning;
};

// A. N. Angelopoulos, S. Bates, C. Fannjiang, M. I. Jordan, T. Zrnic ("Prediction-powered
// inference", 2023) with the tuning of A. N. Angelopoulos, J. C. Duchi, T. Zrnic ("PPI++", 2023,
// example 6.1 and section 6): rate = mean y + tuning * (mean f of the others - mean f of the
// labelled), tuning = cov(y, f) / ((1 + labels / others) var f), cut to [0, 1]. Normal interval,
// not cut to [0, 1] so that its failure near the ends is seen; independent episodes, uniform
// labels. Undefined: fewer than two labels, no others, level outside (0, 1).
PredictionPoweredRate PredictionPowered(const PredictionMoments& moments, double level = 0.95);

// The same from episodes: labels weighted by inverse inclusion probability (Hájek), variance
// between clusters where episodes share one, t quantile with (labels or clusters with labels) - 1
// degrees of freedom; interval cut to [0, 1]. The tuning factor is the one for independent
// episodes: any value keeps the estimate consistent, this one is near the best. An episode without
// a score counts 1 or 0 by its outcome. Undefined (with the reason): an episode that has neither,
// labels chosen by hand (biased, value only), an unclear label, fewer than two labels, no other
// episodes. INVALID_ARGUMENT: what ValidateEpisodes refuses, level outside (0, 1). Pure,
// thread-safe.
absl::StatusOr<PredictionPoweredRate> PredictionPoweredSuccessRate(
    std::span<const JudgedEpisode> episodes, double level = 0.95);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_PREDICTION_POWERED_H_
