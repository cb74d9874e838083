// What an estimate looks like: a number, an interval, or why there is none.
#ifndef PROCTOR_EVALUATOR_MEASURE_INTERVAL_H_
#define PROCTOR_EVALUATOR_MEASURE_INTERVAL_H_

#include <optional>
#include <string>

namespace proctor::evaluator {

struct Interval {
  double low = 0;
  double high = 0;

  double width() const { return high - low; }
  bool Contains(double x) const { return low <= x && x <= high; }
};

// Never NaN: what can't be computed is absent, and `why` says why.
struct Estimate {
  std::optional<double> value;
  // Absent if `value` is, if `biased`, or if the data are too few.
  std::optional<Interval> interval;
  // From labels that people chose by hand: the value says nothing about other trajectories.
  bool biased = false;
  // For people; empty if value and interval are there.
  std::string why;
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_INTERVAL_H_
