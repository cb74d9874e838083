#include "env/web/origin.h"

#include <arpa/inet.h>

#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::web {
namespace {

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
}

// Browsers read such a host as an IPv4 address.
bool EndsInNumber(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return absl::StartsWith(ToAbsl(last), "0x") || last.find_first_not_of("0123456789") == std::string_view::npos;
}

absl::StatusOr<std::string> NormalIpv6(const std::string& address) {
  std::array<unsigned char, 16> bytes = {};
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) {
    return absl::InvalidArgumentError("the host is no IPv6 address");
  }
  std::array<char, INET6_ADDRSTRLEN> buffer = {};
  std::string text = inet_ntop(AF_INET6, bytes.data(), buffer.data(), buffer.size());
  // Unlike the C library, browsers write no IPv4 address within one.
  if (text.find('.') != std::string::npos) {
    text.resize(text.rfind(':') + 1);
    absl::StrAppendFormat(&text, "%x:%x", bytes[12] << 8 | bytes[13], bytes[14] << 8 | bytes[15]);
  }
  return absl::StrCat("[", text, "]");
}

absl::StatusOr<std::string> NormalPort(std::string_view text, std::string_view scheme) {
  int port = 0;
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string_view::npos ||
      !absl::SimpleAtoi(ToAbsl(text), &port) || port < 1 || port > 65535) {
    return absl::InvalidArgumentError("the port must be 1 to 65535");
  }
  if (port == (scheme == "https" ? 443 : 80)) return std::string();
  return absl::StrCat(":", port);
}

}  // namespace

absl::StatusOr<std::string> NormalHost(std::string_view host) {
  if (host.empty()) return absl::InvalidArgumentError("there is no host");
  if (host.size() > 253) return absl::InvalidArgumentError("the host is longer than 253 bytes");
  if (host.front() == '[' && host.back() == ']') return NormalIpv6(std::string(host.substr(1, host.size() - 2)));
  std::string name(host);
  for (const char c : name) {
    if (!IsHostCharacter(c)) {
      return absl::InvalidArgumentError("the host must be a name in ASCII (others as xn--...), or an address");
    }
  }
  absl::AsciiStrToLower(&name);
  if (name.front() == '.' || name.find("..") != std::string::npos) {
    return absl::InvalidArgumentError("the host has an empty part");
  }
  in_addr address = {};
  if (EndsInNumber(name) && inet_pton(AF_INET, name.c_str(), &address) != 1) {
    return absl::InvalidArgumentError("the host is no IPv4 address in four decimal numbers");
  }
  return name;
}

bool IsAddress(std::string_view normal_host) {
  return !normal_host.empty() && (normal_host.front() == '[' || EndsInNumber(normal_host));
}

absl::StatusOr<std::string> NormalOrigin(std::string_view url) {
  const size_t end = url.find("://");
  std::string scheme(url.substr(0, end));
  absl::AsciiStrToLower(&scheme);
  if (end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return absl::InvalidArgumentError("an origin starts with http:// or https://");
  }
  std::string_view rest = url.substr(end + 3);
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.find('@') != std::string_view::npos) return absl::InvalidArgumentError("an origin has no user name");
  if (rest.find_first_of("/\\?#") != std::string_view::npos) {
    return absl::InvalidArgumentError("an origin has no path, query or fragment: give http[s]://host[:port]");
  }
  const size_t colon = rest.rfind(':');
  const bool has_port = colon != std::string_view::npos && rest.back() != ']';
  PROCTOR_ASSIGN_OR_RETURN(const std::string host, NormalHost(rest.substr(0, has_port ? colon : rest.size())));
  std::string port;
  if (has_port) {
    PROCTOR_ASSIGN_OR_RETURN(port, NormalPort(rest.substr(colon + 1), scheme));
  }
  return absl::StrCat(scheme, "://", host, port);
}

std::string OriginOfUrl(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  std::string_view authority = url.substr(scheme + 3, url.find_first_of("/\\?#", scheme + 3) - (scheme + 3));
  authority.remove_prefix(authority.rfind('@') + 1);
  return NormalOrigin(absl::StrCat(ToAbsl(url.substr(0, scheme)), "://", ToAbsl(authority))).value_or("");
}

std::string WithoutCredentials(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t begin = scheme + 3;
  const size_t at = url.substr(0, url.find_first_of("/?#", begin)).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(url);
  return absl::StrCat(ToAbsl(url.substr(0, begin)), ToAbsl(url.substr(at + 1)));
}

}  // namespace proctor::env::web
