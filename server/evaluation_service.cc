#include "server/evaluation_service.h"

#include <functional>
#include <memory>
#include <utility>

#include "common/status.h"
#include "evaluator/evaluate.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "server/calibrate_job.h"
#include "server/judged_trajectories.h"
#include "server/label_draws.h"
#include "server/measure_job.h"
#include "server/reflecting.h"
#include "server/rescore_job.h"
#include "server/rpc/door.h"
#include "server/rpc/unary.h"

namespace proctor::server {
namespace {

class EvaluationServiceImpl final : public v1::EvaluationService::CallbackService {
 public:
  explicit EvaluationServiceImpl(EvaluationServiceParts parts)
      : parts_(parts), trajectories_(*parts.data.trajectories), draws_(parts.data, parts.writes, parts.background) {}

  // Safe to repeat without remembering request ids: the same configuration again is the same evaluator.
  grpc::ServerUnaryReactor* CreateEvaluator(grpc::CallbackServerContext* context,
                                            const v1::CreateEvaluatorRequest* request,
                                            v1::Evaluator* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) {
      return parts_.writes.Store(caller, *request, [&] {
        return Assign(parts_.data.evaluators->Create(call, request->evaluator()), response);
      });
    });
  }

  grpc::ServerUnaryReactor* GetEvaluator(grpc::CallbackServerContext* context,
                                         const v1::GetEvaluatorRequest* request,
                                         v1::Evaluator* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.data.evaluators->Get(call, request->name()), response);
    });
  }

  grpc::ServerUnaryReactor* ListEvaluators(grpc::CallbackServerContext* context,
                                           const v1::ListEvaluatorsRequest*,
                                           v1::ListEvaluatorsResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const auto evaluators, parts_.data.evaluators->List(call));
      for (const v1::Evaluator& evaluator : evaluators) *response->add_evaluators() = evaluator;
      return absl::OkStatus();
    });
  }

  // A verdict's name is derived from what it was made of, so repeating stores nothing twice.
  grpc::ServerUnaryReactor* EvaluateTrajectory(grpc::CallbackServerContext* context,
                                               const v1::EvaluateTrajectoryRequest* request,
                                               v1::Verdict* response) override {
    return UnaryAsync(context, parts_.pool,
                      [=, this, caller = CallerOf(*context)](const CallContext& call, std::function<void(absl::Status)> done) {
                        const auto trajectory = trajectories_.Load(call, request->trajectory());
                        if (!trajectory.ok()) {
                          done(trajectory.status());
                          return;
                        }
                        parts_.judging.Evaluate(call, request->evaluator(), *trajectory,
                                                {.keep = request->dry_run() ? Keep::kDryRun : Keep::kStore, .tenant = caller.tenant},
                                                [response, done = std::move(done)](absl::StatusOr<v1::Verdict> verdict) {
                                                  done(Assign(std::move(verdict), response));
                                                });
                      });
  }

  grpc::ServerUnaryReactor* GetVerdict(grpc::CallbackServerContext* context,
                                       const v1::GetVerdictRequest* request, v1::Verdict* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.data.verdicts->Get(call, request->name()), response);
    });
  }

  grpc::ServerUnaryReactor* ReplayVerdict(grpc::CallbackServerContext* context,
                                          const v1::ReplayVerdictRequest* request, v1::Verdict* response) override {
    return UnaryAsync(context, parts_.pool,
                      [=, this](const CallContext& call, std::function<void(absl::Status)> done) {
                        const auto verdict = parts_.data.verdicts->Get(call, request->name());
                        const auto trajectory = verdict.ok() ? trajectories_.Load(call, verdict->trajectory())
                                                             : absl::StatusOr<JudgedTrajectories::Ptr>(verdict.status());
                        if (!trajectory.ok()) {
                          done(trajectory.status());
                          return;
                        }
                        parts_.judging.Replay(call, *verdict, *trajectory,
                                              [response, done = std::move(done)](absl::StatusOr<v1::Verdict> again) {
                                                done(Assign(std::move(again), response));
                                              });
                      });
  }

  grpc::ServerUnaryReactor* Rescore(grpc::CallbackServerContext* context, const v1::RescoreRequest* request,
                                    v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(CheckRescore(call, *request, *parts_.data.evaluators, parts_.judging));
      return Assign(parts_.writes.StartJob(call, caller, request->request_id(), kRescoreJob, *request), response);
    });
  }

  grpc::ServerUnaryReactor* LabelTrajectory(grpc::CallbackServerContext* context,
                                            const v1::LabelTrajectoryRequest* request, v1::Label* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const v1::Trajectory header,
                               parts_.data.trajectories->GetHeader(call, request->label().trajectory()));
      PROCTOR_RETURN_IF_ERROR(evaluator::CheckClosed(header));
      return parts_.writes.Store(caller, *request, [&] {
        return Assign(parts_.data.labels->Put(call, request->label()), response);
      });
    });
  }

  grpc::ServerUnaryReactor* ListLabels(grpc::CallbackServerContext* context, const v1::ListLabelsRequest* request,
                                       v1::ListLabelsResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.data.labels->List(call, *request), response);
    });
  }

  grpc::ServerUnaryReactor* DrawLabelSample(grpc::CallbackServerContext* context,
                                            const v1::DrawLabelSampleRequest* request,
                                            v1::LabelSample* response) override {
    return UnaryAsync(context, parts_.pool,
                      [=, this, caller = CallerOf(*context)](const CallContext& call, std::function<void(absl::Status)> done) {
                        draws_.Begin(call, caller, *request, [response, done = std::move(done)](absl::StatusOr<v1::LabelSample> sample) {
                          done(Assign(std::move(sample), response));
                        });
                      });
  }

  grpc::ServerUnaryReactor* GetLabelSample(grpc::CallbackServerContext* context,
                                           const v1::GetLabelSampleRequest* request,
                                           v1::LabelSample* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.data.labels->GetSample(call, request->name()), response);
    });
  }

  grpc::ServerUnaryReactor* CalibrateEvaluator(grpc::CallbackServerContext* context,
                                               const v1::CalibrateEvaluatorRequest* request, v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(CheckCalibrate(call, *request, parts_.data));
      return Assign(parts_.writes.StartJob(call, caller, request->request_id(), kCalibrateJob, *request), response);
    });
  }

  grpc::ServerUnaryReactor* CompareTrajectories(grpc::CallbackServerContext* context,
                                                const v1::CompareTrajectoriesRequest* request,
                                                v1::Comparison* response) override {
    return UnaryAsync(context, parts_.pool,
                      [=, this, caller = CallerOf(*context)](const CallContext& call, std::function<void(absl::Status)> done) {
                        if (request->first() == request->second()) {
                          done(absl::InvalidArgumentError("a trajectory cannot be compared with itself"));
                          return;
                        }
                        const auto pair = trajectories_.LoadAll(call, {request->first(), request->second()});
                        if (!pair.ok()) {
                          done(pair.status());
                          return;
                        }
                        parts_.judging.Compare(call,
                                               {.evaluator = request->evaluator(),
                                                .first = pair->front(),
                                                .second = pair->back(),
                                                .tenant = caller.tenant},
                                               [response, done = std::move(done)](absl::StatusOr<v1::Comparison> comparison) {
                                                 done(Assign(std::move(comparison), response));
                                               });
                      });
  }

  grpc::ServerUnaryReactor* Reflect(grpc::CallbackServerContext* context, const v1::ReflectRequest* request,
                                    v1::Reflection* response) override {
    return UnaryAsync(context, parts_.pool,
                      [=, this, caller = CallerOf(*context)](const CallContext& call, std::function<void(absl::Status)> done) {
                        MakeReflection(call, {parts_.data, parts_.judging, trajectories_}, *request, caller.tenant,
                                       [response, done = std::move(done)](absl::StatusOr<v1::Reflection> made) {
                                         done(Assign(std::move(made), response));
                                       });
                      });
  }

  grpc::ServerUnaryReactor* MeasureEvaluator(grpc::CallbackServerContext* context,
                                             const v1::MeasureEvaluatorRequest* request, v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(CheckMeasure(call, *request, parts_.data));
      return Assign(parts_.writes.StartJob(call, caller, request->request_id(), kMeasureJob, *request), response);
    });
  }

  grpc::ServerUnaryReactor* ListVerdicts(grpc::CallbackServerContext* context,
                                         const v1::ListVerdictsRequest* request,
                                         v1::ListVerdictsResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.data.verdicts->List(call, *request), response);
    });
  }

 private:
  const EvaluationServiceParts parts_;
  // Of all calls that judge.
  const JudgedTrajectories trajectories_;
  LabelDraws draws_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEvaluationService(EvaluationServiceParts parts) {
  return std::make_unique<EvaluationServiceImpl>(parts);
}

}  // namespace proctor::server
