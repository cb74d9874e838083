// A serial executor of one stream that saves a thread's turn where it can.
#ifndef PROCTOR_SERVER_RPC_TURNS_H_
#define PROCTOR_SERVER_RPC_TURNS_H_

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "common/executor.h"
#include "common/mutex.h"

namespace proctor::server {

// Runs tasks one after another, in order: on a pool, as SerialExecutor does, or at once on the thread that brings them. Tasks still queued
// at destruction run all the same (they share the state). Thread-safe. `pool` outlives all tasks.
class Turns {
 public:
  explicit Turns(Executor& pool) : state_(std::make_shared<State>(pool)) {}

  // Later, never within the call.
  void Post(std::function<void()> task) {
    if (Queue(*state_, task)) return;
    state_->pool.Post([state = state_, task = std::move(task)]() mutable { Run(state, std::move(task)); });
  }

  // Within the call if nothing else runs or waits, otherwise when it is its turn: for tasks that take less time than waking a thread.
  // The caller holds no lock that the task takes.
  void RunOrPost(std::function<void()> task) {
    if (!Queue(*state_, task)) Run(state_, std::move(task));
  }

 private:
  struct State {
    explicit State(Executor& pool) : pool(pool) {}
    Executor& pool;
    Mutex mutex;
    bool active ABSL_GUARDED_BY(mutex) = false;
    std::deque<std::function<void()>> queue ABSL_GUARDED_BY(mutex);
  };

  // False: nothing runs, and the caller sees to it that the task does.
  static bool Queue(State& state, std::function<void()>& task) {
    MutexLock lock(state.mutex);
    if (!state.active) {
      state.active = true;
      return false;
    }
    state.queue.push_back(std::move(task));
    return true;
  }

  static void Run(const std::shared_ptr<State>& state, std::function<void()> task) {
    task();
    task = nullptr;  // Captures die before the next task may run.
    {
      MutexLock lock(state->mutex);
      if (state->queue.empty()) {
        state->active = false;
        return;
      }
      task = std::move(state->queue.front());
      state->queue.pop_front();
    }
    // One task a turn, so that a busy stream does not keep a pool thread from the others.
    state->pool.Post([state, task = std::move(task)]() mutable { Run(state, std::move(task)); });
  }

  const std::shared_ptr<State> state_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RPC_TURNS_H_
