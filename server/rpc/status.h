// Statuses on the wire.
#ifndef PROCTOR_SERVER_RPC_STATUS_H_
#define PROCTOR_SERVER_RPC_STATUS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "proctor/v1/environment_service.pb.h"

namespace proctor::server {

// The gRPC status of `status`. A retry delay (common/retry_hint.h) goes along as google.rpc.RetryInfo in the status
// details and, through `context`, as `grpc-retry-pushback-ms` in the trailing metadata.
grpc::Status ToGrpcStatus(const absl::Status& status, grpc::ServerContextBase& context);

// The same inside a message, for streams that go on after an error.
v1::RpcError ToRpcError(const absl::Status& status);

// The call's deadline and id (see observe_calls.h), with a new cancel token. Without a deadline of the client's: 15 minutes, so that every call ends.
CallContext ContextOf(const grpc::ServerContextBase& context);
// The same of a call with this id (StreamCall).
CallContext ContextOf(const grpc::ServerContextBase& context, std::string id);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_STATUS_H_
