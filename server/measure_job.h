// Measures judges against labels or the oracle, as a job.
#ifndef PROCTOR_SERVER_MEASURE_JOB_H_
#define PROCTOR_SERVER_MEASURE_JOB_H_

#include "absl/status/status.h"
#include "common/call_context.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "server/data_directory.h"
#include "server/job_runner.h"

namespace proctor::server {

inline constexpr char kMeasureJob[] = "measure_evaluator";

// What can be said before the job begins: INVALID_ARGUMENT a tag that there is not, too many; NOT_FOUND an evaluator.
absl::Status CheckMeasure(const CallContext& context, const v1::MeasureEvaluatorRequest& request, DataDirectory& data);

// Registers the work. All outlive the runner.
void RegisterMeasureJob(JobRunner& jobs, DataDirectory& data);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_MEASURE_JOB_H_
