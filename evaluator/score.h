// Three-valued scores: a number in [0, 1], or "could not tell" with the reason; and when a score reaches a threshold.
#ifndef PROCTOR_EVALUATOR_SCORE_H_
#define PROCTOR_EVALUATOR_SCORE_H_

#include <string>
#include <utility>

#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// Scores, confidences and weights that differ by less are equal: sums of tenths must reach a threshold that they reach on paper.
constexpr double kScoreSlack = 1e-9;

inline bool Reaches(double value, double threshold) { return value + kScoreSlack >= threshold; }

struct Score {
  bool determined = true;
  // In [0, 1]; 0 if not determined.
  double value = 0;
  // Why not determined.
  v1::UndeterminedReason reason = v1::UNDETERMINED_REASON_UNSPECIFIED;
  // Expected against actual, for people.
  std::string detail;

  static Score Of(double value, std::string detail) {
    return {true, value, v1::UNDETERMINED_REASON_UNSPECIFIED, std::move(detail)};
  }
  static Score Unknown(v1::UndeterminedReason reason, std::string detail) {
    return {false, 0, reason, std::move(detail)};
  }
};

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_SCORE_H_
