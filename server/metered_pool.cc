#include "server/metered_pool.h"

#include <chrono>
#include <utility>

namespace proctor::server {
namespace {

int64_t SteadyNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

MeteredPool::MeteredPool(std::string name, int threads)
    : usage_{.name = name, .threads = threads}, pool_(std::move(name), threads) {}

void MeteredPool::Account(int64_t running_change) {
  const int64_t now = SteadyNanos();
  usage_.busy += absl::Nanoseconds(usage_.running * (now - last_change_nanos_));
  last_change_nanos_ = now;
  usage_.running += running_change;
}

void MeteredPool::Post(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    ++usage_.queued;
  }
  pool_.Post([this, task = std::move(task)]() mutable {
    {
      MutexLock lock(mutex_);
      --usage_.queued;
      Account(1);
    }
    task();
    task = nullptr;  // What it holds dies as part of it.
    MutexLock lock(mutex_);
    Account(-1);
    ++usage_.finished;
  });
}

PoolUsage MeteredPool::Usage() const {
  MutexLock lock(mutex_);
  PoolUsage usage = usage_;
  usage.busy += absl::Nanoseconds(usage.running * (SteadyNanos() - last_change_nanos_));
  return usage;
}

}  // namespace proctor::server
