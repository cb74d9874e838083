// A success rate from many judge verdicts and few labels: the numeric core on counts.
//
// Strata are the judge's outcomes. The share of each comes from all episodes, the success rate
// within it from the labelled ones: p = sum of W_h * rate_h. That is the estimator of W. J. Rogan,
// B. Gladen ("Estimating prevalence from the results of a screening test", 1978) written with
// predictive values instead of sensitivity and specificity, and for a judge of two outcomes it is
// prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan, Zrnic 2023) with one tuning
// factor a stratum. Its plain normal interval covers as little as half of the time where labels are
// few (docs/judge_statistics.md), so the interval is built in another way:
//
//   r_h   = (successes_h + 1/2) / (labels_h + 1)            Jeffreys' prior, for the variance only
//   V     = sum W_h^2 r_h (1 - r_h) / max(labels_h, 1)      what the labels leave open
//         + sum W_h (r_h - mean r)^2 / episodes             what the number of episodes leaves open
//   n_eff = mean r (1 - mean r) / V / design effect * (z / t)^2
//
// n_eff is the number of labels that alone would tell as much (Korn and Graubard 1998, "Confidence
// intervals for proportions with small expected number of positive counts", who also give the
// factor (z / t)^2). The interval is the mid-P interval of p and n_eff, where p adds to each
// stratum one label of the pooled rate, so that a stratum without labels has a rate. Chosen by
// measurement among Wilson, Jeffreys, mid-P and score inversions.
#ifndef PROCTOR_EVALUATOR_MEASURE_POST_STRATIFIED_H_
#define PROCTOR_EVALUATOR_MEASURE_POST_STRATIFIED_H_

#include <optional>
#include <span>

#include "evaluator/measure/interval.h"

namespace proctor::evaluator {

struct Stratum {
  // How the success rate of a stratum is known.
  enum class Rate { kFromLabels, kAllFail, kAllSucceed };

  // All episodes of the stratum, labelled or not; not negative.
  double episodes = 0;
  // Effective number of labels (Kish's where they have unequal weights), and how many of them are
  // successes.
  double labels = 0;
  double successes = 0;
  Rate rate = Rate::kFromLabels;
};

// Its rate is to be estimated, from its labels.
inline bool NeedsLabels(const Stratum& s) {
  return s.rate == Stratum::Rate::kFromLabels && s.episodes > 0;
}

struct PostStratifiedOptions {
  // In (0, 1).
  double level = 0.95;
  // Variance over that of independent episodes, at least 1.
  double design_effect = 1;
  // Degrees of freedom of the variance; absent: labels of the strata that need them, minus those
  // strata. At least 1.
  std::optional<double> degrees;
};

struct PostStratifiedRate {
  double value = 0;
  Interval interval;
  // See n_eff above; nothing to compare with (0) if no rate was estimated from labels.
  double effective_labels = 0;
};

// nullopt: no episodes; fewer labels than strata that need them, plus one; counts negative, not
// finite or not in order; options outside their ranges. Invariant to the order of the strata;
// swapping success and failure mirrors the result. Pure, thread-safe, about 15 us.
std::optional<PostStratifiedRate> EstimatePostStratified(std::span<const Stratum> strata,
                                                         const PostStratifiedOptions& options);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_POST_STRATIFIED_H_
