#include "env/web/proxy_port.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proctor::env::web {

std::string ProxyPort::address() const { return absl::StrCat("127.0.0.1:", port_); }

net::EgressFailure ProxyPort::FailureOf(const std::string& url) const {
  static constexpr char kScheme[] = "https://";
  if (!absl::StartsWith(url, kScheme)) return {};
  const size_t begin = sizeof(kScheme) - 1;
  std::string authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  authority.erase(0, authority.rfind('@') + 1);
  // A colon before the bracket's end is one of an IPv6 address.
  const bool has_port = authority.find(':', authority.find(']') + 1) != std::string::npos;
  return proxy_.FailureOf(port_, has_port ? authority : absl::StrCat(authority, ":443"));
}

}  // namespace proctor::env::web
