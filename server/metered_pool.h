// A thread pool that knows how busy it is.
#ifndef PROCTOR_SERVER_METERED_POOL_H_
#define PROCTOR_SERVER_METERED_POOL_H_

#include <functional>
#include <string>

#include "common/executor.h"
#include "common/mutex.h"
#include "server/pool_meter.h"

namespace proctor::server {

// Thread-safe.
class MeteredPool final : public Executor {
 public:
  // As ThreadPool.
  MeteredPool(std::string name, int threads);

  void Post(std::function<void()> task) override;
  PoolUsage Usage() const;

 private:
  mutable Mutex mutex_;
  PoolMeter meter_ ABSL_GUARDED_BY(mutex_);
  // Last: its tasks use the others.
  ThreadPool pool_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_METERED_POOL_H_
