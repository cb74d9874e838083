#include "evaluator/measure/proportion.h"

#include <algorithm>
#include <cmath>

#include "evaluator/measure/quantiles.h"

namespace proctor::evaluator {
namespace {

bool IsValid(double k, double n, double level) {
  return std::isfinite(n) && n > 0 && k >= 0 && k <= n && level > 0 && level < 1;
}

// P(K > k) + P(K = k) / 2 as a function of the proportion, for real k and n: it grows from 0 or 1/2
// to 1/2 or 1.
class MidTail {
 public:
  MidTail(double k, double n)
      : k_(k),
        rest_(n - k),
        log_choose_(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(rest_ + 1)) {}

  double At(double p) const {
    if (p <= 0) return k_ > 0 ? 0 : 0.5;
    if (p >= 1) return rest_ > 0 ? 1 : 0.5;
    const double at_least = k_ > 0 ? IncompleteBeta(k_, rest_ + 1, p) : 1;
    return at_least - Mass(p) / 2;
  }
  double Slope(double p) const { return Mass(p) / 2 * (k_ / p + rest_ / (1 - p)); }

 private:
  double Mass(double p) const {
    return std::exp(log_choose_ + k_ * std::log(p) + rest_ * std::log1p(-p));
  }

  double k_;
  double rest_;
  double log_choose_;
};

// Where `tail` reaches `target`: Newton's method kept between `low` and `high`.
double Solve(const MidTail& tail, double target, double low, double high, double start) {
  double x = start;
  for (int i = 0; i < 60 && high - low > 1e-10; ++i) {
    if (!(x > low && x < high)) x = (low + high) / 2;
    const double miss = tail.At(x) - target;
    (miss < 0 ? low : high) = x;
    const double step = miss / tail.Slope(x);
    if (std::abs(step) < 1e-10) break;
    x -= step;
  }
  return std::clamp(x, 0.0, 1.0);
}

}  // namespace

std::optional<Interval> WilsonInterval(double successes, double trials, double level) {
  if (!IsValid(successes, trials, level)) return std::nullopt;
  const double z = *TwoSidedNormal(level);
  const double p = successes / trials;
  const double shrink = 1 + z * z / trials;
  const double center = (p + z * z / (2 * trials)) / shrink;
  const double half = z / shrink * std::sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials));
  // At the ends the bound is exactly 0 or 1; rounding must not move it inside.
  return Interval{successes <= 0 ? 0.0 : std::max(0.0, center - half),
                  successes >= trials ? 1.0 : std::min(1.0, center + half)};
}

std::optional<Interval> ClopperPearsonInterval(double successes, double trials, double level) {
  if (!IsValid(successes, trials, level)) return std::nullopt;
  const double tail = (1 - level) / 2;
  const double rest = trials - successes;
  return Interval{successes > 0 ? IncompleteBetaInverse(successes, rest + 1, tail) : 0.0,
                  rest > 0 ? IncompleteBetaInverse(successes + 1, rest, 1 - tail) : 1.0};
}

std::optional<Interval> MidPInterval(double successes, double trials, double level) {
  if (!IsValid(successes, trials, level)) return std::nullopt;
  const double p = successes / trials;
  const double a = (1 - level) / 2;
  const MidTail tail(successes, trials);
  const Interval start = *WilsonInterval(successes, trials, level);
  return Interval{tail.At(0) >= a ? 0.0 : Solve(tail, a, 0, p, start.low),
                  tail.At(1) <= 1 - a ? 1.0 : Solve(tail, 1 - a, p, 1, start.high)};
}

}  // namespace proctor::evaluator
