// Brings a device to a task's start, and puts back what that and the episode changed.
#ifndef PROCTOR_ENV_ANDROID_START_STATE_H_
#define PROCTOR_ENV_ANDROID_START_STATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/device.h"
#include "env/android/leftovers.h"
#include "env/android/log_watch.h"
#include "proctor/v1/android.pb.h"

namespace proctor::env::android {

// Wakes the screen, unlocks it where no secret is asked, goes home.
absl::Status GoHome(const CallContext& context, Device& device);

// Does what `start` says, which ValidateAndroidStart found right, after the log was begun. UNAVAILABLE names the step that failed and
// why; errors of the device as they are.
absl::Status PrepareStart(const CallContext& context, Device& device, LogWatch& log, const v1::AndroidStart& start, Leftovers& leftovers);

// Puts input method, clock and rotation back, goes home, stops the applications. What was done is taken out of `leftovers`.
absl::Status CleanUp(const CallContext& context, Device& device, Leftovers& leftovers);

// Force-stopping them would take the device's own surface away.
bool IsAndroidsOwn(const std::string& package);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_START_STATE_H_
