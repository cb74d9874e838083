// EvaluationService over the evaluator.
#ifndef PROCTOR_SERVER_EVALUATION_SERVICE_H_
#define PROCTOR_SERVER_EVALUATION_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "common/executor.h"
#include "evaluator/evaluator_store.h"
#include "trajectory/trajectory_store.h"

namespace proctor::server {

// All outlive the service.
struct EvaluationServiceParts {
  evaluator::EvaluatorStore& evaluators;
  evaluator::VerdictStore& verdicts;
  trajectory::TrajectoryStore& trajectories;
  Executor& pool;
};

std::unique_ptr<grpc::Service> MakeEvaluationService(EvaluationServiceParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_EVALUATION_SERVICE_H_
