#include "model/gate.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor::model {

Gate::Gate(RateLimit::Options limit, CircuitBreaker::Options breaker, Clock& clock, Timers& timers)
    : clock_(clock), timers_(timers), limit_(limit), breaker_(breaker) {}

Gate::~Gate() {
  mutex_.Lock();
  const uint64_t timer = timer_;
  mutex_.Unlock();
  if (timer != 0) timers_.Cancel(timer);
}

void Gate::Enter(const CallContext& context, int64_t tokens, absl::Duration patience, Ready ready) {
  const auto waiter = std::make_shared<Waiter>();
  waiter->tokens = tokens;
  waiter->latest = clock_.Now() + std::min(patience, context.remaining());
  waiter->wait = Wait::Start(context, timers_, patience, [waiter, ready = std::move(ready)](absl::Status status) {
    // Only the thread that took the waiter out of the queue ends its wait with OK.
    if (status.ok()) status = std::move(waiter->refused);
    if (status.ok()) {
      ready(waiter->ticket);
    } else {
      ready(std::move(status));
    }
  });
  {
    MutexLock lock(mutex_);
    waiting_.push_back(waiter);
  }
  Pump();
}

void Gate::Leave(uint64_t ticket, int64_t tokens, Outcome outcome) {
  {
    MutexLock lock(mutex_);
    limit_.End(ticket, tokens);
    if (outcome == Outcome::kServed) breaker_.Succeed();
    if (outcome == Outcome::kFailed) breaker_.Fail(clock_.Now());
    if (outcome == Outcome::kNothing) breaker_.Ignore();
  }
  Pump();
}

void Gate::Pause(absl::Duration delay) {
  MutexLock lock(mutex_);
  limit_.Pause(clock_.Now(), delay);
}

std::shared_ptr<Gate::Waiter> Gate::TakeNext() {
  next_in_ = absl::InfiniteDuration();
  while (!waiting_.empty()) {
    std::shared_ptr<Waiter> waiter = waiting_.front();
    if (waiter->wait->ended()) {
      waiting_.pop_front();
      continue;
    }
    const absl::Time now = clock_.Now();
    if (!breaker_.Passes(now)) {
      waiter->refused = absl::UnavailableError("the server keeps failing and is left alone for now");
      waiting_.pop_front();
      return waiter;
    }
    next_in_ = limit_.TryBegin(now, waiter->tokens, waiter->ticket);
    if (next_in_ == absl::ZeroDuration()) {
      breaker_.Begin(now);
    } else if (next_in_ != absl::InfiniteDuration() && now + next_in_ > waiter->latest) {
      waiter->refused = absl::ResourceExhaustedError(
          absl::StrCat("its limits allow the next request in ", absl::FormatDuration(next_in_)));
    } else {
      return nullptr;
    }
    waiting_.pop_front();
    return waiter;
  }
  return nullptr;
}

void Gate::Pump() {
  Timers& timers = timers_;
  while (true) {
    std::shared_ptr<Waiter> next;
    uint64_t replaced = 0;
    {
      MutexLock lock(mutex_);
      next = TakeNext();
      if (next == nullptr) replaced = SetTimer();
    }
    if (next == nullptr) {
      if (replaced != 0) timers.Cancel(replaced);
      return;
    }
    if (next->wait->Finish() || !next->refused.ok()) continue;
    MutexLock lock(mutex_);  // Cancelled just before its turn.
    limit_.End(next->ticket, 0);
    breaker_.Ignore();
  }
}

uint64_t Gate::SetTimer() {
  if (next_in_ == absl::InfiniteDuration()) return 0;
  const absl::Time at = clock_.Now() + next_in_;
  if (timer_at_ <= at) return 0;
  const uint64_t replaced = timer_at_ == absl::InfiniteFuture() ? 0 : timer_;
  timer_at_ = at;
  timer_ = timers_.RunAfter(next_in_, [this] {
    {
      MutexLock lock(mutex_);
      timer_at_ = absl::InfiniteFuture();
    }
    Pump();
  });
  return replaced;
}

}  // namespace proctor::model
