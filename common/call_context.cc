#include "common/call_context.h"

#include <algorithm>
#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/strings.h"

namespace proctor {
namespace {

uint64_t ThisThread() { return std::hash<std::thread::id>()(std::this_thread::get_id()); }

}  // namespace

void CancelToken::Cancel() {
  std::map<uint64_t, std::function<void()>> callbacks;
  {
    MutexLock lock(mutex_);
    if (cancelled_) return;
    cancelled_ = true;
    running_ = true;
    runner_ = ThisThread();
    callbacks.swap(callbacks_);
  }
  for (auto& [id, callback] : callbacks) callback();
  MutexLock lock(mutex_);
  running_ = false;
  idle_.SignalAll();
}

bool CancelToken::cancelled() const {
  MutexLock lock(mutex_);
  return cancelled_;
}

uint64_t CancelToken::AddCallback(std::function<void()> callback) {
  {
    MutexLock lock(mutex_);
    if (!cancelled_) {
      const uint64_t id = next_id_++;
      callbacks_.emplace(id, std::move(callback));
      return id;
    }
  }
  callback();
  return 0;
}

void CancelToken::RemoveCallback(uint64_t id) {
  MutexLock lock(mutex_);
  callbacks_.erase(id);
  while (running_ && runner_ != ThisThread()) idle_.Wait(mutex_);
}

CallContext CallContext::WithTimeout(absl::Duration timeout) {
  return CallContext(absl::Now() + timeout, std::make_shared<CancelToken>());
}

CallContext CallContext::Child(absl::Duration cap) const {
  return CallContext(std::min(deadline_, absl::Now() + cap), cancel_, request_id_);
}

absl::Duration CallContext::remaining() const {
  if (deadline_ == absl::InfiniteFuture()) return absl::InfiniteDuration();
  return std::max(absl::ZeroDuration(), deadline_ - absl::Now());
}

absl::Status CallContext::Check(std::string_view what) const {
  if (cancel_->cancelled()) return absl::CancelledError(absl::StrCat(ToAbsl(what), ": cancelled"));
  if (remaining() <= absl::ZeroDuration()) {
    return absl::DeadlineExceededError(absl::StrCat(ToAbsl(what), ": deadline exceeded"));
  }
  return absl::OkStatus();
}

absl::Status AwaitWithContext(const CallContext& context, Mutex& mutex, CondVar& condition,
                              const std::function<bool()>& done, std::string_view what) {
  if (done()) return absl::OkStatus();
  // The callback takes the mutex, so it must be registered and removed without it.
  mutex.Unlock();
  const uint64_t callback = context.cancel()->AddCallback([&] {
    MutexLock lock(mutex);
    condition.SignalAll();
  });
  mutex.Lock();
  absl::Status status;
  while (!done()) {
    status = context.Check(what);
    if (!status.ok()) break;
    condition.WaitFor(mutex, context.remaining());
  }
  mutex.Unlock();
  context.cancel()->RemoveCallback(callback);
  mutex.Lock();
  // Without the mutex somebody else may have taken what was waited for.
  if (done()) return absl::OkStatus();
  return status.ok() ? AwaitWithContext(context, mutex, condition, done, what) : status;
}

}  // namespace proctor
