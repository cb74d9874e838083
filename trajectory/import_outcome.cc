#include "trajectory/import_outcome.h"

#include "common/strings.h"

namespace proctor::trajectory {
namespace {

// The job's record holds them all.
constexpr size_t kMaxReasonBytes = 500;
constexpr int kMaxListed = 1'000;

}  // namespace

bool EndsImport(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsCancelled(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsInternal(status);
}

std::string FailureReason(const absl::Status& status) {
  return SanitizeUtf8(TruncateUtf8(status.ToString(), kMaxReasonBytes));
}

void AddFailed(const std::string& run, const std::string& reason, v1::ImportTrajectoriesResult& result) {
  result.set_failed_count(result.failed_count() + 1);
  if (result.failed_size() < kMaxListed) result.mutable_failed()->insert({run, reason});
}

void AddName(const std::string& name, v1::ImportTrajectoriesResult& result) {
  if (result.names_size() < kMaxListed) result.add_names(name);
}

}  // namespace proctor::trajectory
