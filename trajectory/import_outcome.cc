#include "trajectory/import_outcome.h"

#include "common/strings.h"

namespace proctor::trajectory {
namespace {

// The job's record holds them all.
constexpr size_t kMaxReasonBytes = 500;

}  // namespace

bool EndsImport(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsCancelled(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsInternal(status);
}

std::string FailureReason(const absl::Status& status) {
  return SanitizeUtf8(TruncateUtf8(status.ToString(), kMaxReasonBytes));
}

}  // namespace proctor::trajectory
