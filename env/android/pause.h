// A wait that ends with its context.
#ifndef PROCTOR_ENV_ANDROID_PAUSE_H_
#define PROCTOR_ENV_ANDROID_PAUSE_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/call_context.h"

namespace proctor::env::android {

// OK after `duration`; CANCELLED, or DEADLINE_EXCEEDED if the context ends first.
inline absl::Status Pause(const CallContext& context, absl::Duration duration) {
  if (duration <= absl::ZeroDuration()) return context.Check("a wait for the device");
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  const absl::Status waited = AwaitWithContext(context.Child(duration), mutex, never, [] { return false; }, "a wait for the device");
  return absl::IsCancelled(waited) ? waited : context.Check("a wait for the device");
}

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_PAUSE_H_
