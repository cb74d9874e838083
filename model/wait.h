// Waiting that holds no thread: ends by an event, a deadline or a cancellation, whichever comes first.
#ifndef PROCTOR_MODEL_WAIT_H_
#define PROCTOR_MODEL_WAIT_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "model/timers.h"

namespace proctor::model {

// Thread-safe; shared by those who may end it. The timers outlive it.
class Wait : public std::enable_shared_from_this<Wait> {
 public:
  // `done` runs once, on the thread that ends the wait, maybe before Start returns: OK from Finish, DEADLINE_EXCEEDED
  // or CANCELLED from `context`. It must not block.
  static std::shared_ptr<Wait> Start(const CallContext& context, Timers& timers,
                                     std::function<void(absl::Status)> done);
  // The same, but `patience` may end it, too: RESOURCE_EXHAUSTED, if `context` has more time than that.
  static std::shared_ptr<Wait> Start(const CallContext& context, Timers& timers, absl::Duration patience,
                                     std::function<void(absl::Status)> done);
  // OK after `delay`, unless `context` ends before.
  static void Sleep(const CallContext& context, Timers& timers, absl::Duration delay,
                    std::function<void(absl::Status)> done);

  // Ends it with OK. False: it had ended.
  bool Finish() { return End(absl::OkStatus()); }
  bool ended() const;

 private:
  Wait(Timers& timers, std::shared_ptr<CancelToken> cancel, std::function<void(absl::Status)> done)
      : timers_(timers), cancel_(std::move(cancel)), done_(std::move(done)) {}
  void Register(absl::Duration delay, absl::Status at_delay);
  bool End(absl::Status status);

  Timers& timers_;
  const std::shared_ptr<CancelToken> cancel_;
  mutable Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t timer_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t cancel_callback_ ABSL_GUARDED_BY(mutex_) = 0;
  std::function<void(absl::Status)> done_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_WAIT_H_
