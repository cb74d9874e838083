#include "server/rpc/connection_peers.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

namespace proctor::server {

// What is held is gRPC's: the library stays.
ConnectionPeers::ConnectionPeers(size_t limit) : limit_(limit) { grpc_init(); }

ConnectionPeers::~ConnectionPeers() {
  for (grpc_auth_context* const connection : held_) grpc_auth_context_release(connection);
  grpc_shutdown();
}

void ConnectionPeers::Note(grpc_call* call, const std::string& peer) {
  grpc_auth_context* const connection = grpc_call_auth_context(call);
  if (connection == nullptr) return;
  grpc_auth_context* not_held = connection;
  {
    MutexLock lock(mutex_);
    if (peers_.emplace(connection, peer).second) {
      not_held = nullptr;
      held_.push_back(connection);
      if (held_.size() > limit_) {
        not_held = held_.front();
        held_.pop_front();
        peers_.erase(not_held);
      }
    }
  }
  if (not_held != nullptr) grpc_auth_context_release(not_held);
}

std::string ConnectionPeers::Find(const grpc_auth_context* connection) const {
  MutexLock lock(mutex_);
  const auto it = peers_.find(connection);
  return it == peers_.end() ? "" : it->second;
}

}  // namespace proctor::server
