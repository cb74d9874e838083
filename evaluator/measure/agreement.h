// How far verdicts agree: of one judge with itself, and of two evaluators on the same trajectories.
#ifndef PROCTOR_EVALUATOR_MEASURE_AGREEMENT_H_
#define PROCTOR_EVALUATOR_MEASURE_AGREEMENT_H_

#include <cstddef>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "evaluator/measure/bootstrap.h"
#include "evaluator/measure/interval.h"
#include "evaluator/measure/judged_episode.h"

namespace proctor::evaluator {

struct Consistency {
  // Mean over episodes of the chance that two different samples agree; in [0, 1]. Absent: no
  // episode with two samples.
  std::optional<double> agreement;
  // Share of those episodes whose samples are all alike.
  std::optional<double> unanimous;
  // Episodes with at least two samples that could be read; samples that couldn't, which are left
  // out.
  size_t episodes = 0;
  size_t invalid_samples = 0;
};

// From JudgedEpisode::samples. UNDETERMINED is an answer like the others here; invalid is none.
Consistency MeasureConsistency(std::span<const JudgedEpisode> episodes);

// Q. McNemar (1947): the two-sided p-value of "both are right equally often" from how often only
// the first and only the second was right. Exact binomial up to 25 such episodes, beyond that
// chi-squared with A. L. Edwards's continuity correction (1948). Assumes independent episodes:
// where many share a task, it is too small. nullopt: both 0.
std::optional<double> McNemarPValue(size_t only_first, size_t only_second);

struct PairedComparison {
  // Of the episodes with a clear label in use on which both decided. Counts without weights.
  size_t both_right = 0;
  size_t only_first_right = 0;
  size_t only_second_right = 0;
  size_t both_wrong = 0;
  // Accuracy of the first less that of the second. The interval is A. Agresti's and Y. Min's
  // ("Simple improved confidence intervals for comparing matched proportions", 2005) for
  // independent labels of equal weight, else a bootstrap over clusters with half a label more in
  // each cell.
  Estimate accuracy_difference;
  // Absent without discordant episodes, and for labels chosen by hand.
  std::optional<double> p_value;
  // Cohen's kappa between the two where both decided, labelled or not; interval by bootstrap over
  // clusters, half an episode more in each cell.
  Estimate kappa;
  // Episodes on which at least one is undetermined or invalid.
  size_t undecided = 0;
};

// `first[i]` and `second[i]` are verdicts on the same trajectory; clusters, labels and
// probabilities are those of `first`. INVALID_ARGUMENT: different lengths, what ValidateEpisodes
// refuses, bootstrap options out of range.
absl::StatusOr<PairedComparison> ComparePaired(std::span<const JudgedEpisode> first,
                                               std::span<const JudgedEpisode> second,
                                               const BootstrapOptions& options = {});

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_AGREEMENT_H_
