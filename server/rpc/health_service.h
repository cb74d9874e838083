// grpc.health.v1.Health: whether the server serves, for whoever asks.
//
// In place of gRPC's own, as it asks for no token. gRPC reads the request of a unary call or a server stream to its end before it tells anybody of
// the call, however long that takes and whatever the request says of its size: a stranger who stopped within his would hold memory until his
// connection ends. Here both methods are streams for gRPC, which on the wire look the same. So the call is there with its metadata, and its
// request has a time.
#ifndef PROCTOR_SERVER_RPC_HEALTH_SERVICE_H_
#define PROCTOR_SERVER_RPC_HEALTH_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "absl/time/time.h"
#include "common/mutex.h"
#include "server/rpc/call_memory.h"

namespace proctor::server {

// Knows the server as a whole (the service ""); of others Check says NOT_FOUND and Watch SERVICE_UNKNOWN. Thread-safe. Outlives the gRPC server.
class HealthService final : public grpc::Service {
 public:
  // A request is some bytes, and comes with the call's metadata: it has as long as `patience`, and no longer than this.
  static constexpr absl::Duration kRequestTime = absl::Seconds(10);
  // Nobody who calls is known: of more calls at once the oldest ends, RESOURCE_EXHAUSTED, so that a Check is answered whoever else watches.
  static constexpr size_t kMaxCalls = 1000;

  explicit HealthService(const Patience& patience);

  // At first it serves. Whoever watches is told.
  void SetServing(bool serving);

 private:
  class Call;

  // Returns its number.
  uint64_t Enter(Call& call);
  void Watch(Call& call);
  void Forget(Call& call);
  int StatusLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int Status() const;

  const Patience patience_;
  // Before a call's own.
  mutable Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = true;
  uint64_t entered_ ABSL_GUARDED_BY(mutex_) = 0;
  // By number: the oldest is first. Without those that were ended for newer ones.
  std::map<uint64_t, Call*> calls_ ABSL_GUARDED_BY(mutex_);
  std::set<Call*> watching_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_HEALTH_SERVICE_H_
