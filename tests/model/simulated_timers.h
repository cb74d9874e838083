// Time that moves when a test says so, for clocks and timers alike.
#ifndef PROCTOR_TESTS_MODEL_SIMULATED_TIMERS_H_
#define PROCTOR_TESTS_MODEL_SIMULATED_TIMERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "model/timers.h"

namespace proctor::model {

// Thread-safe. Timers run on the thread that moves the time, in their order.
class SimulatedTimers final : public Timers {
 public:
  explicit SimulatedTimers(SimulatedClock& clock) : clock_(clock) {}

  uint64_t RunAfter(absl::Duration delay, std::function<void()> callback) override {
    MutexLock lock(mutex_);
    const uint64_t id = next_id_++;
    timers_.emplace(std::make_pair(clock_.Now() + delay, id), std::move(callback));
    changed_.SignalAll();
    return id;
  }

  bool Cancel(uint64_t id) override {
    MutexLock lock(mutex_);
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->first.second != id) continue;
      timers_.erase(it);
      return true;
    }
    return false;
  }

  // Moves the clock and runs what has come due.
  void Advance(absl::Duration by) {
    const absl::Time end = clock_.Now() + by;
    while (RunNext(end)) {
    }
    clock_.Advance(end - clock_.Now());
  }

  // When the next timer is due, from now; waits up to 10 s for there to be one, else infinite.
  absl::Duration AwaitTimer() {
    const absl::Time end = absl::Now() + absl::Seconds(10);
    MutexLock lock(mutex_);
    while (timers_.empty() && absl::Now() < end) changed_.WaitFor(mutex_, end - absl::Now());
    return timers_.empty() ? absl::InfiniteDuration() : timers_.begin()->first.first - clock_.Now();
  }

  size_t pending() const {
    MutexLock lock(mutex_);
    return timers_.size();
  }

 private:
  bool RunNext(absl::Time end) {
    std::function<void()> callback;
    {
      MutexLock lock(mutex_);
      if (timers_.empty() || timers_.begin()->first.first > end) return false;
      const absl::Time due = timers_.begin()->first.first;
      callback = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      if (due > clock_.Now()) clock_.Advance(due - clock_.Now());
    }
    callback();
    return true;
  }

  SimulatedClock& clock_;
  mutable Mutex mutex_;
  CondVar changed_;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::pair<absl::Time, uint64_t>, std::function<void()>> timers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::model

#endif  // PROCTOR_TESTS_MODEL_SIMULATED_TIMERS_H_
