#include "env/android/adb_server.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/status.h"

namespace proctor::env::android {
namespace {

// The version of the smart socket protocol since 2011's rewrite of adb; today's servers say 0x29.
constexpr int kLeastVersion = 0x20;
constexpr absl::Duration kStartCap = absl::Seconds(20);
constexpr absl::Duration kProbeCap = absl::Seconds(5);

std::string FindAdb(const std::string& given) {
  if (!given.empty()) return given;
  const char* path = std::getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path, ':')) {
    std::string candidate = absl::StrCat(folder, "/adb");
    if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

std::map<std::string, std::string> ServerEnvironment(const std::string& home) {
  std::map<std::string, std::string> environment;
  for (const char* name : {"HOME", "PATH", "TMPDIR", "ADB_VENDOR_KEYS", "ADB_LIBUSB", "ADB_LOCAL_TRANSPORT_MAX_PORT"}) {
    if (const char* value = std::getenv(name); value != nullptr) environment[name] = value;
  }
  if (!home.empty()) environment["HOME"] = home;
  return environment;
}

}  // namespace

absl::Status AdbServer::Ensure(const CallContext& context) {
  const AdbClient client(options_.address);
  absl::StatusOr<int> version = client.Version(context.Child(kProbeCap));
  PROCTOR_RETURN_IF_ERROR(context.Check("looking for the adb server"));
  if (absl::IsUnavailable(version.status())) {
    if (!options_.address.loopback()) {
      return absl::UnavailableError(
          absl::StrCat(version.status().message(), "; start it on that machine, or set android.adb_server"));
    }
    PROCTOR_RETURN_IF_ERROR(Start(context.Child(kStartCap)));
    version = client.Version(context.Child(kProbeCap));
  }
  PROCTOR_RETURN_IF_ERROR(version.status());
  if (*version >= kLeastVersion) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the adb server at ", options_.address.text(), " is too old: version ", *version));
}

absl::Status AdbServer::Start(const CallContext& context) {
  const std::string program = FindAdb(options_.adb_path);
  if (program.empty()) {
    return absl::UnavailableError(absl::StrCat("no adb server answers at ", options_.address.text(),
                                               " and there is no `adb` on PATH: install it (Debian: adb) or set android.adb_path"));
  }
  process_.reset();
  ProcessOptions options;
  // In the foreground: a daemon would not end with us. "-P" listens on the loopback address only.
  options.arguments = {program, "-P", absl::StrCat(options_.address.port), "nodaemon", "server"};
  options.environment = ServerEnvironment(options_.home);
  absl::StatusOr<std::unique_ptr<Process>> started = spawner_.Spawn(options);
  if (!started.ok()) {
    return absl::UnavailableError(absl::StrCat(program, " cannot be started: ", started.status().message()));
  }
  process_ = *std::move(started);
  LogInfo("adb server started", {{"address", options_.address.text()}});
  const AdbClient client(options_.address);
  while (true) {
    if (client.Version(context.Child(kProbeCap)).ok()) return absl::OkStatus();
    PROCTOR_RETURN_IF_ERROR(context.Check("starting the adb server"));
    // It ended: another one may have been quicker, which the next probe tells.
    if (process_->WaitFor(absl::Milliseconds(10))) {
      return client.Version(context.Child(kProbeCap)).ok()
                 ? absl::OkStatus()
                 : absl::UnavailableError(absl::StrCat("`", program, " -P ", options_.address.port,
                                                       " nodaemon server` ended at once: run it by hand to see why"));
    }
  }
}

}  // namespace proctor::env::android
