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

// Of a unary call: its id (see observe_calls.h) and a new cancel token. The deadline is the client's, but at most 15 minutes from now, so that
// every call ends.
CallContext ContextOf(const grpc::ServerContextBase& context);

// Of a stream, which goes on for as long as its client likes: the deadline is the client's, none if it set none. What blocks takes a Child of
// it, so that it ends.
CallContext StreamContextOf(const grpc::ServerContextBase& context);
// The same of a call with this id (StreamCall).
CallContext StreamContextOf(const grpc::ServerContextBase& context, std::string id);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_STATUS_H_
