#include "common/retry_hint.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace proctor {
namespace {

constexpr char kPayload[] = "proctor/retry_delay_ms";

}  // namespace

absl::Status WithRetryHint(absl::Status status, absl::Duration delay) {
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(delay))));
  return status;
}

std::optional<absl::Duration> RetryHint(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  int64_t delay_ms = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &delay_ms)) return std::nullopt;
  return absl::Milliseconds(delay_ms);
}

}  // namespace proctor
