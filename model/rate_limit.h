// How many requests may be under way, and how many may begin and how many tokens flow in a minute.
#ifndef PROCTOR_MODEL_RATE_LIMIT_H_
#define PROCTOR_MODEL_RATE_LIMIT_H_

#include <cstdint>
#include <deque>

#include "absl/time/time.h"

namespace proctor::model {

// Arithmetic over times that it is told; not thread-safe. In every window of 60 s the limits hold exactly. Where the time is set
// back, what it remembers from later counts as of now: nothing waits longer for it than its minute, or its pause, once more.
class RateLimit {
 public:
  struct Options {
    int max_in_flight = 64;
    // 0: no limit.
    int64_t requests_per_minute = 0;
    // 0: no limit. A request that needs more than all of it begins when nothing else has in the minute before.
    int64_t tokens_per_minute = 0;
  };

  explicit RateLimit(Options options) : options_(options) {}

  // Zero: a request that will take about `tokens` has begun, as `ticket`. Otherwise how long to wait before asking
  // again; infinite: until another one ends.
  absl::Duration TryBegin(absl::Time now, int64_t tokens, uint64_t& ticket);
  // It ended and took `tokens`; negative: nobody knows, the estimate stands.
  void End(uint64_t ticket, int64_t tokens);
  // Nothing begins for `delay`. A pause is never shortened.
  void Pause(absl::Time now, absl::Duration delay);

 private:
  struct Begun {
    absl::Time time;
    int64_t tokens = 0;
  };
  // Makes nothing that it remembers later than `now`.
  void SetBack(absl::Time now);
  void Forget(absl::Time now);

  const Options options_;
  int in_flight_ = 0;
  int64_t tokens_ = 0;
  absl::Time paused_at_ = absl::InfinitePast();
  absl::Duration pause_ = absl::ZeroDuration();
  // Of the last minute, oldest first; the first has the ticket `first_ticket_`.
  std::deque<Begun> begun_;
  uint64_t first_ticket_ = 1;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_RATE_LIMIT_H_
