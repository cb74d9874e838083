// Connections of sockets, under deadlines.
#ifndef PROCTOR_NET_DIAL_H_
#define PROCTOR_NET_DIAL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::net {

// A TCP connection, for the caller to close: non-blocking, closed on exec, nothing small waits for what was sent before (TCP_NODELAY).
// `host`: a name, or a numeric address without brackets; its addresses are tried one after another, within one deadline. UNAVAILABLE: no
// such host, or nobody listens there; DEADLINE_EXCEEDED and CANCELLED from `context`; RESOURCE_EXHAUSTED: no descriptor or thread for it.
absl::StatusOr<int> Dial(const CallContext& context, const std::string& host, uint16_t port);
// The same to a unix socket. INVALID_ARGUMENT: the path is too long for one.
absl::StatusOr<int> DialUnix(const CallContext& context, const std::string& path);

// Waits until `fd` is ready for `events` (poll's). DEADLINE_EXCEEDED, CANCELLED: "what: ...".
absl::Status PollWithContext(const CallContext& context, int fd, short events, std::string_view what);

}  // namespace proctor::net

#endif  // PROCTOR_NET_DIAL_H_
