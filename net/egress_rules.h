// Which hosts and addresses may be reached: the egress proxy's decisions, without its sockets.
#ifndef PROCTOR_NET_EGRESS_RULES_H_
#define PROCTOR_NET_EGRESS_RULES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::net {

// An IPv4 or IPv6 address. IPv6 forms that carry an IPv4 address (mapped, NAT64, 6to4) are kept as
// they are; the class of an address looks inside them.
struct IpAddress {
  bool is_v4 = true;
  // Network order; the first four for IPv4.
  std::array<uint8_t, 16> bytes{};

  std::string ToString() const;
  bool operator==(const IpAddress&) const = default;
};

// Numeric forms only: dotted, `inet_aton`'s odd spellings ("2130706433", "0x7f.1", "0177.0.0.1",
// "127.1"), and IPv6 with or without brackets. An IPv4-mapped IPv6 address becomes the IPv4
// address. Nothing with a zone ("%eth0").
std::optional<IpAddress> ParseIpAddress(std::string_view text);

enum class AddressClass {
  // Reachable by everybody.
  kPublic,
  // This machine: 127.0.0.0/8, ::1.
  kLoopback,
  // Private, shared, documentation and benchmark ranges, unique local IPv6.
  kPrivate,
  // Unspecified, link-local, cloud metadata, multicast, broadcast, reserved: never reached.
  kForbidden,
};
AddressClass ClassifyAddress(const IpAddress& address);

// "host:port" or "[v6]:port" of CONNECT and of absolute-form targets.
struct Authority {
  // Lower case, without brackets and final dot; a numeric host in canonical spelling.
  std::string host;
  uint16_t port = 0;
  // Set if the host is numeric.
  std::optional<IpAddress> address;
};
// `default_port` 0: the port is required. INVALID_ARGUMENT with the reason; user names and
// passwords are refused.
absl::StatusOr<Authority> ParseAuthority(std::string_view text, uint16_t default_port);

// An entry of EgressPolicy::allowed_hosts.
struct HostPattern {
  // "*.": any number of labels before `host`, at least one.
  bool wildcard = false;
  std::string host;
  std::optional<IpAddress> address;
  // 0: any.
  uint16_t port = 0;
};
// "example.org", "*.example.org", "example.org:8080", "127.0.0.1:8080", "[::1]:80", "::1".
// INVALID_ARGUMENT.
absl::StatusOr<HostPattern> ParseHostPattern(std::string_view text);

// A policy in force. Immutable.
struct EgressRules {
  std::vector<HostPattern> allowed;
  std::vector<HostPattern> also_required;
  bool allow_private = false;
};

// Whether the name may be looked up at all. PERMISSION_DENIED with the reason for people.
absl::Status CheckHost(const EgressRules& rules, const Authority& authority);

// Whether `address`, which `authority` resolved to, may be connected to. `own_address`: it belongs
// to this machine; `own_port`: the authority's port is one of the server's.
absl::Status CheckAddress(const EgressRules& rules, const Authority& authority,
                          const IpAddress& address, bool own_address, bool own_port);

// Addresses of this machine's interfaces now.
std::vector<IpAddress> InterfaceAddresses();

}  // namespace proctor::net

#endif  // PROCTOR_NET_EGRESS_RULES_H_
