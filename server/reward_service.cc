#include "server/reward_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/serial_executor.h"
#include "common/status.h"
#include "env/request_checks.h"
#include "proctor/v1/reward_service.grpc.pb.h"
#include "reward/reward_polls.h"
#include "server/rpc/door.h"
#include "server/rpc/stream.h"
#include "server/rpc/unary.h"

namespace proctor::server {
namespace {

using Writer = StreamWriter<v1::StreamRewardsResponse>;

// Moves records from a subscription to the stream. One batch is on its way at a time: the next is taken when it went out.
class RewardStream final : public StreamHandler<v1::StreamRewardsRequest, v1::StreamRewardsResponse> {
 public:
  RewardStream(reward::SubscriptionHub& hub, Executor& pool) : hub_(hub), pool_(pool) {}

  void OnOpen(std::shared_ptr<Writer> writer) override {
    pump_ = std::make_shared<Pump>(pool_);
    pump_->writer = std::move(writer);
  }

  void OnMessage(v1::StreamRewardsRequest request) override {
    pump_->writer->Release();
    if (subscription_ == nullptr) {
      if (request.consumer().empty()) {
        pump_->writer->Finish(absl::InvalidArgumentError("the first request must name the consumer"));
        return;
      }
      // `on_ready` may run after this handler has gone: it owns the pump and holds the subscription weakly.
      subscription_ = hub_.Open(request.consumer(), [pump = pump_] { Post(pump); });
      pump_->serial.Post([pump = pump_, weak = std::weak_ptr(subscription_)] {
        pump->subscription = weak;
        Run(*pump);
      });
    } else if (!request.consumer().empty()) {
      pump_->writer->Finish(absl::InvalidArgumentError("only the first request names the consumer"));
      return;
    }
    if (request.credits() != 0) subscription_->AddCredits(request.credits());
    if (request.ack_offset() != 0) subscription_->Ack(request.ack_offset());
  }

  void OnHalfClose() override {
    if (subscription_ == nullptr) {
      pump_->writer->Finish(absl::OkStatus());
    } else {
      // What the client acknowledged last may not be stored yet: the pump finishes once it is.
      subscription_->Finish();
    }
  }

  bool wants_drained() const override { return true; }
  void OnDrained() override {
    pump_->serial.Post([pump = pump_] {
      pump->writing = false;
      Run(*pump);
    });
  }

  void OnClosed() override {
    if (subscription_ != nullptr) subscription_->Close();
  }

 private:
  struct Pump {
    explicit Pump(Executor& pool) : serial(pool) {}
    SerialExecutor serial;
    std::shared_ptr<Writer> writer;
    // The rest on `serial` only.
    std::weak_ptr<reward::Subscription> subscription;
    bool writing = false;
  };

  static void Post(const std::shared_ptr<Pump>& pump) {
    pump->serial.Post([pump] { Run(*pump); });
  }

  static void Run(Pump& pump) {
    const auto subscription = pump.subscription.lock();
    if (subscription == nullptr || pump.writing) return;
    if (auto response = subscription->Next()) {
      pump.writing = true;
      pump.writer->Write(*std::move(response));
    } else if (const auto end = subscription->ended()) {
      pump.writer->Finish(*end);
    }
  }

  reward::SubscriptionHub& hub_;
  Executor& pool_;
  std::shared_ptr<Pump> pump_;
  std::shared_ptr<reward::Subscription> subscription_;
};

// As episodes' policies are checked: no other could be a member.
absl::Status CheckPolicyOf(const v1::Group& group) {
  v1::PolicyRef policy;
  policy.set_policy(group.policy());
  policy.set_version(group.policy_version());
  return env::CheckPolicy(policy);
}

class RewardServiceImpl final : public v1::RewardService::CallbackService {
 public:
  explicit RewardServiceImpl(RewardServiceParts parts) : parts_(std::move(parts)), polls_(parts_.log, parts_.timers) {}

  grpc::ServerUnaryReactor* CreateGroup(grpc::CallbackServerContext* context,
                                        const v1::CreateGroupRequest* request, v1::Group* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(CheckPolicyOf(request->group()));
      PROCTOR_ASSIGN_OR_RETURN(const v1::Task task, parts_.tasks.GetTask(call, request->group().task()));
      v1::Group group = request->group();
      // A retry makes the same name, and so finds the same group.
      PROCTOR_ASSIGN_OR_RETURN(const std::string id, TenantRequestId(caller.tenant, request->request_id()));
      group.set_name(id.empty() ? "" : ResourceName("groups", absl::StrCat("r", Sha256Hex(id).substr(0, 32))));
      const reward::GroupTask of{task.split(), task.environment()};
      return parts_.writes.Store(caller, *request, [&] { return Assign(parts_.groups.Create(call, group, of), response); });
    });
  }

  grpc::ServerUnaryReactor* GetGroup(grpc::CallbackServerContext* context, const v1::GetGroupRequest* request,
                                     v1::Group* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.groups.Get(call, request->name()), response);
    });
  }

  grpc::ServerUnaryReactor* CreateConsumer(grpc::CallbackServerContext* context,
                                           const v1::CreateConsumerRequest* request,
                                           v1::Consumer* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) {
      return parts_.writes.Store(caller, *request, [&] { return Assign(parts_.consumers.Create(call, *request), response); });
    });
  }

  grpc::ServerUnaryReactor* SeekConsumer(grpc::CallbackServerContext* context,
                                         const v1::SeekConsumerRequest* request,
                                         v1::Consumer* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.consumers.Seek(call, *request), response);
    });
  }

  grpc::ServerUnaryReactor* ListConsumers(grpc::CallbackServerContext* context, const v1::ListConsumersRequest*,
                                          v1::ListConsumersResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const auto consumers, parts_.consumers.List(call));
      for (const v1::Consumer& consumer : consumers) *response->add_consumers() = consumer;
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* DeleteConsumer(grpc::CallbackServerContext* context,
                                           const v1::DeleteConsumerRequest* request,
                                           v1::DeleteConsumerResponse*) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return parts_.consumers.Delete(call, request->name());
    });
  }

  grpc::ServerBidiReactor<v1::StreamRewardsRequest, v1::StreamRewardsResponse>* StreamRewards(
      grpc::CallbackServerContext* context) override {
    return ServeBidi<v1::StreamRewardsRequest, v1::StreamRewardsResponse>(
        context, parts_.pool, std::make_unique<StreamCall>(parts_.books, *context, kStreamRewardsPath),
        std::make_unique<RewardStream>(parts_.subscriptions, parts_.pool));
  }

  grpc::ServerUnaryReactor* ListRewards(grpc::CallbackServerContext* context,
                                        const v1::ListRewardsRequest* request,
                                        v1::ListRewardsResponse* response) override {
    const bool waits = FromProto(request->max_wait()) > absl::ZeroDuration();
    Executor& pool = waits ? parts_.polling_pool : parts_.pool;
    return UnaryAsync(context, pool, [=, this, &pool](const CallContext& call, std::function<void(absl::Status)> done) {
      polls_.Begin(call, *request, pool,
                   [=, this, done = std::move(done)](absl::StatusOr<v1::ListRewardsResponse> listed) {
                     absl::Status status = Assign(std::move(listed), response);
                     if (status.ok() && request->filter().include_payload()) status = AddPayloads(call, *response);
                     done(status);
                   });
    });
  }

 private:
  absl::Status AddPayloads(const CallContext& call, v1::ListRewardsResponse& response) const {
    if (response.records().empty()) return absl::OkStatus();
    PROCTOR_ASSIGN_OR_RETURN(const reward::PayloadsLeftOut left_out,
                             reward::AddPayloads(call, parts_.load_payload, *response.mutable_records()));
    if (left_out.cut) response.set_next_after_offset(response.records().rbegin()->offset());
    response.mutable_payloads_omitted()->Assign(left_out.omitted.begin(), left_out.omitted.end());
    return absl::OkStatus();
  }

  const RewardServiceParts parts_;
  reward::RewardPolls polls_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRewardService(RewardServiceParts parts) {
  return std::make_unique<RewardServiceImpl>(std::move(parts));
}

}  // namespace proctor::server
