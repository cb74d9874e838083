// Intervals for a proportion from `successes` of `trials`, which need not be whole numbers:
// weighted or clustered data come in as an effective number. Pure and thread-safe.
#ifndef PROCTOR_EVALUATOR_MEASURE_PROPORTION_H_
#define PROCTOR_EVALUATOR_MEASURE_PROPORTION_H_

#include <optional>

#include "evaluator/measure/interval.h"

namespace proctor::evaluator {

// All give nullopt unless trials > 0, 0 <= successes <= trials and 0 < level < 1.

// E. B. Wilson (1927): inverts the score test. Closed form.
std::optional<Interval> WilsonInterval(double successes, double trials, double level = 0.95);

// C. J. Clopper, E. S. Pearson (1934): covers at least `level` always, and is wide for it.
std::optional<Interval> ClopperPearsonInterval(double successes, double trials,
                                               double level = 0.95);

// H. O. Lancaster (1961): as Clopper-Pearson, but the observed count enters each tail with half its
// probability. Covers about `level` on average also near 0 and 1, where Wilson covers unevenly.
// About 10 us.
std::optional<Interval> MidPInterval(double successes, double trials, double level = 0.95);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_PROPORTION_H_
