// The `android` environment: phones and emulators, by way of an adb server.
#ifndef PROCTOR_ENV_ANDROID_ANDROID_ENVIRONMENT_H_
#define PROCTOR_ENV_ANDROID_ANDROID_ENVIRONMENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "env/android/device_pool.h"
#include "env/world.h"
#include "proctor/v1/android.pb.h"

namespace proctor::env::android {

class AndroidEnvironment final : public Environment {
 public:
  struct Options {
    std::string description = "Android phones and emulators over adb.";
    // The server's configuration (`android:`).
    v1::AndroidConfig config;
    // Used where a session's settings say nothing.
    v1::AndroidSettings default_settings;
    // HOME of an adb server that has to be started: its key lies there, in `.android`. Empty: this process's HOME.
    std::string adb_home;
    // Folder for copies of databases while they are queried. Empty: the system's temporary folder.
    std::string scratch;
  };

  // Begins to look for devices on a thread of its own; does not wait for any. INVALID_ARGUMENT names the field that is wrong.
  // Sessions' worlds must be closed before it is destroyed. An adb server that it had to start ends with it (and with this process,
  // whatever ends that); one that ran already is left alone.
  static absl::StatusOr<std::unique_ptr<AndroidEnvironment>> Create(Options options);

  // Available if a device is there that sessions may lease, leased or not.
  v1::Environment Describe() const override;
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& settings) const override;
  // Leases a device for the session. RESOURCE_EXHAUSTED: all are taken; UNAVAILABLE: there is none.
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context, const v1::EnvironmentSettings& settings) override;

  // Waits until `count` devices can be leased or are. For start-up and tests.
  absl::Status AwaitDevices(const CallContext& context, int count) const;

 private:
  AndroidEnvironment(Options options, std::unique_ptr<DevicePool> pool);

  const Options options_;
  const std::unique_ptr<DevicePool> pool_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ANDROID_ENVIRONMENT_H_
