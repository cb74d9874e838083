// When to try again, carried inside a status until server/ puts it on the wire as google.rpc.RetryInfo.
#ifndef PROCTOR_COMMON_RETRY_HINT_H_
#define PROCTOR_COMMON_RETRY_HINT_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace proctor {

// `status` (not OK) with the hint; survives Annotate.
absl::Status WithRetryHint(absl::Status status, absl::Duration delay);

// The hint, if there is one.
std::optional<absl::Duration> RetryHint(const absl::Status& status);

}  // namespace proctor

#endif  // PROCTOR_COMMON_RETRY_HINT_H_
