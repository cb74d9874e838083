// The filtering proxy through which all browser traffic goes (DESIGN: the browser is a hostile
// guest).
//
// Resolves a name once, checks every address, connects to the checked address: no rebinding. Speaks
// CONNECT and absolute-form HTTP/1.1 (WebSocket upgrades included). A refused request gets 403; one
// whose host cannot be reached 502 or 504; a malformed or ambiguous one 400; one too many of a
// listener's connections or lookups 503. All of these have a one-line reason in the body, and in a header that no server
// can send (kEgressFailureHeader).
#ifndef PROCTOR_NET_EGRESS_PROXY_H_
#define PROCTOR_NET_EGRESS_PROXY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "net/fair_queue.h"

namespace proctor::net {

// What may be reached. Link-local, metadata, multicast and unspecified addresses and the server's
// own ports: never. Odd spellings of addresses (decimal, octal, hex, short) and IPv6 forms that
// carry an IPv4 address are seen through.
struct EgressPolicy {
  // "example.org", "*.example.org" (subdomains only), "127.0.0.1:8080", "[::1]:80"; without a port:
  // any port. Empty: every public host. Loopback and private addresses need an entry without a
  // wildcard: whoever runs the DNS of a wildcard's domain could point it inside.
  std::vector<std::string> allowed_hosts;
  // Loopback and private ranges may be reached even if not named in allowed_hosts.
  bool allow_private = false;
  // If not empty, the host must match here too. Grants nothing: a session narrows its server's
  // policy with it.
  std::vector<std::string> narrowed_to;
};

// Marks a reply as the proxy's own: `EgressProxy::mark()`, a space, and the reason. Taken out of every
// reply that passes through; what comes through a tunnel (https) the proxy does not see, so that it
// means something only in answer to an http:// URL.
inline constexpr char kEgressFailureHeader[] = "Proctor-Egress-Failure";

// Why something could not be had.
struct EgressFailure {
  // For people. Empty: there was no failure.
  std::string reason;
  // What the proxy answered with, see above; 0: there was no failure.
  int status = 0;

  // Whose fault: the host's or the network's, and not the policy's, the request's or the listener's own.
  static bool IsUnreachable(int status) { return status == 502 || status == 504; }
};

// INVALID_ARGUMENT if `pattern` cannot be an entry of allowed_hosts.
absl::Status CheckHostPattern(const std::string& pattern);

// Thread-safe.
class EgressProxy {
 public:
  // Numeric addresses of a host name. Blocks; called on threads of the proxy's own.
  using Resolver = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& host)>;

  struct Options {
    int threads = 1;
    // Looked up before the policy: a host that the server itself serves for the listener of that port
    // (a practice host of its session's episode), as 127.0.0.1:port, whatever port the URL names; 0:
    // not one of that listener's, and the policy decides. The one way to the server's own ports.
    // `host` is in lower case, without port. Called on I/O threads: quick.
    std::function<uint16_t(uint16_t listener_port, const std::string& host)> internal_port;
    // Told of every refused or failed request, for the session's notices. Called on I/O threads:
    // quick.
    std::function<void(uint16_t listener_port, const std::string& host_port,
                       const std::string& reason)>
        on_refused;
    // Bytes per second and connection are not limited; connections per listener are.
    int max_connections_per_listener = 256;
    // Default: the system's. `localhost` and `*.localhost` are loopback without asking it.
    Resolver resolver;
    // Its calls: each listener has its share of them.
    FairQueue::Options lookups;
    // From one request's end to the next one's header, and for the header itself.
    absl::Duration request_timeout = absl::Seconds(60);
    // Looking a name up, and connecting to each of its addresses.
    absl::Duration connect_timeout = absl::Seconds(15);
    // Without a byte while a request or reply is under way.
    absl::Duration transfer_timeout = absl::Minutes(2);
    // Without a byte in either direction of a CONNECT or WebSocket tunnel.
    absl::Duration tunnel_idle_timeout = absl::Minutes(10);
  };

  static absl::StatusOr<std::unique_ptr<EgressProxy>> Create(Options options);
  // Closes everything. Waits for name lookups under way (bounded by the system's resolver).
  virtual ~EgressProxy() = default;

  // Ports of the server itself (gRPC, practice, metrics, DevTools): refused on every local address,
  // like the proxy's own. Replaces the list.
  virtual void SetOwnPorts(std::vector<uint16_t> ports) = 0;

  // Opens a listener on 127.0.0.1 for one policy; returns its port. Connections from other users of
  // the machine are accepted: the policy is all that it guards. INVALID_ARGUMENT: a malformed
  // entry. UNAVAILABLE: no socket.
  virtual absl::StatusOr<uint16_t> Open(EgressPolicy policy) = 0;
  // Closes the listener and its connections, soon after return. Unknown ports are ignored.
  virtual void Close(uint16_t port) = 0;

  // 32 hex digits from the operating system, of this proxy alone.
  virtual const std::string& mark() const = 0;
  // Why the listener's last connection to `host_port` ("example.org:443", "[::1]:443") was refused or
  // failed: browsers do not show the reply to a failed CONNECT. None: it did not fail, or that was
  // 64 failing hosts ago.
  virtual EgressFailure FailureOf(uint16_t port, const std::string& host_port) const = 0;
};

}  // namespace proctor::net

#endif  // PROCTOR_NET_EGRESS_PROXY_H_
