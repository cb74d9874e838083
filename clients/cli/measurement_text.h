// An evaluator's measurement for people.
#ifndef PROCTOR_CLIENTS_CLI_MEASUREMENT_TEXT_H_
#define PROCTOR_CLIENTS_CLI_MEASUREMENT_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "proctor/v1/measurement.pb.h"

namespace proctor::cli {

// Measures with their 95 % intervals, the confusion matrix, slices, corrected success rates and the comparison, as far as they are there.
std::string MeasurementText(const v1::EvaluatorMeasurement& measurement);

// OK, or FAILED_PRECONDITION where nothing could be measured or compared: what is missing.
absl::Status MeasurementStatus(const v1::EvaluatorMeasurement& measurement);

// The new evaluator, and the measures before and after.
std::string CalibrationText(const v1::CalibrationResult& result);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_MEASUREMENT_TEXT_H_
