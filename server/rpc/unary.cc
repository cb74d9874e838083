#include "server/rpc/unary.h"

#include <string>
#include <utility>

#include "common/log_request.h"
#include "server/rpc/call_memory.h"
#include "server/rpc/call_observer.h"
#include "server/rpc/status.h"

namespace proctor::server {
namespace {

// Lives from the call's start to OnDone, which comes after Finish.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  explicit UnaryCall(grpc::CallbackServerContext& context)
      : server_context_(context), call_(ContextOf(context)) {}

  const CallContext& call() const { return call_; }
  // True: there is no memory for the request, and the call was told so.
  bool EndWithoutMemory() {
    const absl::Status held = CheckMemory(server_context_);
    if (!held.ok()) Complete(held);
    return !held.ok();
  }
  void Complete(const absl::Status& status) {
    // What to look for in the log.
    if (!status.ok()) server_context_.AddTrailingMetadata(kRequestIdMetadata, call_.request_id());
    Finish(ToGrpcStatus(status, server_context_));
  }

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
  if (reactor->EndWithoutMemory()) return reactor;
  pool.Post([reactor, work = std::move(work)] {
    // Copied: the reactor may be gone before the scope ends.
    const std::string id = reactor->call().request_id();
    const LogRequest log(id);
    reactor->Complete(work(reactor->call()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* UnaryAsync(
    grpc::CallbackServerContext* context, Executor& pool,
    std::function<void(const CallContext&, std::function<void(absl::Status)> done)> start) {
  auto* const reactor = new UnaryCall(*context);
  if (reactor->EndWithoutMemory()) return reactor;
  pool.Post([reactor, start = std::move(start)] {
    const std::string id = reactor->call().request_id();
    const LogRequest log(id);
    start(reactor->call(), [reactor](const absl::Status& status) { reactor->Complete(status); });
  });
  return reactor;
}

}  // namespace proctor::server
