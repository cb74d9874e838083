// Sees to it that an adb server answers.
#ifndef PROCTOR_ENV_ANDROID_ADB_SERVER_H_
#define PROCTOR_ENV_ANDROID_ADB_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/process.h"
#include "env/android/adb_client.h"

namespace proctor::env::android {

struct AdbServerOptions {
  AdbAddress address;
  // The program; empty: found on PATH.
  std::string adb_path;
  // HOME of a server that is started; empty: this process's.
  std::string home;
};

// A server that answers already is used and left alone. Where none does and the address is this machine's, one is started as a child of
// this process: it ends with this object, and with the process whatever ends that. One thread at a time.
class AdbServer {
 public:
  explicit AdbServer(AdbServerOptions options) : options_(std::move(options)) {}

  // OK once a server answers that speaks a version this driver knows. UNAVAILABLE with what mends it; CANCELLED, DEADLINE_EXCEEDED.
  absl::Status Ensure(const CallContext& context);

 private:
  absl::Status Start(const CallContext& context);

  const AdbServerOptions options_;
  ProcessSpawner spawner_;
  std::unique_ptr<Process> process_;
};

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_ADB_SERVER_H_
