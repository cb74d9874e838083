// EvaluationService over the evaluator.
#ifndef PROCTOR_SERVER_EVALUATION_SERVICE_H_
#define PROCTOR_SERVER_EVALUATION_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "common/executor.h"
#include "server/data_directory.h"
#include "server/judging.h"
#include "server/tenant_writes.h"

namespace proctor::server {

// All outlive the service; the pools have run what was posted to them before it is destroyed.
struct EvaluationServiceParts {
  DataDirectory& data;
  Judging& judging;
  const TenantWrites& writes;
  Executor& pool;
  // Draws samples to label.
  Executor& background;
};

std::unique_ptr<grpc::Service> MakeEvaluationService(EvaluationServiceParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_EVALUATION_SERVICE_H_
