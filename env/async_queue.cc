#include "env/async_queue.h"

#include <utility>

namespace proctor::env {

AsyncQueue::AsyncQueue(Executor& pool) : state_(std::make_shared<State>(pool)) {}

void AsyncQueue::Post(Task task) {
  {
    MutexLock lock(state_->mutex);
    state_->queue.push_back(std::move(task));
    if (state_->active) return;
    state_->active = true;
  }
  state_->pool.Post([state = state_] { RunNext(state); });
}

void AsyncQueue::RunNext(const std::shared_ptr<State>& state) {
  Task task;
  {
    MutexLock lock(state->mutex);
    task = std::move(state->queue.front());
    state->queue.pop_front();
  }
  task([state] {
    {
      MutexLock lock(state->mutex);
      if (state->queue.empty()) {
        state->active = false;
        return;
      }
    }
    state->pool.Post([state] { RunNext(state); });
  });
}

}  // namespace proctor::env
