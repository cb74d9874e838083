// One Android device, spoken to through the adb server.
#ifndef PROCTOR_ENV_ANDROID_DEVICE_H_
#define PROCTOR_ENV_ANDROID_DEVICE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "env/android/adb_client.h"

namespace proctor::env::android {

// `text` as one word of the device's shell, whatever is in it.
std::string ShellQuote(std::string_view text);

// Errors as AdbClient's. Not thread-safe.
class Device {
 public:
  // `adb` outlives it.
  Device(const AdbClient& adb, std::string serial) : adb_(adb), serial_(std::move(serial)) {}

  const std::string& serial() const { return serial_; }
  // Android's API level, known after Learn.
  int api_level() const { return api_level_; }

  // Asks what the device is. FAILED_PRECONDITION: older than Android 7, or not an Android.
  absl::Status Learn(const CallContext& context);

  // UNAVAILABLE while Android starts.
  absl::Status CheckBooted(const CallContext& context);

  // Runs a command line of the device's shell.
  absl::StatusOr<ShellResult> Shell(const CallContext& context, std::string_view command, size_t max_output = kMaxShellOutput);
  // The same; what it wrote if it ended with 0, else FAILED_PRECONDITION with its words.
  absl::StatusOr<std::string> Run(const CallContext& context, std::string_view command);
  // The same as root. FAILED_PRECONDITION where the device gives no root.
  absl::StatusOr<std::string> RunAsRoot(const CallContext& context, std::string_view command);
  absl::StatusOr<bool> ExecUnless(const CallContext& context, std::string_view command, size_t max_output, std::string_view expected,
                                  std::string& output);

  // A file, as root where only root may read it. NOT_FOUND only if there is none; PERMISSION_DENIED, RESOURCE_EXHAUSTED, or
  // FAILED_PRECONDITION with the device's words.
  absl::StatusOr<std::string> Pull(const CallContext& context, const std::string& path, size_t max_bytes);
  absl::Status Push(const CallContext& context, const std::string& path, std::string_view content);

 private:
  // How commands become root's.
  enum class Root { kNone, kIsRoot, kSu };
  absl::StatusOr<Root> FindRoot(const CallContext& context);

  const AdbClient& adb_;
  const std::string serial_;
  int api_level_ = 0;
  std::optional<Root> root_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_DEVICE_H_
