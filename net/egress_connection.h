// One connection of a browser to the egress proxy. For .cc files of this folder only.
#ifndef PROCTOR_NET_EGRESS_CONNECTION_H_
#define PROCTOR_NET_EGRESS_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/ids.h"
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
        mark_(RandomHex(16)),
        lookups_(std::make_unique<FairQueue>("egress-dns", options_.lookups)) {}

  const EgressProxy::Options& options() const { return options_; }
  const std::string& mark() const { return mark_; }

  // Where a request for `authority` on the listener of that port may be connected to, best first:
  // looked up once, each address checked. PERMISSION_DENIED refused; UNAVAILABLE or
  // DEADLINE_EXCEEDED cannot be looked up; RESOURCE_EXHAUSTED too much is looked up for this listener.
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
  const std::string mark_;
  mutable Mutex mutex_;
  std::set<uint16_t> own_ports_ ABSL_GUARDED_BY(mutex_);
  std::set<uint16_t> listener_ports_ ABSL_GUARDED_BY(mutex_);
  // By listener: whatever names one session's pages look up, those of the others are found.
  std::unique_ptr<FairQueue> lookups_;
};

// Why hosts could not be had lately, the last failure of each. Thread-safe, bounded.
class EgressFailures {
 public:
  void Add(const std::string& host_port, EgressFailure failure);
  // It was reached.
  void Remove(const std::string& host_port);
  EgressFailure Find(const std::string& host_port) const;

 private:
  mutable Mutex mutex_;
  // The oldest first.
  std::deque<std::pair<std::string, EgressFailure>> failures_ ABSL_GUARDED_BY(mutex_);
};

// What the connections of one listener share.
struct EgressListener {
  EgressListener(EgressCore& core, EgressRules rules) : core(core), rules(std::move(rules)) {}

  EgressCore& core;
  const EgressRules rules;
  uint16_t port = 0;
  std::atomic<int> connections = 0;
  EgressFailures failures;
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
