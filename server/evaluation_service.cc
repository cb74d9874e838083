#include "server/evaluation_service.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "evaluator/evaluate.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "server/rpc/unary.h"

namespace proctor::server {
namespace {

class EvaluationServiceImpl final : public v1::EvaluationService::CallbackService {
 public:
  explicit EvaluationServiceImpl(EvaluationServiceParts parts) : parts_(parts) {}

  // Safe to repeat without remembering request ids: the same configuration again is the same evaluator.
  grpc::ServerUnaryReactor* CreateEvaluator(grpc::CallbackServerContext* context,
                                            const v1::CreateEvaluatorRequest* request,
                                            v1::Evaluator* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.evaluators.Create(call, request->evaluator()), response);
    });
  }

  grpc::ServerUnaryReactor* GetEvaluator(grpc::CallbackServerContext* context,
                                         const v1::GetEvaluatorRequest* request,
                                         v1::Evaluator* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.evaluators.Get(call, request->name()), response);
    });
  }

  grpc::ServerUnaryReactor* ListEvaluators(grpc::CallbackServerContext* context,
                                           const v1::ListEvaluatorsRequest*,
                                           v1::ListEvaluatorsResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const auto evaluators, parts_.evaluators.List(call));
      for (const v1::Evaluator& evaluator : evaluators) *response->add_evaluators() = evaluator;
      return absl::OkStatus();
    });
  }

  // A verdict's name is derived from what it was made of, so repeating stores nothing twice.
  grpc::ServerUnaryReactor* EvaluateTrajectory(grpc::CallbackServerContext* context,
                                               const v1::EvaluateTrajectoryRequest* request,
                                               v1::Verdict* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) -> absl::Status {
      const absl::Time start = absl::Now();
      PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator evaluator,
                               parts_.evaluators.Get(call, request->evaluator()));
      PROCTOR_ASSIGN_OR_RETURN(const v1::Trajectory trajectory,
                               parts_.trajectories.Get(call, request->trajectory()));
      PROCTOR_ASSIGN_OR_RETURN(v1::Verdict verdict, evaluator::Evaluate(evaluator, trajectory));
      *verdict.mutable_latency() = ToProto(absl::Now() - start);
      *verdict.mutable_create_time() = ToProto(absl::Now());
      if (!request->dry_run()) {
        PROCTOR_ASSIGN_OR_RETURN(verdict, parts_.verdicts.Put(call, verdict));
      }
      *response = std::move(verdict);
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetVerdict(grpc::CallbackServerContext* context,
                                       const v1::GetVerdictRequest* request, v1::Verdict* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.verdicts.Get(call, request->name()), response);
    });
  }

  grpc::ServerUnaryReactor* ListVerdicts(grpc::CallbackServerContext* context,
                                         const v1::ListVerdictsRequest* request,
                                         v1::ListVerdictsResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.verdicts.List(call, *request), response);
    });
  }

 private:
  const EvaluationServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEvaluationService(EvaluationServiceParts parts) {
  return std::make_unique<EvaluationServiceImpl>(parts);
}

}  // namespace proctor::server
