// Desktops and phones: both are off unless the configuration switches them on.
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/cli/doctor/checks.h"

namespace proctor::cli::doctor {
namespace {

// A program and Debian's package of it.
struct Program {
  std::string name;
  std::string package;
};

// The start of an accessibility bus is no command: it lies outside PATH.
constexpr char kAccessibilityBus[] = "/usr/libexec/at-spi-bus-launcher";

bool CanRun(const std::string& name) {
  if (!name.empty() && name.front() == '/') return access(name.c_str(), X_OK) == 0;
  const char* path = std::getenv("PATH");
  for (const auto directory : absl::StrSplit(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    if (access(absl::StrCat(directory, "/", name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::vector<Program> DesktopPrograms(const v1::DesktopConfig& config) {
  std::vector<Program> programs = {{"Xvnc", "tigervnc-standalone-server"},
                                   {"dbus-daemon", "dbus"},
                                   {kAccessibilityBus, "at-spi2-core"}};
  if (config.startup().empty()) programs.push_back({"openbox", "openbox"});
  for (const v1::DesktopCommand& command : config.startup()) {
    if (!command.command().empty()) programs.push_back({command.command(0), command.command(0)});
  }
  if (config.applications().empty()) {
    for (const char* name : {"galculator", "mousepad", "thunar", "gnumeric"}) programs.push_back({name, name});
  }
  for (const auto& [name, application] : config.applications()) {
    if (!application.command().empty()) programs.push_back({application.command(0), application.command(0)});
  }
  return programs;
}

Finding CheckPrograms(const std::string& subject, bool enabled, const std::vector<Program>& programs) {
  std::vector<std::string> missing;
  std::vector<std::string> packages;
  for (const Program& program : programs) {
    if (CanRun(program.name)) continue;
    missing.push_back(program.name);
    packages.push_back(program.package);
  }
  const std::string off = enabled ? "" : absl::StrCat("off (proctord --enable ", subject, "); ");
  if (missing.empty()) {
    return {enabled ? Health::kOk : Health::kNote, subject, absl::StrCat(off, "the programs that it needs are there")};
  }
  return {enabled ? Health::kMissing : Health::kNote, subject, absl::StrCat(off, "not found: ", absl::StrJoin(missing, ", ")),
          absl::StrCat("apt-get install --no-install-recommends ", absl::StrJoin(packages, " "))};
}

}  // namespace

std::vector<Finding> CheckDevices(const Patient& patient) {
  const std::string adb = patient.android.adb_path().empty() ? "adb" : patient.android.adb_path();
  return {CheckPrograms("desktop", patient.desktop_enabled, DesktopPrograms(patient.desktop)),
          CheckPrograms("android", patient.android_enabled, {{adb, "adb"}})};
}

}  // namespace proctor::cli::doctor
