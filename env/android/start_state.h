// Brings a device to a task's start, and puts back what that and the episode changed.
#ifndef PROCTOR_ENV_ANDROID_START_STATE_H_
#define PROCTOR_ENV_ANDROID_START_STATE_H_

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/device.h"
#include "env/android/log_watch.h"
#include "proctor/v1/android.pb.h"

namespace proctor::env::android {

// What an episode leaves on the device. Kept until it was put back, also over the loss of the device.
struct Leftovers {
  // Applications that were in front or were started, without the home screen and Android's own surfaces.
  std::set<std::string> packages;
  // `accelerometer_rotation` and `user_rotation` before; empty: not turned.
  std::string auto_rotation;
  std::string user_rotation;
  // The input method before ours; empty: not changed.
  std::string input_method;
  // `auto_time` before the clock was set; empty: not set.
  std::string auto_time;
};

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
