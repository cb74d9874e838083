// Whose connection is whose.
#ifndef PROCTOR_SERVER_RPC_CONNECTION_PEERS_H_
#define PROCTOR_SERVER_RPC_CONNECTION_PEERS_H_

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>

#include "common/mutex.h"

struct grpc_auth_context;
struct grpc_call;

namespace proctor::server {

// gRPC tells a client's address only of calls that it serves. To whoever decides whether one may begin it shows no more than the
// connection, as its authentication context, which all calls of a connection share. So the address of a refused call is known once
// another one of its connection was let in, and not before. Thread-safe. Costs a lock and a look-up a call.
class ConnectionPeers {
 public:
  // The last `limit` connections are remembered, closed or not.
  explicit ConnectionPeers(size_t limit = 4096);
  ~ConnectionPeers();
  ConnectionPeers(const ConnectionPeers&) = delete;
  ConnectionPeers& operator=(const ConnectionPeers&) = delete;

  // A call that was let in comes from `peer` ("ipv4:10.0.0.7:38416").
  void Note(grpc_call* call, const std::string& peer);
  // Empty: no call of the connection was let in so far, or it was long ago.
  std::string Find(const grpc_auth_context* connection) const;

 private:
  const size_t limit_;
  mutable Mutex mutex_;
  // Each is held, so that none becomes another connection's while it is noted.
  std::unordered_map<const grpc_auth_context*, std::string> peers_ ABSL_GUARDED_BY(mutex_);
  // Oldest first.
  std::deque<grpc_auth_context*> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_CONNECTION_PEERS_H_
