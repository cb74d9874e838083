// Memory of calls that gRPC does not count.
//
// Its own limit (grpc::ResourceQuota) counts a request until it is parsed, and no answer. Parsed requests wait for a thread of a pool, and
// answers for clients that read slowly: both are counted here, in a budget of all calls together, from before the call waits until gRPC is
// done with it.
#ifndef PROCTOR_SERVER_RPC_CALL_MEMORY_H_
#define PROCTOR_SERVER_RPC_CALL_MEMORY_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_interceptor.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/executor.h"
#include "google/protobuf/message.h"
#include "server/byte_budget.h"

namespace proctor::server {

// How long a client may take nothing of what is written to it.
struct Patience {
  TimerQueue& timers;
  absl::Duration timeout;

  // For a message of so many bytes: once more for each 16 MiB, which a slow client takes piece by piece.
  absl::Duration For(size_t bytes) const { return timeout * (1 + static_cast<double>(bytes) / (16 << 20)); }
};

// What a parsed message takes: much more than its bytes on the wire where it has very many small fields.
int64_t MemoryOf(const google::protobuf::Message& message);

// Counts requests and large answers of unary calls, and requests of server streams; what they refer to outlives the server. A request that does
// not fit is for CheckMemory to tell. An answer that does not fit is not sent, RESOURCE_EXHAUSTED is; one that its client does not take in time
// is dropped, UNAVAILABLE. Goes before interceptors that look at a call's status.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> CountMemory(ByteBudget& budget, const Patience& patience);

// Whether there is memory for the call's request: OK, or the RESOURCE_EXHAUSTED that the call ends with, at once. OK without the interceptor.
absl::Status CheckMemory(const grpc::ServerContextBase& context);

// Ends a call at once: its client learns the status, and what is on its way to it is dropped. Before OnDone only.
void BreakCall(grpc::ServerContextBase& context, const absl::Status& status);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_CALL_MEMORY_H_
