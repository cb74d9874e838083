// A clock for sessions that nobody can set.
#ifndef PROCTOR_SERVER_ANCHORED_CLOCK_H_
#define PROCTOR_SERVER_ANCHORED_CLOCK_H_

#include <functional>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace proctor::server {

// The wall clock's time as it was at the last Anchor(), plus the time that has really passed since: leases and limits of episodes do not
// see a wall clock that is set. Thread-safe.
class AnchoredClock final : public Clock {
 public:
  // `elapsed` never goes back. `wall` outlives the clock.
  AnchoredClock(Clock& wall, std::function<absl::Duration()> elapsed);
  // Over the machine's clocks.
  static std::function<absl::Duration()> Steady();

  absl::Time Now() const override;

  // Takes the wall clock's time over. While nothing runs that is measured by this clock.
  void Anchor();

 private:
  Clock& wall_;
  const std::function<absl::Duration()> elapsed_;
  mutable Mutex mutex_;
  absl::Time anchor_ ABSL_GUARDED_BY(mutex_);
  absl::Duration anchored_at_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_ANCHORED_CLOCK_H_
