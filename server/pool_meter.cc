#include "server/pool_meter.h"

#include <chrono>

namespace proctor::server {
namespace {

int64_t SteadyNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

void PoolMeter::Running(int64_t change) {
  const int64_t now = SteadyNanos();
  usage_.busy = BusyUntil(now);
  last_change_nanos_ = now;
  usage_.running += change;
}

PoolUsage PoolMeter::Usage() const {
  PoolUsage usage = usage_;
  usage.busy = BusyUntil(SteadyNanos());
  return usage;
}

}  // namespace proctor::server
