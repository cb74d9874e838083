#include "evaluator/measure/quantiles.h"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

namespace proctor::evaluator {
namespace {

// Without promotion to long double: half the time, and 1e-14 is more than an interval needs.
using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;

bool IsInside(double p) { return p > 0 && p < 1; }

}  // namespace

std::optional<double> NormalQuantile(double p) {
  if (!IsInside(p)) return std::nullopt;
  return boost::math::quantile(boost::math::normal_distribution<double, Policy>(), p);
}

double NormalCdf(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

std::optional<double> StudentQuantile(double p, double degrees) {
  if (!IsInside(p) || !(degrees > 0) || !std::isfinite(degrees)) return std::nullopt;
  return boost::math::quantile(boost::math::students_t_distribution<double, Policy>(degrees), p);
}

std::optional<double> TwoSidedNormal(double level) {
  if (!IsInside(level)) return std::nullopt;
  return NormalQuantile((1 + level) / 2);
}

std::optional<double> TwoSidedStudent(double level, double degrees) {
  if (!IsInside(level)) return std::nullopt;
  return StudentQuantile((1 + level) / 2, degrees);
}

double IncompleteBeta(double a, double b, double x) {
  return boost::math::ibeta(a, b, x, Policy());
}

double IncompleteBetaInverse(double a, double b, double p) {
  return boost::math::ibeta_inv(a, b, p, Policy());
}

double ChiSquaredUpperTail(double x) { return x <= 0 ? 1.0 : std::erfc(std::sqrt(x / 2)); }

}  // namespace proctor::evaluator
