// What is in front, and the rest of a device's state, from what its services print.
#ifndef PROCTOR_ENV_ANDROID_DEVICE_STATE_H_
#define PROCTOR_ENV_ANDROID_DEVICE_STATE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "env/android/device.h"
#include "proctor/v1/geometry.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::android {

// What is in front, and how the screen is turned.
struct Foreground {
  // Empty if nothing is.
  std::string package;
  // "com.android.settings/.Settings"; empty if nothing is.
  std::string activity;
  // Quarter turns counter-clockwise.
  int rotation = 0;
};

// Android words it differently from version to version (7 to 14 are known); what is not understood is left out.
Foreground ParseForeground(std::string_view text);
// UNAVAILABLE if the device says nothing at all: Android's services are gone, whatever adb still answers.
absl::StatusOr<Foreground> ReadForeground(const CallContext& context, Device& device);

// Adds battery, clock, time zone and keyboard.
v1::DeviceState ParseDeviceState(const Foreground& foreground, std::string_view text);
absl::StatusOr<v1::DeviceState> ReadDeviceState(const CallContext& context, Device& device, const Foreground& foreground);

// `wm size`: the override if there is one, else the physical size, of the screen as the device is built. DATA_LOSS if neither is said.
absl::StatusOr<v1::Size> ParseScreenSize(std::string_view text);
absl::StatusOr<v1::Size> ReadScreenSize(const CallContext& context, Device& device);
// The same as it is turned now.
v1::Size Turned(const v1::Size& natural, int rotation);

v1::Orientation OrientationOf(int rotation);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_DEVICE_STATE_H_
