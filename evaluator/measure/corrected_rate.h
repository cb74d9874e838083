// The policy's success rate from many judge verdicts and few labels, and what would narrow its
// interval.
#ifndef PROCTOR_EVALUATOR_MEASURE_CORRECTED_RATE_H_
#define PROCTOR_EVALUATOR_MEASURE_CORRECTED_RATE_H_

#include <cstddef>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "evaluator/measure/interval.h"
#include "evaluator/measure/judged_episode.h"

namespace proctor::evaluator {

struct CorrectedRate {
  // The rate that the policy would have over all tasks and episodes like these. The value leaves
  // unclear labels out. The interval counts them as failures at its lower end and as successes at
  // its upper end; the same holds for all undetermined (or invalid) verdicts if none of them was
  // labelled. No interval: labels chosen by hand only, or fewer labels than judge outcomes that
  // occur, plus one.
  Estimate rate;
  // As rate.interval, but all undetermined and invalid verdicts count as failures below, as
  // successes above: what holds if one trusts no label among them.
  std::optional<Interval> worst_case;
  // Share of SUCCESS among the verdicts that say SUCCESS or FAILURE: the rate one would believe
  // without labels.
  std::optional<double> judge_rate;

  size_t episodes = 0;
  // Sampled labels; of them unclear. Labels chosen by hand are not used if there are sampled ones.
  size_t labels = 0;
  size_t unclear = 0;
  size_t by_hand = 0;
  // Labels alone (independent, uniformly drawn) that would give as narrow an interval.
  std::optional<double> effective_labels;
  // Variance over that of independent episodes; 1 if every episode is its own cluster.
  double design_effect = 1;

  // Predicted width of rate.interval with twice the labels among the same episodes (drawn alike,
  // from other tasks where tasks cluster; absent if there are not so many episodes), and with twice
  // the episodes and the same labels.
  std::optional<double> width_with_twice_labels;
  std::optional<double> width_with_twice_episodes;
};

// Post-stratified by the judge's outcome (post_stratified.h, where the method and its papers are
// named); UNDETERMINED and invalid are outcomes of their own. Labels with unequal inclusion
// probabilities are weighted by their inverse within an outcome (Hájek) and count as Kish's
// effective number. Where episodes share a cluster, the variance grows by the design effect of the
// linearised estimate (J. N. K. Rao, A. J. Scott 1992, "A simple method for the analysis of
// clustered binary data") and the degrees of freedom are those of the clusters that have labels of
// outcomes whose rate comes from labels.
//
// `episodes`: all that were judged, labelled or not; a uniform sample of what the rate is about.
// Pure, thread-safe. INVALID_ARGUMENT: what ValidateEpisodes refuses, level outside (0, 1).
absl::StatusOr<CorrectedRate> CorrectSuccessRate(std::span<const JudgedEpisode> episodes,
                                                 double level = 0.95);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_CORRECTED_RATE_H_
