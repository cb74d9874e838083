// What the corrected rate is measured against: intervals from the labels alone.
#ifndef PROCTOR_TESTS_EVALUATOR_MEASURE_LABELS_ONLY_H_
#define PROCTOR_TESTS_EVALUATOR_MEASURE_LABELS_ONLY_H_

#include <cstddef>
#include <vector>

namespace proctor::evaluator {

// How often each number of successes 0...n came up among the labels of a simulation's runs.
using SuccessCounts = std::vector<size_t>;

// "The labels-only interval of the same coverage". The number of successes is a whole number, so an
// interval made of it covers in steps as its nominal level grows: hardly ever as often as another
// method does. W. L. Stevens's randomised Clopper-Pearson interval ("Fiducial limits of the
// parameter of a discontinuous distribution", 1950) breaks the steps by a uniform number u: it
// contains p if P(K > k) + u P(K = k) lies between (1 - level) / 2 and (1 + level) / 2, and covers
// exactly `level` at every truth. Its level is set so that over the same runs (averaged over u) it
// covers as often as the method did; the result is its mean width over them.
double LabelsOnlyWidth(const SuccessCounts& runs, double truth, double coverage);

// A harsher comparison that no interval of the labels alone meets, the plain Wilson interval
// neither: the mean width of the narrowest Wilson interval that covers at least `coverage` of the
// runs, with its level chosen for this very truth, just where its coverage steps up.
double NarrowestWilsonWidth(const SuccessCounts& runs, double truth, double coverage);

}  // namespace proctor::evaluator

#endif  // PROCTOR_TESTS_EVALUATOR_MEASURE_LABELS_ONLY_H_
