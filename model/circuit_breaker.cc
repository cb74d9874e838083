#include "model/circuit_breaker.h"

namespace proctor::model {

bool CircuitBreaker::Passes(absl::Time now) const {
  if (failures_in_row_ < options_.failures) return true;
  return now >= open_until_ && !trying_;
}

void CircuitBreaker::Begin(absl::Time now) {
  if (failures_in_row_ >= options_.failures && now >= open_until_) trying_ = true;
}

void CircuitBreaker::Succeed() {
  failures_in_row_ = 0;
  trying_ = false;
}

void CircuitBreaker::Fail(absl::Time now) {
  trying_ = false;
  if (++failures_in_row_ >= options_.failures) open_until_ = now + options_.cool_down;
}

}  // namespace proctor::model
