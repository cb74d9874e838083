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
    return absl::ResourceExhaustedError(absl::StrCat(held_ + bytes, " bytes or more: the server has ", budget_.bytes_, " for ",
                                                     budget_.purpose_, " (", budget_.setting_, ")"));
  }
  MutexLock lock(budget_.mutex_);
  if (budget_.held_ + bytes > budget_.bytes_) {
    return WithRetryHint(
        absl::ResourceExhaustedError(
            absl::StrCat("the memory for ", budget_.purpose_, " is taken by other calls (", budget_.setting_, "): try again soon")),
        kRetryAfter);
  }
  budget_.held_ += bytes;
  held_ += bytes;
  return absl::OkStatus();
}

void ByteBudget::Share::Remove(int64_t bytes) {
  if (bytes == 0) return;
  held_ -= bytes;
  MutexLock lock(budget_.mutex_);
  budget_.held_ -= bytes;
}

int64_t ByteBudget::held() const {
  MutexLock lock(mutex_);
  return held_;
}

}  // namespace proctor::server
