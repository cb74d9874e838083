// What the corrected rate is measured against: the plain normal interval of prediction-powered inference, which covers too little near 0 or 1
// and with few labels (docs/judge_statistics.md).
#ifndef PROCTOR_TESTS_EVALUATOR_MEASURE_PREDICTION_POWERED_H_
#define PROCTOR_TESTS_EVALUATOR_MEASURE_PREDICTION_POWERED_H_

#include <optional>

#include "evaluator/measure/interval.h"

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
// not cut to [0, 1] so that its failure near the ends is seen; independent episodes, labels drawn
// with equal probability: others need weights, which this does not know. Undefined: fewer than two
// labels, no others, level outside (0, 1).
PredictionPoweredRate PredictionPowered(const PredictionMoments& moments, double level = 0.95);

}  // namespace proctor::evaluator

#endif  // PROCTOR_TESTS_EVALUATOR_MEASURE_PREDICTION_POWERED_H_
