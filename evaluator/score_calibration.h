// Scores made into probabilities by a stored calibration.
#ifndef PROCTOR_EVALUATOR_SCORE_CALIBRATION_H_
#define PROCTOR_EVALUATOR_SCORE_CALIBRATION_H_

#include "absl/status/status.h"
#include "evaluator/measure/calibration.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// INVALID_ARGUMENT: no kind, a number that is not finite or out of its range, points that do not rise.
absl::Status ValidateCalibration(const v1::Calibration& calibration);

// The probability of SUCCESS that a score stands for. `calibration` is valid.
double Calibrated(const v1::Calibration& calibration, double score);

// Of a verdict that is SUCCESS or FAILURE: replaces its score by the calibrated one, its outcome by what `success_threshold` makes of that, and
// its confidence by the probability of the outcome.
void Calibrate(const v1::Calibration& calibration, double success_threshold, v1::Verdict* verdict);

// As it is stored.
v1::Calibration ToMessage(const PlattScaling& scaling);
v1::Calibration ToMessage(const IsotonicScaling& scaling);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_SCORE_CALIBRATION_H_
