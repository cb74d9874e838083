// The filtering proxy through which all browser traffic goes (DESIGN: the browser is a hostile guest).
//
// Resolves a name once, checks every address, connects to the checked address: no rebinding. Speaks CONNECT and
// absolute-form HTTP/1.1 (WebSocket upgrades included). A refused request gets 403 with a one-line reason in the body and
// in the `Proctor-Refused` header.
#ifndef PROCTOR_NET_EGRESS_PROXY_H_
#define PROCTOR_NET_EGRESS_PROXY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::net {

// What may be reached. Link-local, metadata, multicast and unspecified addresses and the server's own ports: never.
struct EgressPolicy {
  // "example.org", "*.example.org", "127.0.0.1:8080", "[::1]:80". Empty: every public host.
  std::vector<std::string> allowed_hosts;
  // Loopback and private ranges may be reached even if not named in allowed_hosts.
  bool allow_private = false;
};

// Thread-safe.
class EgressProxy {
 public:
  struct Options {
    int threads = 1;
    // Looked up before the policy: a host that the server itself serves (an episode's practice host), as
    // 127.0.0.1:port; 0: not one of ours. The one way to the server's own ports.
    std::function<uint16_t(const std::string& host)> internal_port;
    // Bytes per second and connection are not limited; connections per listener are.
    int max_connections_per_listener = 256;
  };

  static absl::StatusOr<std::unique_ptr<EgressProxy>> Create(Options options);
  virtual ~EgressProxy() = default;

  // Ports of the server itself (gRPC, practice, metrics, DevTools): refused on every local address.
  virtual void SetOwnPorts(std::vector<uint16_t> ports) = 0;

  // Opens a listener on 127.0.0.1 for one policy; returns its port. Connections from other users of the machine are
  // accepted: the policy is all that it guards.
  virtual absl::StatusOr<uint16_t> Open(EgressPolicy policy) = 0;
  // Closes the listener and its connections.
  virtual void Close(uint16_t port) = 0;
};

}  // namespace proctor::net

#endif  // PROCTOR_NET_EGRESS_PROXY_H_
