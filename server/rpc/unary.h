// The one way to serve a unary call: gRPC's reaction posts the work to a pool and nothing else. A call for whose request there is no memory
// (see call_memory.h) ends at once.
//
//   grpc::ServerUnaryReactor* GetTask(grpc::CallbackServerContext* context, const v1::GetTaskRequest* request,
//                                     v1::Task* response) override {
//     return Unary(context, pool_, [=, this](const CallContext& call) {
//       return Assign(tasks_.Get(call, request->name()), response);
//     });
//   }
#ifndef PROCTOR_SERVER_RPC_UNARY_H_
#define PROCTOR_SERVER_RPC_UNARY_H_

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"

namespace proctor::server {

// Runs `work` on `pool` and finishes the call with its status. The call's cancellation reaches `work` through its context.
grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, Executor& pool,
                                std::function<absl::Status(const CallContext&)> work);

// For work that goes on without a thread: `start` runs on `pool` and sees to it that `done` is called once, from anywhere.
grpc::ServerUnaryReactor* UnaryAsync(
    grpc::CallbackServerContext* context, Executor& pool,
    std::function<void(const CallContext&, std::function<void(absl::Status)> done)> start);

// For work that ends in one value: assigns it to `*response` or returns its status.
template <typename T>
absl::Status Assign(absl::StatusOr<T> result, T* response) {
  if (!result.ok()) return result.status();
  *response = *std::move(result);
  return absl::OkStatus();
}

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_UNARY_H_
