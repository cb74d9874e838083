// Leaves a server alone that keeps failing.
#ifndef PROCTOR_MODEL_CIRCUIT_BREAKER_H_
#define PROCTOR_MODEL_CIRCUIT_BREAKER_H_

#include "absl/time/time.h"

namespace proctor::model {

// Closed: all pass. After `failures` failures in a row: open, none passes. After `cool_down` one passes, and decides:
// its success closes, its failure opens for as long again. Arithmetic over times that it is told; not thread-safe. Where the
// time is set back to before the last failure, the cool-down is over.
class CircuitBreaker {
 public:
  struct Options {
    int failures = 5;
    absl::Duration cool_down = absl::Seconds(30);
  };

  explicit CircuitBreaker(Options options) : options_(options) {}

  // Whether a request would pass.
  bool Passes(absl::Time now) const;
  // A request that passes has begun.
  void Begin(absl::Time now);
  void Succeed();
  void Fail(absl::Time now);
  // It ended without saying anything of the server (cancelled).
  void Ignore() { trying_ = false; }

 private:
  bool Cooled(absl::Time now) const;

  const Options options_;
  int failures_in_row_ = 0;
  bool trying_ = false;
  absl::Time opened_ = absl::InfinitePast();
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_CIRCUIT_BREAKER_H_
