// JobService over the job runner.
#ifndef PROCTOR_SERVER_JOB_SERVICE_H_
#define PROCTOR_SERVER_JOB_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/executor.h"
#include "evaluator/evaluator_store.h"
#include "server/job_runner.h"
#include "server/rpc/call_memory.h"
#include "storage/job_store.h"

namespace proctor::server {

// All outlive the service.
struct JobServiceParts {
  JobRunner& runner;
  storage::JobStore& store;
  Executor& pool;
  // A WatchJob whose client takes nothing for so long ends.
  Patience patience;
  evaluator::EvaluatorStore& evaluators;
  // See RescoreParts: a paused rescore job that would end there at once is not resumed.
  std::function<absl::Status(const std::string& job)> may_spend;
};

std::unique_ptr<grpc::Service> MakeJobService(JobServiceParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JOB_SERVICE_H_
