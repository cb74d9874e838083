#include "tests/evaluator/measure/prediction_powered.h"

#include <algorithm>
#include <cmath>

#include "evaluator/measure/quantiles.h"

namespace proctor::evaluator {
namespace {

double Tuning(const PredictionMoments& m) {
  const double spread = (1 + m.labels / m.others) * m.var_score;
  return spread > 0 ? std::clamp(m.covariance / spread, 0.0, 1.0) : 0;
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
  const double variance = std::max(0.0, residual) / m.labels + tuning * tuning * m.others_var_score / m.others;
  const double value = m.mean_truth + tuning * (m.others_mean_score - m.mean_score), half = *z * std::sqrt(variance);
  result.tuning = tuning;
  result.rate.value = value;
  result.rate.interval = Interval{value - half, value + half};
  return result;
}

}  // namespace proctor::evaluator
