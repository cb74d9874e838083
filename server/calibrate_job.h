// Fits a judge's scores to truths, as a job.
#ifndef PROCTOR_SERVER_CALIBRATE_JOB_H_
#define PROCTOR_SERVER_CALIBRATE_JOB_H_

#include "absl/status/status.h"
#include "common/call_context.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "server/data_directory.h"
#include "server/job_runner.h"

namespace proctor::server {

inline constexpr char kCalibrateJob[] = "calibrate_evaluator";

// What can be said before the job begins: INVALID_ARGUMENT a name, method or number out of its range; NOT_FOUND the evaluator;
// FAILED_PRECONDITION it is an oracle or a comparison, or calibrated already.
absl::Status CheckCalibrate(const CallContext& context, const v1::CalibrateEvaluatorRequest& request, DataDirectory& data);

// Registers the work. All outlive the runner.
void RegisterCalibrateJob(JobRunner& jobs, DataDirectory& data);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_CALIBRATE_JOB_H_
