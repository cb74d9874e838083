// Checks of what operators and clients set for Android devices. All errors are INVALID_ARGUMENT and name the field.
#ifndef PROCTOR_ENV_ANDROID_ANDROID_SETTINGS_H_
#define PROCTOR_ENV_ANDROID_ANDROID_SETTINGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/adb_socket.h"
#include "proctor/v1/android.pb.h"

namespace proctor::env::android {

// The server's configuration; errors begin with "android.".
absl::Status ValidateAndroidConfig(const v1::AndroidConfig& config);

// AndroidConfig.adb_server; empty: 127.0.0.1:5037.
absl::StatusOr<AdbAddress> ParseAdbServer(const std::string& text);

// Fills what `settings` leaves open from `defaults`, then from the product's defaults; errors begin with "settings.android.".
absl::StatusOr<v1::AndroidSettings> ResolveAndroidSettings(const v1::AndroidSettings& settings, const v1::AndroidSettings& defaults,
                                                           v1::AndroidTextMethod configured);

// What a task says of the device; errors begin with "start_state.android.".
absl::Status ValidateAndroidStart(const v1::AndroidStart& start);

// A package's name: "com.android.settings".
bool IsPackageName(const std::string& text);
// A component's: "com.android.settings/.Settings".
bool IsComponentName(const std::string& text);
// "system", "secure" or "global", and a key of [A-Za-z0-9_.-]+. The error ends the sentence that names the field.
absl::Status CheckSettingName(const std::string& space, const std::string& key);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ANDROID_SETTINGS_H_
