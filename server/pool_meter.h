// How busy a pool is.
#ifndef PROCTOR_SERVER_POOL_METER_H_
#define PROCTOR_SERVER_POOL_METER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace proctor::server {

struct PoolUsage {
  std::string name;
  int threads = 0;
  // Tasks that wait for a thread, and that run.
  int64_t queued = 0;
  int64_t running = 0;
  int64_t finished = 0;
  // Thread time spent in tasks so far, those that run included. Its growth over `threads` times the time passed is the busy share.
  absl::Duration busy = absl::ZeroDuration();
};

// Adds up what a pool does. Used under the lock of who has it.
class PoolMeter {
 public:
  PoolMeter(std::string name, int threads) : usage_{.name = std::move(name), .threads = threads} {}

  // So many more (or fewer) tasks wait; run; are over.
  void Queued(int64_t change) { usage_.queued += change; }
  void Running(int64_t change);
  void Finished() { ++usage_.finished; }

  PoolUsage Usage() const;

 private:
  // Busy time up to `now`.
  absl::Duration BusyUntil(int64_t now) const { return usage_.busy + absl::Nanoseconds(usage_.running * (now - last_change_nanos_)); }

  PoolUsage usage_;
  // Of a clock that is never set.
  int64_t last_change_nanos_ = 0;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_POOL_METER_H_
