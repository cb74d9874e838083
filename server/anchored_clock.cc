#include "server/anchored_clock.h"

#include <chrono>
#include <utility>

namespace proctor::server {

AnchoredClock::AnchoredClock(Clock& wall, std::function<absl::Duration()> elapsed) : wall_(wall), elapsed_(std::move(elapsed)) {
  Anchor();
}

std::function<absl::Duration()> AnchoredClock::Steady() {
  return [] { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); };
}

absl::Time AnchoredClock::Now() const {
  MutexLock lock(mutex_);
  return anchor_ + (elapsed_() - anchored_at_);
}

void AnchoredClock::Anchor() {
  MutexLock lock(mutex_);
  anchor_ = wall_.Now();
  anchored_at_ = elapsed_();
}

}  // namespace proctor::server
