#include "server/auth/storage_meter.h"

#include <utility>

#include "common/status.h"

namespace proctor::server {

StorageMeter::~StorageMeter() {
  if (taken_ == 0) return;
  accounts_.AddUnnamed(tenant_, taken_);
  accounts_.EndRunning(tenant_, taken_);
}

absl::Status StorageMeter::Take(size_t bytes) {
  PROCTOR_RETURN_IF_ERROR(quotas_.SpendStorage(tenant_, static_cast<int64_t>(bytes)));
  taken_ += static_cast<int64_t>(bytes);
  return absl::OkStatus();
}

void StorageMeter::GiveBack(size_t bytes) {
  taken_ -= static_cast<int64_t>(bytes);
  accounts_.EndRunning(tenant_, static_cast<int64_t>(bytes));
}

void StorageMeter::Settle(const std::string& episode_id, size_t rest) {
  const int64_t taken = std::exchange(taken_, 0);
  accounts_.AddEpisode(tenant_, episode_id, taken + static_cast<int64_t>(rest));
  accounts_.EndRunning(tenant_, taken);
}

void StorageMeter::Keep() {
  const int64_t taken = std::exchange(taken_, 0);
  accounts_.AddKept(tenant_, taken);
  accounts_.EndRunning(tenant_, taken);
}

}  // namespace proctor::server
