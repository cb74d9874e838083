// Callbacks at later times, as a seam for tests.
#ifndef PROCTOR_MODEL_TIMERS_H_
#define PROCTOR_MODEL_TIMERS_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "common/executor.h"

namespace proctor::model {

// As TimerQueue, which stands behind it outside tests. Thread-safe.
class Timers {
 public:
  virtual ~Timers() = default;
  // Runs `callback`, which must not block, after `delay`; returns an id for Cancel, never 0.
  virtual uint64_t RunAfter(absl::Duration delay, std::function<void()> callback) = 0;
  // Returns true if the callback will not run. If it runs just now on another thread, waits for its end.
  virtual bool Cancel(uint64_t id) = 0;
};

class QueueTimers final : public Timers {
 public:
  // `queue` outlives it.
  explicit QueueTimers(TimerQueue& queue) : queue_(queue) {}
  uint64_t RunAfter(absl::Duration delay, std::function<void()> callback) override {
    return queue_.RunAfter(delay, std::move(callback));
  }
  bool Cancel(uint64_t id) override { return queue_.Cancel(id); }

 private:
  TimerQueue& queue_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_TIMERS_H_
