#include "tests/evaluator/measure/labels_only.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "evaluator/measure/proportion.h"
#include "evaluator/measure/quantiles.h"

namespace proctor::evaluator {
namespace {

// Gauss-Legendre on [0, 1].
constexpr std::array<std::pair<double, double>, 4> kNodes = {{{0.0694318442, 0.1739274226},
                                                              {0.3300094782, 0.3260725774},
                                                              {0.6699905218, 0.3260725774},
                                                              {0.9305681558, 0.1739274226}}};

double AtLeast(size_t n, size_t k, double p) {
  if (k == 0) return 1;
  if (k > n) return 0;
  return IncompleteBeta(static_cast<double>(k), static_cast<double>(n - k + 1), p);
}

double Runs(const SuccessCounts& runs) {
  double sum = 0;
  for (const size_t count : runs) sum += static_cast<double>(count);
  return sum;
}

// The share of runs, averaged over u, in which Stevens's interval at `level` contains the truth.
double StevensCoverage(const SuccessCounts& runs, double truth, double level) {
  const size_t n = runs.size() - 1;
  const double low = (1 - level) / 2, high = 1 - low;
  double covered = 0;
  for (size_t k = 0; k <= n; ++k) {
    if (runs[k] == 0) continue;
    const double above = AtLeast(n, k + 1, truth);
    const double mass = std::max(AtLeast(n, k, truth) - above, 1e-300);
    const double from = std::clamp((low - above) / mass, 0.0, 1.0);
    const double to = std::clamp((high - above) / mass, 0.0, 1.0);
    covered += static_cast<double>(runs[k]) * (to - from);
  }
  return covered / Runs(runs);
}

// Where P(K > k) + u P(K = k) reaches `target`; it grows with p.
double StevensBound(size_t n, size_t k, double u, double target) {
  double low = 0, high = 1;
  while (high - low > 1e-6) {
    const double p = (low + high) / 2;
    const double above = AtLeast(n, k + 1, p);
    (above + u * (AtLeast(n, k, p) - above) < target ? low : high) = p;
  }
  return low;
}

double StevensWidth(const SuccessCounts& runs, double level) {
  const size_t n = runs.size() - 1;
  const double tail = (1 - level) / 2;
  double width = 0;
  for (size_t k = 0; k <= n; ++k) {
    if (runs[k] == 0) continue;
    for (const auto& [u, weight] : kNodes) {
      width += static_cast<double>(runs[k]) * weight *
               (StevensBound(n, k, u, 1 - tail) - StevensBound(n, k, u, tail));
    }
  }
  return width / Runs(runs);
}

}  // namespace

double LabelsOnlyWidth(const SuccessCounts& runs, double truth, double coverage) {
  double low = 0.5, high = 1;
  for (int i = 0; i < 40; ++i) {
    const double level = (low + high) / 2;
    (StevensCoverage(runs, truth, level) < coverage ? low : high) = level;
  }
  return StevensWidth(runs, std::min(high, 1 - 1e-9));
}

double NarrowestWilsonWidth(const SuccessCounts& runs, double truth, double coverage) {
  const double n = static_cast<double>(runs.size() - 1);
  // Wilson's interval contains the truth if |k / n - truth| <= z sqrt(truth (1 - truth) / n).
  std::vector<std::pair<double, double>> critical;
  for (size_t k = 0; k < runs.size(); ++k) {
    const double distance = std::abs(static_cast<double>(k) / n - truth);
    critical.emplace_back(distance / std::sqrt(truth * (1 - truth) / n), runs[k]);
  }
  std::sort(critical.begin(), critical.end());
  const double total = Runs(runs);
  double covered = 0, z = 0;
  for (const auto& [needed, count] : critical) {
    covered += count;
    z = needed;
    if (covered >= coverage * total - 1e-9) break;
  }
  const double level = std::clamp(2 * NormalCdf(z) - 1, 1e-9, 1 - 1e-12);
  double width = 0;
  for (size_t k = 0; k < runs.size(); ++k) {
    if (runs[k] == 0) continue;
    width +=
        static_cast<double>(runs[k]) * WilsonInterval(static_cast<double>(k), n, level)->width();
  }
  return width / total;
}

}  // namespace proctor::evaluator
