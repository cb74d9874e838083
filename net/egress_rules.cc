#include "net/egress_rules.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::net {
namespace {

struct Range {
  const char* prefix;
  int bits;
  AddressClass kind;
};

// First match counts. Sources: the IANA special-purpose address registries (RFC 6890 and
// successors), and the metadata addresses that cloud providers document.
constexpr Range kRanges[] = {
    {"0.0.0.0", 8, AddressClass::kForbidden},
    {"127.0.0.0", 8, AddressClass::kLoopback},
    {"169.254.0.0", 16, AddressClass::kForbidden},
    {"100.100.100.200", 32, AddressClass::kForbidden},
    {"168.63.129.16", 32, AddressClass::kForbidden},
    {"192.0.0.192", 32, AddressClass::kForbidden},
    {"224.0.0.0", 3, AddressClass::kForbidden},
    {"10.0.0.0", 8, AddressClass::kPrivate},
    {"100.64.0.0", 10, AddressClass::kPrivate},
    {"172.16.0.0", 12, AddressClass::kPrivate},
    {"192.0.0.0", 24, AddressClass::kPrivate},
    {"192.0.2.0", 24, AddressClass::kPrivate},
    {"192.88.99.0", 24, AddressClass::kPrivate},
    {"192.168.0.0", 16, AddressClass::kPrivate},
    {"198.18.0.0", 15, AddressClass::kPrivate},
    {"198.51.100.0", 24, AddressClass::kPrivate},
    {"203.0.113.0", 24, AddressClass::kPrivate},
    {"::1", 128, AddressClass::kLoopback},
    {"::", 128, AddressClass::kForbidden},
    {"fd00:ec2::254", 128, AddressClass::kForbidden},
    {"fd20:ce::254", 128, AddressClass::kForbidden},
    {"fe80::", 10, AddressClass::kForbidden},
    {"ff00::", 8, AddressClass::kForbidden},
    {"fc00::", 7, AddressClass::kPrivate},
    {"fec0::", 10, AddressClass::kPrivate},
    {"64:ff9b:1::", 48, AddressClass::kPrivate},
    {"100::", 64, AddressClass::kPrivate},
    {"2001::", 23, AddressClass::kPrivate},
    {"2001:db8::", 32, AddressClass::kPrivate},
    {"3fff::", 20, AddressClass::kPrivate},
    {"5f00::", 16, AddressClass::kPrivate},
};

// IPv6 forms with an IPv4 address inside, and where it begins.
struct Embedding {
  const char* prefix;
  int bits;
  int offset;
};
constexpr Embedding kEmbeddings[] = {
    {"::ffff:0:0", 96, 12},    // mapped
    {"::ffff:0:0:0", 96, 12},  // translated (SIIT)
    {"64:ff9b::", 96, 12},     // NAT64
    {"2002::", 16, 2},         // 6to4
    {"::", 96, 12},            // compatible, deprecated; after ::1 and ::
};

bool InPrefix(const IpAddress& address, const char* prefix, int bits) {
  IpAddress base;
  base.is_v4 = strchr(prefix, ':') == nullptr;
  if (base.is_v4 != address.is_v4) return false;
  inet_pton(base.is_v4 ? AF_INET : AF_INET6, prefix, base.bytes.data());
  for (int i = 0; i < bits; ++i) {
    const int mask = 0x80 >> (i % 8);
    if ((address.bytes[i / 8] & mask) != (base.bytes[i / 8] & mask)) return false;
  }
  return true;
}

IpAddress EmbeddedV4(const IpAddress& address, int offset) {
  IpAddress inner;
  std::copy_n(address.bytes.begin() + offset, 4, inner.bytes.begin());
  return inner;
}

// Letters, digits, '-', '_', '.'; labels of 1 to 63, 253 in all. Chromium sends names in ASCII
// (punycode).
bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  size_t label = 0;
  for (char c : host) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (absl::ascii_isalnum(c) || c == '-' || c == '_') {
      if (++label > 63) return false;
    } else {
      return false;
    }
  }
  return label > 0;
}

// Splits "host:port"; the port stays empty if there is none.
bool SplitHostPort(std::string_view text, std::string& host, std::string& port) {
  if (!text.empty() && text.front() == '[') {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(0, end + 1);
    text.remove_prefix(end + 1);
    if (text.empty()) return true;
    if (text.front() != ':' || text.size() == 1) return false;
    port = text.substr(1);
    return true;
  }
  const size_t colon = text.find(':');
  host = text.substr(0, colon);
  if (colon == std::string_view::npos) return true;
  port = text.substr(colon + 1);
  return !port.empty();
}

bool ParsePort(const std::string& text, uint16_t& port) {
  uint32_t value = 0;
  const bool digits = std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
  if (!digits || text.size() > 5 || !absl::SimpleAtoi(text, &value) || value == 0 ||
      value > 65535) {
    return false;
  }
  port = static_cast<uint16_t>(value);
  return true;
}

bool IsLocalhostName(const std::string& host) {
  return host == "localhost" || absl::EndsWith(host, ".localhost");
}

bool MatchesName(const HostPattern& pattern, const Authority& authority) {
  if (pattern.port != 0 && pattern.port != authority.port) return false;
  if (pattern.wildcard) {
    return !authority.address.has_value() && authority.host.size() > pattern.host.size() + 1 &&
           absl::EndsWith(authority.host, "." + pattern.host);
  }
  return !pattern.address.has_value() && pattern.host == authority.host;
}

bool MatchesAddress(const HostPattern& pattern, const Authority& authority,
                    const IpAddress& address) {
  if (pattern.port != 0 && pattern.port != authority.port) return false;
  return pattern.address.has_value() && *pattern.address == address;
}

bool Matches(const std::vector<HostPattern>& patterns, const Authority& authority,
             const IpAddress& address) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const HostPattern& pattern) {
    return MatchesName(pattern, authority) || MatchesAddress(pattern, authority, address);
  });
}

// Named without a wildcard: the operator meant this very host, wherever it is.
bool NamedExactly(const std::vector<HostPattern>& patterns, const Authority& authority,
                  const IpAddress& address) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const HostPattern& pattern) {
    return (!pattern.wildcard && MatchesName(pattern, authority)) ||
           MatchesAddress(pattern, authority, address);
  });
}

// As one writes it in allowed_hosts.
std::string PatternFor(const Authority& authority) {
  const bool v6 = authority.address.has_value() && !authority.address->is_v4;
  return absl::StrCat(v6 ? "[" : "", authority.host, v6 ? "]:" : ":", authority.port);
}

absl::Status NotAllowed(const Authority& authority) {
  return absl::PermissionDeniedError(absl::StrCat(
      "host ", PatternFor(authority),
      " is not among the server's allowed hosts (egress.allowed_hosts, proctord --egress-allow): where "
      "any are named, pages reach no others. Name it there too; or name none: then pages reach every "
      "public host, and with egress.allow_private (--egress-allow-private) loopback and private "
      "addresses as well"));
}

absl::Status NotAllowedBySession(const Authority& authority) {
  return absl::PermissionDeniedError(
      absl::StrCat("host ", PatternFor(authority),
                   " is not among the hosts that the session's settings allow (allowed_hosts)"));
}

}  // namespace

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  return text;
}

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  std::string host(text);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string::npos) return std::nullopt;
  }
  if (host.empty() || host.size() > 64) return std::nullopt;
  IpAddress address;
  if (host.find(':') != std::string::npos) {
    address.is_v4 = false;
    if (inet_pton(AF_INET6, host.c_str(), address.bytes.data()) != 1) return std::nullopt;
    if (InPrefix(address, "::ffff:0:0", 96)) return EmbeddedV4(address, 12);
    return address;
  }
  // inet_aton accepts trailing white space and what follows.
  const auto numeric = [](char c) {
    return absl::ascii_isxdigit(c) || c == 'x' || c == 'X' || c == '.';
  };
  if (!std::all_of(host.begin(), host.end(), numeric)) return std::nullopt;
  in_addr v4{};
  if (inet_aton(host.c_str(), &v4) == 0) return std::nullopt;
  memcpy(address.bytes.data(), &v4, 4);
  return address;
}

AddressClass ClassifyAddress(const IpAddress& address) {
  for (const Range& range : kRanges) {
    if (InPrefix(address, range.prefix, range.bits)) return range.kind;
  }
  for (const Embedding& embedding : kEmbeddings) {
    if (InPrefix(address, embedding.prefix, embedding.bits)) {
      return ClassifyAddress(EmbeddedV4(address, embedding.offset));
    }
  }
  return AddressClass::kPublic;
}

absl::StatusOr<Authority> ParseAuthority(std::string_view text, uint16_t default_port) {
  const auto error = [&](const char* reason) {
    return absl::InvalidArgumentError(absl::StrCat("malformed host: ", reason));
  };
  if (text.size() > 300) return error("too long");
  if (text.find('@') != std::string_view::npos) return error("user names are not accepted");
  std::string host;
  std::string port;
  if (!SplitHostPort(text, host, port)) return error("not host:port");
  Authority authority;
  authority.port = default_port;
  if (port.empty() ? default_port == 0 : !ParsePort(port, authority.port)) return error("bad port");
  authority.address = ParseIpAddress(host);
  if (authority.address.has_value()) {
    authority.host = authority.address->ToString();
    return authority;
  }
  if (!host.empty() && host.back() == '.') host.pop_back();
  if (!IsHostName(host)) return error("not a host name or address");
  // "1.2.3.4." and the like: resolvers may read a trailing dot away and find an address.
  if (ParseIpAddress(host).has_value()) return error("an address with a trailing dot");
  authority.host = absl::AsciiStrToLower(host);
  return authority;
}

absl::StatusOr<HostPattern> ParseHostPattern(std::string_view text) {
  HostPattern pattern;
  const std::string quoted = absl::StrCat("host pattern '", ToAbsl(text), "': ");
  std::string_view rest = text;
  if (rest.substr(0, 2) == "*.") {
    pattern.wildcard = true;
    rest.remove_prefix(2);
  }
  // A bare IPv6 address has more than one colon and no port.
  const bool bare_v6 =
      !rest.empty() && rest.front() != '[' && std::count(rest.begin(), rest.end(), ':') > 1;
  const absl::StatusOr<Authority> authority =
      bare_v6 ? ParseAuthority(absl::StrCat("[", ToAbsl(rest), "]"), 1) : ParseAuthority(rest, 1);
  if (!authority.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        quoted, "expected example.org, *.example.org, host:port, 127.0.0.1:port or [::1]:port"));
  }
  if (pattern.wildcard && authority->address.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(quoted, "an address cannot have a wildcard"));
  }
  pattern.host = authority->host;
  pattern.address = authority->address;
  const bool has_port =
      !bare_v6 && !rest.empty() && rest.back() != ']' && rest.find(':') != std::string_view::npos;
  pattern.port = has_port ? authority->port : 0;
  return pattern;
}

absl::Status CheckHost(const EgressRules& rules, const Authority& authority) {
  if (authority.address.has_value()) return absl::OkStatus();
  // Names can only be ruled out before the lookup if no entry is an address they might resolve to.
  const auto hopeless = [&](const std::vector<HostPattern>& patterns) {
    return !patterns.empty() &&
           std::none_of(patterns.begin(), patterns.end(), [&](const HostPattern& pattern) {
             return MatchesName(pattern, authority) ||
                    (pattern.address.has_value() && IsLocalhostName(authority.host));
           });
  };
  if (hopeless(rules.also_required)) return NotAllowedBySession(authority);
  const bool private_anywhere = rules.allow_private;
  if (!private_anywhere && hopeless(rules.allowed)) return NotAllowed(authority);
  return absl::OkStatus();
}

absl::Status CheckAddress(const EgressRules& rules, const Authority& authority,
                          const IpAddress& address, bool own_address, bool own_port) {
  const std::string shown =
      authority.address.has_value()
          ? PatternFor(authority)
          : absl::StrCat(authority.host, ":", authority.port, " (", address.ToString(), ")");
  AddressClass kind = ClassifyAddress(address);
  if (kind == AddressClass::kForbidden) {
    return absl::PermissionDeniedError(
        absl::StrCat(shown,
                     " is never reachable from a browser: link-local, "
                     "metadata, multicast, unspecified or reserved address"));
  }
  // A service of this machine may listen on all its addresses, public ones too.
  if (own_address && kind == AddressClass::kPublic) kind = AddressClass::kPrivate;
  if (own_port && (own_address || kind == AddressClass::kLoopback)) {
    return absl::PermissionDeniedError(
        absl::StrCat(shown, " is a port of the server itself; an episode's practice sites are its own session's alone"));
  }
  if (!rules.also_required.empty() && !Matches(rules.also_required, authority, address)) {
    return NotAllowedBySession(authority);
  }
  if (kind != AddressClass::kPublic) {
    if (rules.allow_private || NamedExactly(rules.allowed, authority, address))
      return absl::OkStatus();
    return absl::PermissionDeniedError(
        absl::StrCat(shown,
                     " is a loopback or private address, which pages reach only if the server lets "
                     "them: egress.allow_private (proctord --egress-allow-private) opens all of these "
                     "besides the public hosts; egress.allowed_hosts (proctord --egress-allow ",
                     PatternFor(authority),
                     ") opens this one, and closes every host that it does not name"));
  }
  if (!rules.allowed.empty() && !Matches(rules.allowed, authority, address))
    return NotAllowed(authority);
  return absl::OkStatus();
}

std::vector<IpAddress> InterfaceAddresses() {
  std::vector<IpAddress> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    IpAddress address;
    if (entry->ifa_addr->sa_family == AF_INET) {
      memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr,
             4);
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      address.is_v4 = false;
      memcpy(address.bytes.data(),
             &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr, 16);
    } else {
      continue;
    }
    addresses.push_back(address);
  }
  freeifaddrs(list);
  return addresses;
}

}  // namespace proctor::net
