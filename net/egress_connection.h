// One connection of a browser to the egress proxy. For .cc files of this folder only.
#ifndef PROCTOR_NET_EGRESS_CONNECTION_H_
#define PROCTOR_NET_EGRESS_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "net/asio.h"
#include "net/egress_proxy.h"
#include "net/egress_rules.h"
#include "net/fair_queue.h"

namespace proctor::net {

// What all connections share. Outlives them.
class EgressCore {
 public:
  explicit EgressCore(EgressProxy::Options options)
      : options_(std::move(options)),
        lookups_(std::make_unique<FairQueue>("egress-dns", options_.lookups)) {}

  const EgressProxy::Options& options() const { return options_; }

  // Where a request for `authority` on the listener of that port may be connected to, best first:
  // looked up once, each address checked. PERMISSION_DENIED refused; UNAVAILABLE or
  // DEADLINE_EXCEEDED cannot be looked up.
  asio::awaitable<absl::StatusOr<std::vector<tcp::endpoint>>> Endpoints(uint16_t listener_port,
                                                                        const EgressRules& rules,
                                                                        Authority authority);

  // Waits for lookups under way; drops the others. No coroutine may run any more.
  void Stop();

  void SetOwnPorts(std::vector<uint16_t> ports);
  void AddListener(uint16_t port);
  void RemoveListener(uint16_t port);

 private:
  bool IsOwnPort(uint16_t port) const;
  asio::awaitable<absl::StatusOr<std::vector<IpAddress>>> Lookup(uint16_t listener_port,
                                                                 std::string host);

  const EgressProxy::Options options_;
  mutable Mutex mutex_;
  std::set<uint16_t> own_ports_ ABSL_GUARDED_BY(mutex_);
  std::set<uint16_t> listener_ports_ ABSL_GUARDED_BY(mutex_);
  // By listener: whatever names one session's pages look up, those of the others are found.
  std::unique_ptr<FairQueue> lookups_;
};

// What the connections of one listener share.
struct EgressListener {
  EgressListener(EgressCore& core, EgressRules rules) : core(core), rules(std::move(rules)) {}

  EgressCore& core;
  const EgressRules rules;
  uint16_t port = 0;
  std::atomic<int> connections = 0;
};

// Serves one browser connection to its end. Runs on the socket's executor (a strand). `self` is
// told to close by EgressConnection::Close from any thread.
class EgressConnection : public std::enable_shared_from_this<EgressConnection> {
 public:
  static std::shared_ptr<EgressConnection> Make(std::shared_ptr<EgressListener> listener,
                                                tcp::socket socket);
  virtual ~EgressConnection() = default;
  // Begins; the object lives until its coroutines have ended.
  virtual void Start() = 0;
  // Ends it soon. Any thread.
  virtual void Close() = 0;
};

}  // namespace proctor::net

#endif  // PROCTOR_NET_EGRESS_CONNECTION_H_
