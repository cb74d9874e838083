// Tells an observer of every call.
#ifndef PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_
#define PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "server/rpc/call_observer.h"

namespace proctor::server {

// For ServerBuilder::experimental().SetInterceptorCreators. Gives every call its id: of the caller's trace if it sent `traceparent`, else of
// a new trace, sampled with the given probability. `observer` outlives the gRPC server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(CallObserver& observer, double sample_share);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_
