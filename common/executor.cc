#include "common/executor.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/thread.h"

namespace proctor {
namespace {

// Timers do not care what the wall clock is set to. Its zero means nothing.
absl::Time SteadyNow() { return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); }
// CondVar::WaitFor waits by the system's clock: one that is set back makes a timer late by so much at most.
constexpr absl::Duration kMaxWait = absl::Seconds(1);

}  // namespace

ThreadPool::ThreadPool(std::string name, int max_threads)
    : name_(std::move(name)), max_threads_(std::max(1, max_threads)) {
  MutexLock lock(mutex_);
  threads_.emplace_back([this] { Run(0); });
}

ThreadPool::~ThreadPool() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    work_.SignalAll();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void ThreadPool::Post(std::function<void()> task) {
  MutexLock lock(mutex_);
  queue_.push_back(std::move(task));
  if (idle_ >= static_cast<int>(queue_.size())) {
    work_.Signal();
    return;
  }
  const int count = static_cast<int>(threads_.size());
  if (count < max_threads_ && !stopping_) {
    absl::StatusOr<std::thread> another = StartThread([this, count] { Run(count); });
    if (another.ok()) {
      threads_.push_back(*std::move(another));
      return;
    }
  }
  work_.Signal();
}

size_t ThreadPool::queued() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void ThreadPool::Run(int number) {
  pthread_setname_np(pthread_self(), absl::StrCat(name_, "-", number).substr(0, 15).c_str());
  mutex_.Lock();
  while (true) {
    while (queue_.empty() && !stopping_) {
      ++idle_;
      work_.Wait(mutex_);
      --idle_;
    }
    if (queue_.empty()) break;
    {
      std::function<void()> task = std::move(queue_.front());
      queue_.pop_front();
      mutex_.Unlock();
      task();
    }
    mutex_.Lock();
  }
  mutex_.Unlock();
}

TimerQueue::TimerQueue() : thread_([this] { Run(); }) {}

TimerQueue::~TimerQueue() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.SignalAll();
  }
  thread_.join();
}

uint64_t TimerQueue::RunAfter(absl::Duration delay, std::function<void()> callback) {
  const absl::Time time = SteadyNow() + delay;
  MutexLock lock(mutex_);
  const uint64_t id = next_id_++;
  const auto added = timers_.emplace(std::make_pair(time, id), std::move(callback)).first;
  times_.emplace(id, time);
  // Only a new first one changes what the thread waits for.
  if (added == timers_.begin()) wake_.SignalAll();
  return id;
}

bool TimerQueue::Cancel(uint64_t id) {
  std::function<void()> dropped;  // Dies without the lock.
  MutexLock lock(mutex_);
  const auto it = times_.find(id);
  if (it != times_.end()) {
    const auto timer = timers_.find({it->second, id});
    dropped = std::move(timer->second);
    timers_.erase(timer);
    times_.erase(it);
    return true;
  }
  // 0 is no timer, and says here that none is running.
  while (id != 0 && running_ == id && std::this_thread::get_id() != thread_.get_id()) wake_.Wait(mutex_);
  return false;
}

void TimerQueue::Run() {
  pthread_setname_np(pthread_self(), "timers");
  mutex_.Lock();
  while (!stopping_) {
    if (timers_.empty()) {
      wake_.Wait(mutex_);
      continue;
    }
    const auto first = timers_.begin();
    const absl::Duration delay = first->first.first - SteadyNow();
    if (delay > absl::ZeroDuration()) {
      wake_.WaitFor(mutex_, std::min(delay, kMaxWait));
      continue;
    }
    {
      std::function<void()> callback = std::move(first->second);
      running_ = first->first.second;
      times_.erase(running_);
      timers_.erase(first);
      mutex_.Unlock();
      callback();
    }
    mutex_.Lock();
    running_ = 0;
    wake_.SignalAll();
  }
  mutex_.Unlock();
}

}  // namespace proctor
