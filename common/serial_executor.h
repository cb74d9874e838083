// One task after another on a pool: where order is the lock.
#ifndef PROCTOR_COMMON_SERIAL_EXECUTOR_H_
#define PROCTOR_COMMON_SERIAL_EXECUTOR_H_

#include <deque>
#include <functional>
#include <memory>

#include "common/executor.h"
#include "common/mutex.h"

namespace proctor {

// Runs tasks one after another, in order. A task is over when it calls `finish` (once, from any thread), which may be long after its function
// returned: in between no thread is held. Tasks still queued at destruction run all the same (they share the state). Thread-safe. `pool`
// outlives all tasks.
class AsyncQueue {
 public:
  using Finish = std::function<void()>;
  using Task = std::function<void(Finish finish)>;

  explicit AsyncQueue(Executor& pool);
  void Post(Task task);
  // Within the call if nothing else runs or waits, otherwise when it is its turn: for tasks that take less time than waking a thread. The
  // caller holds no lock that the task takes.
  void RunOrPost(Task task);

 private:
  struct State {
    explicit State(Executor& pool) : pool(pool) {}
    Executor& pool;
    Mutex mutex;
    bool active ABSL_GUARDED_BY(mutex) = false;
    std::deque<Task> queue ABSL_GUARDED_BY(mutex);
  };
  // False: nothing runs, and the caller sees to it that the task does.
  static bool Queue(State& state, Task& task);
  static void Run(const std::shared_ptr<State>& state, const Task& task);
  static void RunNext(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
};

// The same for tasks that are over when they return.
class SerialExecutor final : public Executor {
 public:
  explicit SerialExecutor(Executor& pool) : queue_(pool) {}
  void Post(std::function<void()> task) override;
  // As AsyncQueue::RunOrPost.
  void RunOrPost(std::function<void()> task);

 private:
  AsyncQueue queue_;
};

}  // namespace proctor

#endif  // PROCTOR_COMMON_SERIAL_EXECUTOR_H_
