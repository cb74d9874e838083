#include "model/wait.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor::model {
namespace {

absl::Status DeadlineExceeded() { return absl::DeadlineExceededError("deadline exceeded"); }

}  // namespace

std::shared_ptr<Wait> Wait::Start(const CallContext& context, Timers& timers, std::function<void(absl::Status)> done) {
  return Start(context, timers, absl::InfiniteDuration(), std::move(done));
}

std::shared_ptr<Wait> Wait::Start(const CallContext& context, Timers& timers, absl::Duration patience,
                                  std::function<void(absl::Status)> done) {
  std::shared_ptr<Wait> wait(new Wait(timers, context.cancel(), std::move(done)));
  const absl::Duration remaining = context.remaining();
  if (patience < remaining) {
    wait->Register(patience, absl::ResourceExhaustedError(absl::StrCat("nothing came within ", absl::FormatDuration(patience))));
  } else {
    wait->Register(remaining, DeadlineExceeded());
  }
  return wait;
}

void Wait::Sleep(const CallContext& context, Timers& timers, absl::Duration delay,
                 std::function<void(absl::Status)> done) {
  const std::shared_ptr<Wait> wait(new Wait(timers, context.cancel(), std::move(done)));
  const absl::Duration remaining = context.remaining();
  if (delay <= remaining) {
    wait->Register(delay, absl::OkStatus());
  } else {
    wait->Register(remaining, DeadlineExceeded());
  }
}

void Wait::Register(absl::Duration delay, absl::Status at_delay) {
  const std::shared_ptr<Wait> self = shared_from_this();
  // Ending may overtake the registration: what is registered after the end is taken back here.
  if (delay != absl::InfiniteDuration()) {
    const uint64_t timer = timers_.RunAfter(delay, [self, at_delay = std::move(at_delay)] { self->End(at_delay); });
    mutex_.Lock();
    const bool late = ended_;
    if (!late) timer_ = timer;
    mutex_.Unlock();
    if (late) timers_.Cancel(timer);
  }
  const uint64_t callback = cancel_->AddCallback([self] { self->End(absl::CancelledError("cancelled")); });
  mutex_.Lock();
  const bool late = ended_;
  if (!late) cancel_callback_ = callback;
  mutex_.Unlock();
  if (late && callback != 0) cancel_->RemoveCallback(callback);
}

bool Wait::ended() const {
  MutexLock lock(mutex_);
  return ended_;
}

bool Wait::End(absl::Status status) {
  std::function<void(absl::Status)> done;
  uint64_t timer = 0, callback = 0;
  {
    MutexLock lock(mutex_);
    if (ended_) return false;
    ended_ = true;
    done = std::move(done_);
    done_ = nullptr;
    timer = timer_;
    callback = cancel_callback_;
  }
  if (timer != 0) timers_.Cancel(timer);
  if (callback != 0) cancel_->RemoveCallback(callback);
  done(std::move(status));
  return true;
}

}  // namespace proctor::model
