// A session's door to the egress proxy.
#ifndef PROCTOR_ENV_WEB_PROXY_PORT_H_
#define PROCTOR_ENV_WEB_PROXY_PORT_H_

#include <cstdint>
#include <string>

#include "net/egress_proxy.h"

namespace proctor::env::web {

// A listener of the egress proxy, closed with its last user. Thread-safe.
class ProxyPort {
 public:
  ProxyPort(net::EgressProxy& proxy, uint16_t port) : proxy_(proxy), port_(port) {}
  ~ProxyPort() { proxy_.Close(port_); }
  ProxyPort(const ProxyPort&) = delete;
  ProxyPort& operator=(const ProxyPort&) = delete;

  uint16_t port() const { return port_; }
  std::string address() const;
  // As EgressProxy::mark.
  const std::string& mark() const { return proxy_.mark(); }
  // Why the proxy did not connect to the host of an https:// URL; none: not known.
  net::EgressFailure FailureOf(const std::string& url) const;

 private:
  net::EgressProxy& proxy_;
  const uint16_t port_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_PROXY_PORT_H_
