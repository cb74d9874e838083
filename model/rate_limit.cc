#include "model/rate_limit.h"

#include <algorithm>

namespace proctor::model {
namespace {

constexpr absl::Duration kWindow = absl::Minutes(1);

}  // namespace

void RateLimit::Forget(absl::Time now) {
  while (!begun_.empty() && begun_.front().time + kWindow <= now) {
    tokens_ -= begun_.front().tokens;
    begun_.pop_front();
    ++first_ticket_;
  }
}

absl::Duration RateLimit::TryBegin(absl::Time now, int64_t tokens, uint64_t& ticket) {
  Forget(now);
  if (in_flight_ >= options_.max_in_flight) return absl::InfiniteDuration();
  if (now < paused_until_) return paused_until_ - now;
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

void RateLimit::PauseUntil(absl::Time time) { paused_until_ = std::max(paused_until_, time); }

}  // namespace proctor::model
