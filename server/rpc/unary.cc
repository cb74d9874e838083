#include "server/rpc/unary.h"

#include <utility>

#include "server/rpc/status.h"

namespace proctor::server {
namespace {

// Lives from the call's start to OnDone, which comes after Finish.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  explicit UnaryCall(grpc::CallbackServerContext& context)
      : server_context_(context), call_(ContextOf(context)) {}

  const CallContext& call() const { return call_; }
  void Complete(const absl::Status& status) { Finish(ToGrpcStatus(status, server_context_)); }

  void OnCancel() override { call_.cancel()->Cancel(); }
  void OnDone() override { delete this; }

 private:
  grpc::CallbackServerContext& server_context_;
  const CallContext call_;
};

}  // namespace

grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, Executor& pool,
                                std::function<absl::Status(const CallContext&)> work) {
  auto* const reactor = new UnaryCall(*context);
  pool.Post([reactor, work = std::move(work)] { reactor->Complete(work(reactor->call())); });
  return reactor;
}

grpc::ServerUnaryReactor* UnaryAsync(
    grpc::CallbackServerContext* context, Executor& pool,
    std::function<void(const CallContext&, std::function<void(absl::Status)> done)> start) {
  auto* const reactor = new UnaryCall(*context);
  pool.Post([reactor, start = std::move(start)] {
    start(reactor->call(), [reactor](const absl::Status& status) { reactor->Complete(status); });
  });
  return reactor;
}

}  // namespace proctor::server
