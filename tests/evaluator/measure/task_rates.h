// Success rates of tasks that differ from each other.
#ifndef PROCTOR_TESTS_EVALUATOR_MEASURE_TASK_RATES_H_
#define PROCTOR_TESTS_EVALUATOR_MEASURE_TASK_RATES_H_

#include <cmath>

#include "evaluator/measure/random.h"

namespace proctor::evaluator {

// G. Marsaglia, W. W. Tsang 2000; boosted below 1.
inline double GammaNumber(double shape, Random* random) {
  if (shape < 1) return GammaNumber(shape + 1, random) * std::pow(random->Uniform(), 1 / shape);
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double radius = std::sqrt(-2 * std::log(1 - random->Uniform()));
    const double x = radius * std::cos(2 * M_PI * random->Uniform());
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - random->Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return d * v;
    }
  }
}

// A task's rate, from the Beta distribution of that mean; `correlation`, in [0, 1), is that of two
// episodes of one task.
inline double TaskRate(double mean, double correlation, Random* random) {
  if (correlation <= 0) return mean;
  const double sum = 1 / correlation - 1;
  const double a = GammaNumber(mean * sum, random);
  return a / (a + GammaNumber((1 - mean) * sum, random));
}

}  // namespace proctor::evaluator

#endif  // PROCTOR_TESTS_EVALUATOR_MEASURE_TASK_RATES_H_
