// Machines by name.
#ifndef PROCTOR_NET_LOOKUP_H_
#define PROCTOR_NET_LOOKUP_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::net {

// The numeric addresses of a host, in the order in which they should be tried, by the system's resolver; blocks for as long as that takes.
// UNAVAILABLE: it knows none.
absl::StatusOr<std::vector<std::string>> SystemResolve(const std::string& host);

// The same, for who has a deadline: DEADLINE_EXCEEDED and CANCELLED from `context`; RESOURCE_EXHAUSTED: no thread for it. A thread a call, which
// outlives it where the resolver does; none for what is numeric already.
absl::StatusOr<std::vector<std::string>> Lookup(const CallContext& context, const std::string& host);

}  // namespace proctor::net

#endif  // PROCTOR_NET_LOOKUP_H_
