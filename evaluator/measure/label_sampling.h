// Which trajectories to label, with the probability of each choice: what makes the labels usable
// for estimates.
#ifndef PROCTOR_EVALUATOR_MEASURE_LABEL_SAMPLING_H_
#define PROCTOR_EVALUATOR_MEASURE_LABEL_SAMPLING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "evaluator/measure/judged_episode.h"

namespace proctor::evaluator {

enum class LabelDesign {
  // Every episode with the same probability, without replacement.
  kUniform,
  // A uniform sample within each judge outcome, in proportion to the square root of how often it
  // occurs (M. D.
  // Bankier's power allocation, 1988), at least two each as far as there are: rare outcomes get
  // more labels, and all do.
  kByOutcome,
  // Probability in proportion to how unsure the judge is: 1 - |2 score - 1|, or 1 - confidence
  // without a score, or 1
  // without both and for undecided verdicts; never below `uncertainty_floor`. Systematic sampling
  // in random order (W. G.
  // Madow 1949), which keeps both the probabilities and the number exactly.
  kByUncertainty,
};

struct LabelSampleOptions {
  LabelDesign design = LabelDesign::kUniform;
  // How many to label; more than there are means all.
  size_t count = 100;
  uint64_t seed = 1;
  // In (0, 1]; the smaller, the larger the weights of what the judge is sure of.
  double uncertainty_floor = 0.1;
};

struct DrawnLabel {
  // Into the episodes given.
  size_t index = 0;
  // In (0, 1].
  double inclusion_probability = 0;
};

// Ordered by index; exactly min(count, episodes) of them. The same input and seed give the same
// sample. Labels that exist already play no part. INVALID_ARGUMENT: what ValidateEpisodes refuses,
// a floor outside (0, 1]. Pure, thread-safe.
absl::StatusOr<std::vector<DrawnLabel>> DrawLabels(std::span<const JudgedEpisode> episodes,
                                                   const LabelSampleOptions& options);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_LABEL_SAMPLING_H_
