// Measurements as messages. Pure functions.
#ifndef PROCTOR_SERVER_MEASUREMENT_MESSAGE_H_
#define PROCTOR_SERVER_MEASUREMENT_MESSAGE_H_

#include "evaluator/measure/agreement.h"
#include "evaluator/measure/corrected_rate.h"
#include "evaluator/measure/judge_report.h"
#include "proctor/v1/measurement.pb.h"

namespace proctor::server {

v1::JudgeMeasures ToMessage(const evaluator::JudgeReport& report);
// Without policy.
v1::CorrectedSuccessRate ToMessage(const evaluator::CorrectedRate& rate);
// Without names.
v1::PairedMeasures ToMessage(const evaluator::PairedComparison& comparison);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_MEASUREMENT_MESSAGE_H_
