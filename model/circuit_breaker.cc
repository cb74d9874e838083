#include "model/circuit_breaker.h"

namespace proctor::model {

// Nobody knows how long it was open when the clock was set back: one request too early does no harm.
bool CircuitBreaker::Cooled(absl::Time now) const { return now < opened_ || now >= opened_ + options_.cool_down; }

bool CircuitBreaker::Passes(absl::Time now) const {
  if (failures_in_row_ < options_.failures) return true;
  return Cooled(now) && !trying_;
}

void CircuitBreaker::Begin(absl::Time now) {
  if (failures_in_row_ >= options_.failures && Cooled(now)) trying_ = true;
}

void CircuitBreaker::Succeed() {
  failures_in_row_ = 0;
  trying_ = false;
}

void CircuitBreaker::Fail(absl::Time now) {
  trying_ = false;
  if (++failures_in_row_ >= options_.failures) opened_ = now;
}

}  // namespace proctor::model
