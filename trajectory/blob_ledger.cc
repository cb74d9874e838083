#include "trajectory/blob_ledger.h"

#include <algorithm>

#include "common/status.h"

namespace proctor::trajectory {

absl::Status BlobLedger::Pin(const CallContext& context, const std::string& digest) {
  MutexLock lock(mutex_);
  const auto is_free = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return !collecting_.contains(digest);
  };
  PROCTOR_RETURN_IF_ERROR(AwaitWithContext(context, mutex_, collected_, is_free, "blob pin"));
  ++pins_[digest];
  return absl::OkStatus();
}

void BlobLedger::Unpin(const std::string& digest) {
  MutexLock lock(mutex_);
  const auto found = pins_.find(digest);
  if (found != pins_.end() && --found->second == 0) pins_.erase(found);
}

void BlobLedger::KeepUntil(const std::string& digest, absl::Time now, absl::Time until) {
  MutexLock lock(mutex_);
  absl::Time& kept = kept_.emplace(digest, until).first->second;
  kept = std::max(kept, until);
  if (kept_.size() < sweep_at_) return;
  std::erase_if(kept_, [now](const auto& entry) { return entry.second <= now; });
  sweep_at_ = std::max(kMinSweep, 2 * kept_.size());
}

size_t BlobLedger::kept() const {
  MutexLock lock(mutex_);
  return kept_.size();
}

bool BlobLedger::BeginCollect(const std::string& digest, absl::Time now) {
  MutexLock lock(mutex_);
  const auto kept = kept_.find(digest);
  if (kept != kept_.end() && kept->second <= now) kept_.erase(kept);
  if (pins_.contains(digest) || kept_.contains(digest)) return false;
  return collecting_.insert(digest).second;
}

void BlobLedger::EndCollect(const std::string& digest) {
  MutexLock lock(mutex_);
  collecting_.erase(digest);
  collected_.SignalAll();
}

}  // namespace proctor::trajectory
