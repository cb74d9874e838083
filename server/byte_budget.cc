#include "server/byte_budget.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/retry_hint.h"

namespace proctor::server {
namespace {

// Long enough for most others to be done with theirs.
constexpr absl::Duration kRetryAfter = absl::Seconds(2);

}  // namespace

absl::Status ByteBudget::Share::Add(int64_t bytes) {
  if (held_ + bytes > budget_.bytes_) {
    return absl::ResourceExhaustedError(absl::StrCat("a blob or trajectory of ", held_ + bytes, " bytes or more: the server has ",
                                                     budget_.bytes_, " for those that come in and go out (connections.blob_memory_bytes)"));
  }
  MutexLock lock(budget_.mutex_);
  if (budget_.held_ + bytes > budget_.bytes_) {
    return WithRetryHint(
        absl::ResourceExhaustedError("the memory for blobs is taken by other recordings, ReadBlobs and GetTrajectories "
                                     "(connections.blob_memory_bytes): try again soon"),
        kRetryAfter);
  }
  budget_.held_ += bytes;
  held_ += bytes;
  return absl::OkStatus();
}

void ByteBudget::Share::Clear() {
  MutexLock lock(budget_.mutex_);
  budget_.held_ -= held_;
  held_ = 0;
}

int64_t ByteBudget::held() const {
  MutexLock lock(mutex_);
  return held_;
}

}  // namespace proctor::server
