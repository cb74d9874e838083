// Deadline and cancellation of a call: the first parameter of anything that can block.
#ifndef PROCTOR_COMMON_CALL_CONTEXT_H_
#define PROCTOR_COMMON_CALL_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace proctor {

// Says once that work is no longer wanted. Shared by everybody who may ask or tell. Thread-safe.
class CancelToken {
 public:
  // Runs the registered callbacks, on this thread, once. Idempotent.
  void Cancel();
  bool cancelled() const;

  // Runs `callback` when cancelled; at once if it already is. Returns an id for RemoveCallback (0 if it already ran).
  uint64_t AddCallback(std::function<void()> callback);
  // After return the callback does not run any more and is not running (unless called from within itself).
  void RemoveCallback(uint64_t id);

 private:
  mutable Mutex mutex_;
  CondVar idle_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t runner_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, std::function<void()>> callbacks_ ABSL_GUARDED_BY(mutex_);
};

// What a blocking call may spend. A value: copy it. Deadlines are wall times of the system clock.
class CallContext {
 public:
  // No deadline, never cancelled. For tests and start-up.
  CallContext() : cancel_(std::make_shared<CancelToken>()) {}
  CallContext(absl::Time deadline, std::shared_ptr<CancelToken> cancel, std::string request_id = "")
      : deadline_(deadline), cancel_(std::move(cancel)), request_id_(std::move(request_id)) {}

  static CallContext WithTimeout(absl::Duration timeout);

  // A child whose budget is the smaller of the rest and `cap`; cancelled with its parent.
  CallContext Child(absl::Duration cap) const;

  absl::Time deadline() const { return deadline_; }
  // What is left, never negative; infinite without a deadline.
  absl::Duration remaining() const;
  const std::shared_ptr<CancelToken>& cancel() const { return cancel_; }
  const std::string& request_id() const { return request_id_; }

  // OK, CANCELLED or DEADLINE_EXCEEDED; `what` names the work for the message.
  absl::Status Check(std::string_view what) const;

 private:
  absl::Time deadline_ = absl::InfiniteFuture();
  std::shared_ptr<CancelToken> cancel_;
  std::string request_id_;
};

// Waits until `*done` (guarded by `mutex`, signalled by `condition`), the deadline or cancellation.
// OK, DEADLINE_EXCEEDED or CANCELLED. The one way to block on an event.
absl::Status AwaitWithContext(const CallContext& context, Mutex& mutex, CondVar& condition,
                              const std::function<bool()>& done, std::string_view what)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

}  // namespace proctor

#endif  // PROCTOR_COMMON_CALL_CONTEXT_H_
