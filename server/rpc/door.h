// gRPC's side of the doors: credentials for addresses, and who makes a call.
//
// Every call of every service, reflection included, is checked by CallGuard::Admit when its metadata is there: before its first
// message is read, let alone parsed. One that may begin carries its caller to the method that serves it.
#ifndef PROCTOR_SERVER_RPC_DOOR_H_
#define PROCTOR_SERVER_RPC_DOOR_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "proctor/v1/auth.pb.h"
#include "server/auth/call_guard.h"
#include "server/rpc/connection_peers.h"

namespace proctor::server {

// In plain text. `guard` and `peers`, which is asked where refused calls come from, outlive the server.
std::shared_ptr<grpc::ServerCredentials> PlainCredentials(Entrance entrance, const CallGuard& guard, const ConnectionPeers& peers);

// TLS 1.2 or newer; the files are read again as they change. CheckTlsFiles first: what cannot be read makes handshakes fail.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const v1::TlsConfig& tls, Entrance entrance, const CallGuard& guard,
                                                        const ConnectionPeers& peers);

// Tells methods who calls them, ends streams of callers whose token was withdrawn or has expired when they send their next message,
// takes tokens out of what methods see, and writes the audit log (CallTrail). `guard` and `peers`, which is told where calls come from,
// outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallerInterceptors(const CallGuard& guard, ConnectionPeers& peers);

// Who makes the call. Without the interceptor (a service alone in a test) it is `local`.
Caller CallerOf(const grpc::ServerContextBase& context);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_DOOR_H_
