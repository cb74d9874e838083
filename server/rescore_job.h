// Evaluation of many recorded trajectories, as a job.
#ifndef PROCTOR_SERVER_RESCORE_JOB_H_
#define PROCTOR_SERVER_RESCORE_JOB_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "evaluator/evaluator_store.h"
#include "proctor/v1/evaluation_service.pb.h"
#include "server/data_directory.h"
#include "server/job_runner.h"
#include "server/judging.h"

namespace proctor::server {

inline constexpr char kRescoreJob[] = "rescore";

// What can be said before the job begins: INVALID_ARGUMENT no evaluator, too many, a number out of its range; NOT_FOUND an evaluator;
// FAILED_PRECONDITION a judge, and no model is configured.
absl::Status CheckRescore(const CallContext& context, const v1::RescoreRequest& request,
                          evaluator::EvaluatorStore& evaluators, const Judging& judging);

// All outlive the runner.
struct RescoreParts {
  DataDirectory& data;
  Judging& judging;
  // Asked before each evaluation that may ask a model: RESOURCE_EXHAUSTED if who pays for `job` may spend no more.
  std::function<absl::Status(const std::string& job)> may_spend;
};

// Registers the work. After a stop it goes on where it was: what has a verdict is not evaluated again, and replies that had come are in
// the models' cache. A budget or quota that is spent, or a full disk, ends the job with RESOURCE_EXHAUSTED, after the evaluations that run; what
// verdicts there are is kept, and another job with the same request makes the others.
void RegisterRescoreJob(JobRunner& jobs, RescoreParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RESCORE_JOB_H_
