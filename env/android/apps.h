// Applications of a device: starting them, finding them by name.
#ifndef PROCTOR_ENV_ANDROID_APPS_H_
#define PROCTOR_ENV_ANDROID_APPS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "env/android/device.h"

namespace proctor::env::android {

// Brings an application to the front by its package, or by its name as the launcher shows it. A name is looked for, in this order:
// among well-known applications (Settings, Chrome, Contacts, ...); as the last part of the packages that a launcher lists ("Notes" is
// com.example.notes); as a label on the home screen and in the list of all applications, which is opened by swiping up. Android tells
// labels to no shell command. What cannot be done, within `cap`, is told in `error`, as a sentence for the agent; a status is a fault.
absl::Status OpenApp(const CallContext& context, absl::Duration cap, Device& device, const std::string& name, std::string& error);

// Starts "package/activity", or the activity of a package that a launcher would start. FAILED_PRECONDITION with the device's words.
absl::Status StartActivity(const CallContext& context, Device& device, const std::string& name);

// The package of the home screen; empty if the device does not tell.
absl::StatusOr<std::string> HomePackage(const CallContext& context, Device& device);

// Packages in what `cmd package query-activities --brief` and `resolve-activity --brief` print, in order.
std::vector<std::string> ComponentsIn(std::string_view text);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_APPS_H_
