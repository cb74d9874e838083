#include "model/rate_limit.h"

#include <algorithm>

namespace proctor::model {
namespace {

constexpr absl::Duration kWindow = absl::Minutes(1);

}  // namespace

void RateLimit::SetBack(absl::Time now) {
  for (auto begun = begun_.rbegin(); begun != begun_.rend() && begun->time > now; ++begun) begun->time = now;
  paused_at_ = std::min(paused_at_, now);
}

void RateLimit::Forget(absl::Time now) {
  while (!begun_.empty() && begun_.front().time + kWindow <= now) {
    tokens_ -= begun_.front().tokens;
    begun_.pop_front();
    ++first_ticket_;
  }
}

absl::Duration RateLimit::TryBegin(absl::Time now, int64_t tokens, uint64_t& ticket) {
  SetBack(now);
  Forget(now);
  if (in_flight_ >= options_.max_in_flight) return absl::InfiniteDuration();
  if (now < paused_at_ + pause_) return paused_at_ + pause_ - now;
  const auto leaves_in = [&](const Begun& begun) { return begun.time + kWindow - now; };
  if (options_.requests_per_minute > 0 && static_cast<int64_t>(begun_.size()) >= options_.requests_per_minute) {
    return leaves_in(begun_.front());
  }
  if (options_.tokens_per_minute > 0 && tokens_ + tokens > options_.tokens_per_minute) {
    int64_t left = tokens_;
    for (const Begun& begun : begun_) {
      left -= begun.tokens;
      if (left + tokens <= options_.tokens_per_minute || left <= 0) return leaves_in(begun);
    }
  }
  ticket = first_ticket_ + begun_.size();
  begun_.push_back({.time = now, .tokens = tokens});
  tokens_ += tokens;
  ++in_flight_;
  return absl::ZeroDuration();
}

void RateLimit::End(uint64_t ticket, int64_t tokens) {
  --in_flight_;
  if (tokens < 0 || ticket < first_ticket_) return;
  Begun& begun = begun_[ticket - first_ticket_];
  tokens_ += tokens - begun.tokens;
  begun.tokens = tokens;
}

void RateLimit::Pause(absl::Time now, absl::Duration delay) {
  SetBack(now);
  if (now + delay <= paused_at_ + pause_) return;
  paused_at_ = now;
  pause_ = delay;
}

}  // namespace proctor::model
