// A thread pool that knows how busy it is.
#ifndef PROCTOR_SERVER_METERED_POOL_H_
#define PROCTOR_SERVER_METERED_POOL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/executor.h"
#include "common/mutex.h"

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

// Thread-safe.
class MeteredPool final : public Executor {
 public:
  // As ThreadPool.
  MeteredPool(std::string name, int threads);

  void Post(std::function<void()> task) override;
  PoolUsage Usage() const;

 private:
  void Account(int64_t running_change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  PoolUsage usage_ ABSL_GUARDED_BY(mutex_);
  // Of a clock that is never set.
  int64_t last_change_nanos_ ABSL_GUARDED_BY(mutex_) = 0;
  // Last: its tasks use the others.
  ThreadPool pool_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_METERED_POOL_H_
