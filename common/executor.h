// Threads and time: bounded named pools, timers. Made in server/ and handed down. One task after another on a pool: serial_executor.h.
#ifndef PROCTOR_COMMON_EXECUTOR_H_
#define PROCTOR_COMMON_EXECUTOR_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/mutex.h"

namespace proctor {

// Something that runs tasks later, never within Post. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Post(std::function<void()> task) = 0;
};

// At most `max_threads` threads, the first started at once, others as needed and kept; named `<name>-<n>` (15 characters at most).
// Where the machine refuses another one, what is posted waits for those that there are; the constructor throws std::system_error if there
// is not even one. The destructor runs what was posted, then joins. Tasks may block.
class ThreadPool final : public Executor {
 public:
  ThreadPool(std::string name, int max_threads);
  ~ThreadPool() override;
  void Post(std::function<void()> task) override;
  // Tasks that wait for a thread.
  size_t queued() const;

 private:
  void Run(int number);

  const std::string name_;
  const int max_threads_;
  mutable Mutex mutex_;
  CondVar work_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

// One thread that runs short callbacks at given times. Callbacks must not block: post to a pool.
class TimerQueue {
 public:
  TimerQueue();
  // Timers that have not fired are dropped.
  ~TimerQueue();

  // Returns an id for Cancel.
  uint64_t RunAfter(absl::Duration delay, std::function<void()> callback);
  // Returns true if the callback will not run. If it is running on the timer thread just now, waits for its end
  // (unless called from within it).
  bool Cancel(uint64_t id);

 private:
  void Run();

  Mutex mutex_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  uint64_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::pair<absl::Time, uint64_t>, std::function<void()>> timers_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, absl::Time> times_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace proctor

#endif  // PROCTOR_COMMON_EXECUTOR_H_
