// Whether a judge's scores mean what they say: of the episodes scored 0.8, four of five should be
// successes.
#ifndef PROCTOR_EVALUATOR_MEASURE_RELIABILITY_H_
#define PROCTOR_EVALUATOR_MEASURE_RELIABILITY_H_

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace proctor::evaluator {

struct ScoredLabel {
  // In [0, 1], read as the probability of success.
  double score = 0;
  bool success = false;
  // Not negative; 0 is as if it were not there.
  double weight = 1;
  // Dense number from 0; used where folds keep clusters together.
  size_t cluster = 0;
};

struct ReliabilityBin {
  // Scores in [low, high), in [low, high] for the last.
  double low = 0;
  double high = 0;
  size_t count = 0;
  double weight = 0;
  // Absent for an empty bin.
  std::optional<double> mean_score;
  std::optional<double> success_rate;
};

struct Reliability {
  // Expected calibration error (M. P. Naeini, G. F. Cooper, M. Hauskrecht 2015): the weighted mean
  // over bins of |success rate - mean score|, in [0, 1]. Depends on the bins, and is above 0 by
  // chance with few labels.
  std::optional<double> expected_error;
  // G. W. Brier (1950): mean squared distance of score and outcome, in [0, 1].
  std::optional<double> brier;
  // As many as asked for, of equal width.
  std::vector<ReliabilityBin> bins;
};

// `bins` at least 1 (0 is read as 1). Labels with scores outside [0, 1] are the caller's error;
// nothing defined and empty bins if no label has a weight. Invariant to the order up to rounding.
// Pure, thread-safe.
Reliability MeasureReliability(std::span<const ScoredLabel> labels, size_t bins = 10);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_RELIABILITY_H_
