#include "clients/cli/doctor/trial_run.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/interrupt.h"
#include "common/status.h"

namespace proctor::cli::doctor {
namespace {

constexpr size_t kMaxOutputBytes = 4096;

std::string ReadTail(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  return all.size() > kMaxOutputBytes ? all.substr(all.size() - kMaxOutputBytes) : all;
}

}  // namespace

absl::StatusOr<Trial> TryRun(const std::vector<std::string>& arguments,
                             const std::optional<ProcessOptions::User>& user,
                             absl::Duration timeout) {
  std::string home = std::filesystem::temp_directory_path().string() + "/proctor-doctor-XXXXXX";
  if (mkdtemp(home.data()) == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat("cannot make ", home, ": ", strerror(errno)));
  }
  const auto remove = [&home] {
    std::error_code ignored;
    std::filesystem::remove_all(home, ignored);
  };
  const OnInterrupt put_away(remove);
  if (user && chown(home.c_str(), user->uid, user->gid) != 0) {
    const std::string reason = strerror(errno);
    remove();
    return absl::PermissionDeniedError(absl::StrCat("cannot give ", home, " away: ", reason));
  }
  ProcessOptions options;
  for (const std::string& argument : arguments) {
    options.arguments.push_back(absl::StrReplaceAll(argument, {{"@HOME@", home}}));
  }
  options.environment = {{"HOME", home},
                         {"TMPDIR", home},
                         {"XDG_CONFIG_HOME", home},
                         {"XDG_CACHE_HOME", home},
                         {"LANG", "C.UTF-8"},
                         {"PATH", "/usr/bin:/bin"},
                         {"DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null"}};
  options.working_directory = home;
  options.output_path = home + "/output";
  options.user = user;
  ProcessSpawner spawner;
  absl::StatusOr<std::unique_ptr<Process>> process = spawner.Spawn(options);
  Trial trial;
  if (process.ok()) {
    trial.ended = (*process)->WaitFor(timeout);
    process->reset();
    trial.output = ReadTail(options.output_path);
  }
  remove();
  if (!process.ok()) return process.status();
  return trial;
}

}  // namespace proctor::cli::doctor
