// gRPC's side of the doors: credentials for addresses, and who makes a call.
//
// Every call of every service, reflection included, is checked by CallGuard::Admit when its metadata is there: before its first
// message is read, let alone parsed. One that may begin carries its caller to the method that serves it.
#ifndef PROCTOR_SERVER_RPC_DOOR_H_
#define PROCTOR_SERVER_RPC_DOOR_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_interceptor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "proctor/v1/auth.pb.h"
#include "server/auth/call_guard.h"
#include "server/auth/call_trail.h"
#include "server/rpc/connection_peers.h"

namespace proctor::server {

// In plain text. `guard` and `peers`, which is asked where refused calls come from, outlive the server.
std::shared_ptr<grpc::ServerCredentials> PlainCredentials(Entrance entrance, const CallGuard& guard, const ConnectionPeers& peers);

// TLS 1.2 or newer; the files are read again as they change. CheckTlsFiles first: what cannot be read makes handshakes fail.
std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const v1::TlsConfig& tls, Entrance entrance, const CallGuard& guard,
                                                        const ConnectionPeers& peers);

// A call that was let in: who makes it, and what it leaves behind (CallTrail). The two directions of a stream may have threads of their own.
class AdmittedCall {
 public:
  using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

  // `path` lives as long as the call; `guard` and `peers`, which is told where calls come from, longer.
  AdmittedCall(const CallGuard& guard, ConnectionPeers& peers, grpc::ServerContextBase& context, std::string_view path, bool streams);

  // Its metadata is there. Breaks the call if its caller is not known any more.
  void Begin(const Metadata& metadata);
  // Nobody before Begin.
  const Caller& caller() const { return caller_; }

  // Messages need not be shown to the trail.
  bool idle() const { return trail_.idle(); }
  // Before each message of the client. UNAUTHENTICATED: its token was withdrawn, has expired or has other scopes since the call began; the
  // message must not be heard, and the call is to be broken (BreakCall).
  absl::Status CheckStillKnown();
  void Received(const google::protobuf::Message& request) { trail_.Received(request); }
  void Sent(const google::protobuf::Message& response) { trail_.Sent(response); }
  void Ended(absl::StatusCode code) { trail_.Ended(code); }

 private:
  // Nobody, if it fails.
  Caller Identified() const;

  const CallGuard& guard_;
  ConnectionPeers& peers_;
  grpc::ServerContextBase& context_;
  const bool streams_;
  CallTrail trail_;
  uint64_t generation_ = 0;
  std::string authorization_;
  Caller caller_{.name = "", .tenant = "", .scopes = {}};
};

// Make AdmittedCalls of all calls but those of StreamCall; tell methods who calls them and take tokens out of what methods see. `guard` and
// `peers` outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallerInterceptors(const CallGuard& guard, ConnectionPeers& peers);

// Who makes the call; of its scopes only those that methods ask for (`propose`, `administer`). Without the interceptor (a service alone in a test) it is `local`.
Caller CallerOf(const grpc::ServerContextBase& context);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_DOOR_H_
