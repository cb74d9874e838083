// Distribution functions and quantiles that the intervals are made of (a thin front of Boost.Math).
// Pure and thread-safe.
#ifndef PROCTOR_EVALUATOR_MEASURE_QUANTILES_H_
#define PROCTOR_EVALUATOR_MEASURE_QUANTILES_H_

#include <optional>

namespace proctor::evaluator {

// x with P(Z <= x) = p for a standard normal Z; nullopt unless 0 < p < 1.
std::optional<double> NormalQuantile(double p);
// P(Z <= x).
double NormalCdf(double x);

// The same for Student's t; `degrees` > 0, not necessarily whole; nullopt outside.
std::optional<double> StudentQuantile(double p, double degrees);

// z with P(|Z| <= z) = level, t with P(|T| <= t) = level; nullopt unless 0 < level < 1.
std::optional<double> TwoSidedNormal(double level);
std::optional<double> TwoSidedStudent(double level, double degrees);

// The regularised incomplete beta function I_x(a, b). Needs a, b > 0 and x in [0, 1].
// P(K >= k) of a binomial is I_p(k, n - k + 1).
double IncompleteBeta(double a, double b, double x);
// x with I_x(a, b) = p. Needs a, b > 0 and p in [0, 1].
double IncompleteBetaInverse(double a, double b, double p);

// P(X > x) of chi-squared with one degree of freedom; 1 for x <= 0.
double ChiSquaredUpperTail(double x);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_QUANTILES_H_
