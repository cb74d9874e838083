#include "common/serial_executor.h"

#include <utility>

namespace proctor {
namespace {

AsyncQueue::Task OverOnReturn(std::function<void()> task) {
  return [task = std::move(task)](const AsyncQueue::Finish& finish) mutable {
    std::exchange(task, nullptr)();  // Its captures die before the next task may run.
    finish();
  };
}

}  // namespace

AsyncQueue::AsyncQueue(Executor& pool) : state_(std::make_shared<State>(pool)) {}

void AsyncQueue::Post(Task task) {
  if (Queue(*state_, task)) return;
  state_->pool.Post([state = state_, task = std::move(task)] { Run(state, task); });
}

void AsyncQueue::RunOrPost(Task task) {
  if (Queue(*state_, task)) return;
  // The task may be what keeps the queue.
  const std::shared_ptr<State> state = state_;
  Run(state, task);
}

bool AsyncQueue::Queue(State& state, Task& task) {
  MutexLock lock(state.mutex);
  if (!state.active) {
    state.active = true;
    return false;
  }
  state.queue.push_back(std::move(task));
  return true;
}

void AsyncQueue::RunNext(const std::shared_ptr<State>& state) {
  Task task;
  {
    MutexLock lock(state->mutex);
    task = std::move(state->queue.front());
    state->queue.pop_front();
  }
  Run(state, task);
}

void AsyncQueue::Run(const std::shared_ptr<State>& state, const Task& task) {
  task([state] {
    {
      MutexLock lock(state->mutex);
      if (state->queue.empty()) {
        state->active = false;
        return;
      }
    }
    // One task a turn, so that a busy queue does not keep a pool thread from the others.
    state->pool.Post([state] { RunNext(state); });
  });
}

void SerialExecutor::Post(std::function<void()> task) { queue_.Post(OverOnReturn(std::move(task))); }

void SerialExecutor::RunOrPost(std::function<void()> task) { queue_.RunOrPost(OverOnReturn(std::move(task))); }

}  // namespace proctor
