// When to try again, as part of a status (RESOURCE_EXHAUSTED, UNAVAILABLE).
#ifndef PROCTOR_COMMON_RETRY_DELAY_H_
#define PROCTOR_COMMON_RETRY_DELAY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace proctor {

// `status` with a hint; the server sends it as google.rpc.RetryInfo.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// The hint, if there is one.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

}  // namespace proctor

#endif  // PROCTOR_COMMON_RETRY_DELAY_H_
