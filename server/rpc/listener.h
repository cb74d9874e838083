// Opens the addresses on which gRPC is served: what stands before every service, and what a connection may ask for.
#ifndef PROCTOR_SERVER_RPC_LISTENER_H_
#define PROCTOR_SERVER_RPC_LISTENER_H_

#include <grpcpp/server.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "proctor/v1/config.pb.h"
#include "server/rpc/health_service.h"
#include "server/rpc/stream_call.h"

namespace proctor::server {

struct Listening {
  // Outlives `server`.
  std::unique_ptr<HealthService> health;
  std::unique_ptr<grpc::Server> server;
  // Of the TCP address; 0 if there is none.
  int port = 0;
};

// Serves `services`, health, reflection and channelz on the configuration's TCP address and unix socket (mode 0600), with its doors and limits.
// The process's umask (0022 or stricter) keeps others from the socket until it has that mode. A socket that a killed server left is taken away.
// What `books` names, and `services`, outlive the server. UNAVAILABLE: an address is taken or not writable, or the socket's path is that of a
// file, or of a socket where somebody listens.
absl::StatusOr<Listening> ListenGrpc(const v1::ServerConfig& config, const CallBooks& books,
                                     const std::vector<std::unique_ptr<grpc::Service>>& services);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_LISTENER_H_
