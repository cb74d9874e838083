#include "evaluator/measure/post_stratified.h"

#include <algorithm>
#include <cmath>

#include "evaluator/measure/proportion.h"
#include "evaluator/measure/quantiles.h"

namespace proctor::evaluator {
namespace {

bool IsValid(const Stratum& s) {
  return std::isfinite(s.episodes) && std::isfinite(s.labels) && s.episodes >= 0 &&
         s.successes >= 0 && s.successes <= s.labels;
}

struct Totals {
  double episodes = 0;
  double labels = 0;
  // Strata whose rate is to be estimated.
  double strata = 0;
  // Weighted success rate of the strata with labels, kept off 0 and 1 by half a success and half a
  // failure.
  double pooled = 0.5;
};

std::optional<Totals> Sum(std::span<const Stratum> strata) {
  Totals sum;
  double weight = 0, rate = 0;
  for (const Stratum& s : strata) {
    if (!IsValid(s)) return std::nullopt;
    sum.episodes += s.episodes;
    if (!NeedsLabels(s)) continue;
    sum.strata += 1;
    sum.labels += s.labels;
    if (s.labels > 0) {
      weight += s.episodes;
      rate += s.episodes * s.successes / s.labels;
    }
  }
  if (weight > 0) sum.pooled = (sum.labels * rate / weight + 0.5) / (sum.labels + 1);
  return sum;
}

struct Moments {
  double value = 0;
  // Of the smoothed rates.
  double mean = 0;
  double variance = 0;
};

double FixedRate(const Stratum& s) { return s.rate == Stratum::Rate::kAllSucceed ? 1 : 0; }

Moments MomentsOf(std::span<const Stratum> strata, const Totals& sum) {
  Moments m;
  double squares = 0;
  for (const Stratum& s : strata) {
    if (s.episodes <= 0) continue;
    const double share = s.episodes / sum.episodes;
    double rate = FixedRate(s);
    double smooth = rate;
    if (NeedsLabels(s)) {
      rate = (s.successes + sum.pooled) / (s.labels + 1);
      smooth = (s.successes + 0.5) / (s.labels + 1);
      m.variance += share * share * smooth * (1 - smooth) / std::max(s.labels, 1.0);
    }
    m.value += share * rate;
    m.mean += share * smooth;
    squares += share * smooth * smooth;
  }
  m.variance += std::max(0.0, squares - m.mean * m.mean) / sum.episodes;
  return m;
}

}  // namespace

std::optional<PostStratifiedRate> EstimatePostStratified(std::span<const Stratum> strata,
                                                         const PostStratifiedOptions& options) {
  const auto sum = Sum(strata);
  const auto z = TwoSidedNormal(options.level);
  if (!sum || !z || sum->episodes <= 0 || !(options.design_effect >= 1)) return std::nullopt;
  const Moments m = MomentsOf(strata, *sum);
  const double value = std::clamp(m.value, 0.0, 1.0);
  if (sum->strata == 0 && m.variance <= 0) return PostStratifiedRate{value, {value, value}, 0};
  if (sum->strata > 0 && !(sum->labels - sum->strata >= 1)) return std::nullopt;
  // Nothing to estimate from labels: the variance is that of the shares alone.
  const double degrees =
      options.degrees.value_or(sum->strata > 0 ? sum->labels - sum->strata : sum->episodes - 1);
  if (!(degrees >= 1)) return std::nullopt;
  const auto t = TwoSidedStudent(options.level, degrees);
  if (!t) return std::nullopt;
  const double ratio = *z / *t;
  const double effective =
      m.mean * (1 - m.mean) / m.variance / options.design_effect * ratio * ratio;
  if (!(effective > 0) || !std::isfinite(effective)) return std::nullopt;
  const auto interval =
      MidPInterval(std::min(value * effective, effective), effective, options.level);
  if (!interval) return std::nullopt;
  return PostStratifiedRate{value, *interval, effective};
}

}  // namespace proctor::evaluator
