#include "server/metered_pool.h"

#include <utility>

namespace proctor::server {

MeteredPool::MeteredPool(std::string name, int threads) : meter_(name, threads), pool_(std::move(name), threads) {}

void MeteredPool::Post(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    meter_.Queued(1);
  }
  pool_.Post([this, task = std::move(task)]() mutable {
    {
      MutexLock lock(mutex_);
      meter_.Queued(-1);
      meter_.Running(1);
    }
    task();
    task = nullptr;  // What it holds dies as part of it.
    MutexLock lock(mutex_);
    meter_.Running(-1);
    meter_.Finished();
  });
}

PoolUsage MeteredPool::Usage() const {
  MutexLock lock(mutex_);
  return meter_.Usage();
}

}  // namespace proctor::server
