// JobService over the job runner.
#ifndef PROCTOR_SERVER_JOB_SERVICE_H_
#define PROCTOR_SERVER_JOB_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "common/executor.h"
#include "server/job_runner.h"
#include "storage/job_store.h"

namespace proctor::server {

// All outlive the service.
std::unique_ptr<grpc::Service> MakeJobService(JobRunner& runner, storage::JobStore& store, Executor& pool);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JOB_SERVICE_H_
