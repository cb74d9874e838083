// Hosts and origins as browsers write them, so that what a client wrote can be compared with what a browser says.
#ifndef PROCTOR_ENV_WEB_ORIGIN_H_
#define PROCTOR_ENV_WEB_ORIGIN_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace proctor::env::web {

// A name in lower case, an IPv4 address, or an IPv6 address in brackets. INVALID_ARGUMENT for anything else: ports, spaces,
// letters outside of ASCII, addresses that are abbreviated. Messages do not repeat the text.
absl::StatusOr<std::string> NormalHost(std::string_view host);

bool IsAddress(std::string_view normal_host);

// Scheme and host in lower case, the port unless it is the scheme's own. INVALID_ARGUMENT for anything but
// `http[s]://host[:port]`, maybe with one slash behind it: paths, queries, user names. Messages do not repeat the text.
absl::StatusOr<std::string> NormalOrigin(std::string_view url);

// The normal origin of an http(s) URL, whatever user name, path, query and fragment it has; empty for one that has none.
std::string OriginOfUrl(std::string_view url);

// The URL without user name and password.
std::string WithoutCredentials(std::string_view url);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_ORIGIN_H_
