// Tells an observer of every call.
#ifndef PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_
#define PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "server/rpc/call_observer.h"

namespace proctor::server {

// For ServerBuilder::experimental().SetInterceptorCreators. `observer` outlives the gRPC server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(CallObserver& observer);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_OBSERVE_CALLS_H_
