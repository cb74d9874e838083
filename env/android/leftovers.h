// What is to be put back on a device.
#ifndef PROCTOR_ENV_ANDROID_LEFTOVERS_H_
#define PROCTOR_ENV_ANDROID_LEFTOVERS_H_

#include <set>
#include <string>

namespace proctor::env::android {

// What an episode leaves on the device. Kept until it was put back, also over the loss of the device and the end of the session.
struct Leftovers {
  // There is something to put back; it may be that only home is to be shown.
  bool dirty = false;
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

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_LEFTOVERS_H_
