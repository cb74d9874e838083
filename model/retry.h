// When to send a request again.
#ifndef PROCTOR_MODEL_RETRY_H_
#define PROCTOR_MODEL_RETRY_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace proctor::model {

// Names in lower case, as net::FetchReply has them.
using Headers = std::vector<std::pair<std::string, std::string>>;

// How long the server asks to wait, 0 to 24 hours. In this order: `retry-after-ms`, unless it is 0; `retry-after`
// (seconds or an HTTP date); the body: Google's RetryInfo, "try again in 1.5s", "retry after 20 seconds"; the reset of
// a rate limit of which nothing remains
// (`x-ratelimit-reset-*`: durations such as "1m13.5s"; `anthropic-ratelimit-*-reset`: times).
std::optional<absl::Duration> AskedDelay(const Headers& headers, std::string_view body, absl::Time now);

// The wait before attempt `attempt` + 1 (the first is 1) where the server asks for none: 0.5 s, doubled each time, at
// most 30 s, of which `jitter` (0 to 1) decides the upper half.
absl::Duration BackOff(int attempt, double jitter);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_RETRY_H_
