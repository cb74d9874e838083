// Lets the requests to one endpoint begin, in the order they came, when its limits and its breaker allow.
#ifndef PROCTOR_MODEL_GATE_H_
#define PROCTOR_MODEL_GATE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "model/circuit_breaker.h"
#include "model/rate_limit.h"
#include "model/timers.h"
#include "model/wait.h"

namespace proctor::model {

// Thread-safe. No thread is held by what waits in it.
class Gate {
 public:
  // A ticket to hand back by Leave; UNAVAILABLE: the breaker is open; RESOURCE_EXHAUSTED: the limits would make it wait
  // longer than its patience or its deadline, or it has waited as long as its patience; DEADLINE_EXCEEDED or CANCELLED
  // from the context.
  using Ready = std::function<void(absl::StatusOr<uint64_t>)>;
  // What a request said of the server.
  enum class Outcome { kServed, kFailed, kNothing };

  // `clock` and `timers` outlive it.
  Gate(RateLimit::Options limit, CircuitBreaker::Options breaker, Clock& clock, Timers& timers);
  // Nobody may wait any more.
  ~Gate();

  // `ready` runs once, on this thread or one that ends the wait; it must not block. `patience` may be infinite.
  void Enter(const CallContext& context, int64_t tokens, absl::Duration patience, Ready ready);
  // `tokens` as RateLimit::End takes them.
  void Leave(uint64_t ticket, int64_t tokens, Outcome outcome);
  // The server asked to be left alone for `delay`: nothing begins until then.
  void Pause(absl::Duration delay);

 private:
  struct Waiter {
    int64_t tokens = 0;
    absl::Time latest = absl::InfiniteFuture();
    uint64_t ticket = 0;
    absl::Status refused;
    std::shared_ptr<Wait> wait;
  };
  // Begins or refuses what can be from the front, outside the lock; sets a timer for the next.
  void Pump();
  // The next waiter that has got a ticket or is refused, or null.
  std::shared_ptr<Waiter> TakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Sets the timer for the front of the queue; returns the one that it replaces, for Timers::Cancel without the lock,
  // or 0.
  uint64_t SetTimer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock& clock_;
  Timers& timers_;
  Mutex mutex_;
  RateLimit limit_ ABSL_GUARDED_BY(mutex_);
  CircuitBreaker breaker_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Waiter>> waiting_ ABSL_GUARDED_BY(mutex_);
  // When the front may be asked again; infinite: when something ends.
  absl::Duration next_in_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  // The last timer set; fired, if `timer_at_` is infinite.
  uint64_t timer_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time timer_at_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_GATE_H_
