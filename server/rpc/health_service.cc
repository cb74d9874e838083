#include "server/rpc/health_service.h"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <optional>

#include "google/protobuf/wrappers.pb.h"

namespace proctor::server {
namespace {

// HealthCheckRequest and HealthCheckResponse byte for byte, whose .proto Debian does not ship: a string and an enum, field 1 of each.
using Request = google::protobuf::StringValue;
using Response = google::protobuf::Int32Value;

// HealthCheckResponse.ServingStatus.
constexpr int kServing = 1;
constexpr int kNotServing = 2;
constexpr int kServiceUnknown = 3;

}  // namespace

// One Check or Watch.
class HealthService::Call final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  enum class Kind { kCheck, kWatch };

  Call(HealthService& health, Kind kind) : health_(health), kind_(kind) {
    timer_ = health_.patience_.timers.RunAfter(std::min(health_.patience_.timeout, kRequestTime), [this] {
      End({grpc::StatusCode::DEADLINE_EXCEEDED, "the request did not come in time (connections.stalled_reader_timeout, at most 10s)"});
    });
    StartRead(&request_);
    number_ = health_.Enter(*this);
  }
  uint64_t number() const { return number_; }

  void MakeRoom() { End({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many health checks at once, of which this is the oldest; ask again"}); }

  // A Watch sends it, if it is another one than before; a Check is answered with it.
  void Tell(int status) {
    MutexLock lock(mutex_);
    status_ = status;
    Advance();
  }

  void OnReadDone(bool ok) override {
    // If it runs just now, its end is waited for: it may have finished the call, which lives until this returns.
    health_.patience_.timers.Cancel(timer_);
    const bool known = request_.value().empty();
    if (!ok) {
      End({grpc::StatusCode::INVALID_ARGUMENT, "there is no request, or none that can be read"});
    } else if (!known && kind_ == Kind::kCheck) {
      End({grpc::StatusCode::NOT_FOUND, "service name unknown"});
    } else if (!known) {
      Tell(kServiceUnknown);
    } else if (kind_ == Kind::kCheck) {
      Tell(health_.Status());
    } else {
      health_.Watch(*this);
    }
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok && !end_) end_ = grpc::Status::CANCELLED;
    Advance();
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    health_.Forget(*this);
    delete this;
  }

 private:
  // The first one counts.
  void End(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (!end_) end_ = status;
    Advance();
  }

  // The call outlives the lock: gRPC is done with it only after the reaction that is here, Forget waits for the service that is, OnReadDone for
  // the timer.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_ || writing_) return;
    if (end_) {
      finished_ = true;
      Finish(*end_);
      return;
    }
    if (status_ == told_) return;
    told_ = status_;
    response_.set_value(status_);
    if (kind_ == Kind::kCheck) {
      finished_ = true;
      StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    } else {
      writing_ = true;
      StartWrite(&response_);
    }
  }

  HealthService& health_;
  const Kind kind_;
  uint64_t number_ = 0;
  uint64_t timer_ = 0;
  Request request_;
  Response response_;  // Of whoever set `writing_` or `finished_`, until it is written.

  Mutex mutex_;
  // 0: nothing to tell, nothing told.
  int status_ ABSL_GUARDED_BY(mutex_) = 0;
  int told_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

HealthService::HealthService(const Patience& patience) : patience_(patience) {
  const auto add = [this](int index, const char* path, Call::Kind kind) {
    AddMethod(new grpc::internal::RpcServiceMethod(path, grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
    MarkMethodCallback(index, new grpc::internal::CallbackBidiHandler<Request, Response>(
                                  [this, kind](grpc::CallbackServerContext*) { return new Call(*this, kind); }));
  };
  add(0, "/grpc.health.v1.Health/Check", Call::Kind::kCheck);
  add(1, "/grpc.health.v1.Health/Watch", Call::Kind::kWatch);
}

void HealthService::SetServing(bool serving) {
  MutexLock lock(mutex_);
  serving_ = serving;
  for (Call* const call : watching_) call->Tell(StatusLocked());
}

uint64_t HealthService::Enter(Call& call) {
  MutexLock lock(mutex_);
  calls_.emplace(++entered_, &call);
  if (calls_.size() > kMaxCalls) {
    calls_.begin()->second->MakeRoom();
    calls_.erase(calls_.begin());
  }
  return entered_;
}

void HealthService::Watch(Call& call) {
  MutexLock lock(mutex_);
  watching_.insert(&call);
  call.Tell(StatusLocked());
}

void HealthService::Forget(Call& call) {
  MutexLock lock(mutex_);
  watching_.erase(&call);
  calls_.erase(call.number());
}

int HealthService::StatusLocked() const { return serving_ ? kServing : kNotServing; }

int HealthService::Status() const {
  MutexLock lock(mutex_);
  return StatusLocked();
}

}  // namespace proctor::server
