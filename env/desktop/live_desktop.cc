#include "env/desktop/live_desktop.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/desktop/desktop_directory.h"

namespace proctor::env::desktop {
namespace {

// All of it, the screen's first picture included. Measured: 0.1 s; a machine that is short of time gets more.
constexpr absl::Duration kStartCap = absl::Seconds(30);
constexpr absl::Duration kEndCap = absl::Seconds(5);
// What its programs say; the rest is dropped.
constexpr size_t kLogBytes = 64 << 10;
constexpr size_t kToldLogBytes = 600;

constexpr char kMendNamespaces[] =
    "this machine does not let desktops be walled in. Mend it by one of: run the server as root; allow unprivileged user namespaces "
    "(sysctl kernel.unprivileged_userns_clone=1, sysctl user.max_user_namespaces=10000, "
    "kernel.apparmor_restrict_unprivileged_userns=0); in a container, run it with --privileged; as a systemd service, "
    "add the drop-in of docs/operations.md; or, only where every task is trusted, set desktop.allow_unisolated";

// A piece of memory as a log: nothing of it is ever on a disk, and it cannot grow.
int MakeLog() {
  const int fd = memfd_create("desktop-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return fd;
  if (ftruncate(fd, kLogBytes) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

std::string ReadLog(int fd) {
  std::string text(kLogBytes, '\0');
  const ssize_t size = fd < 0 ? -1 : pread(fd, text.data(), text.size(), 0);
  if (size <= 0) return "";
  text.resize(static_cast<size_t>(size));
  text.resize(std::min(text.find('\0'), text.size()));
  return SanitizeUtf8(text);
}

// What a program that is to be installed belongs to, in Debian.
constexpr std::pair<const char*, const char*> kPrograms[] = {
    {"Xvnc", "tigervnc-standalone-server"}, {"dbus-daemon", "dbus-daemon"}, {"/usr/libexec/at-spi-bus-launcher", "at-spi2-core"}};

absl::Status CheckPrograms(const DesktopLauncher& launcher) {
  if (access(launcher.guest_executable.c_str(), X_OK) != 0) {
    return absl::FailedPreconditionError(absl::StrCat("the program ", launcher.guest_executable, " cannot be run: ", strerror(errno)));
  }
  std::set<std::string> packages;
  for (const auto& [program, package] : kPrograms) {
    if (!IsProgram(program)) packages.insert(package);
  }
  if (!packages.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("desktops need programs that are not here: apt-get install ", absl::StrJoin(packages, " ")));
  }
  for (const v1::DesktopCommand& command : launcher.config.startup()) {
    if (IsProgram(command.command(0))) continue;
    return absl::FailedPreconditionError(absl::StrCat("desktop.startup: there is no program ", command.command(0), " here; install it"));
  }
  return absl::OkStatus();
}

ProcessOptions GuestProcess(const DesktopLauncher& launcher, const std::string& mode) {
  ProcessOptions options;
  const ProcessOptions::User user = launcher.user.value_or(ProcessOptions::User{geteuid(), getegid()});
  options.arguments = {launcher.guest_executable, mode, absl::StrCat(user.uid), absl::StrCat(user.gid)};
  options.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
  return options;
}

}  // namespace

absl::Status ProbeMachine(const CallContext& context, const DesktopLauncher& launcher, ProcessSpawner& spawner) {
  PROCTOR_RETURN_IF_ERROR(CheckPrograms(launcher));
  if (!launcher.isolated) return absl::OkStatus();
  const int log = MakeLog();
  if (log < 0) return absl::ResourceExhaustedError(strerror(errno));
  ProcessOptions options = GuestProcess(launcher, "probe");
  options.descriptors = {{log, 3}, {log, 4}};
  absl::StatusOr<std::unique_ptr<Process>> process = spawner.Spawn(options);
  if (process.ok()) (*process)->WaitFor(std::min(context.remaining(), kStartCap));
  const std::string said = ReadLog(log);
  close(log);
  PROCTOR_RETURN_IF_ERROR(process.status());
  // What follows is said by the program's end: a build that counts lines cannot write its counts behind the wall.
  if (said.starts_with("ok\n")) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(kMendNamespaces, " (", absl::StripAsciiWhitespace(ToAbsl(TruncateUtf8(said, kToldLogBytes))), ")"));
}

absl::StatusOr<std::unique_ptr<LiveDesktop>> LiveDesktop::Start(const CallContext& context, const DesktopLauncher& launcher,
                                                                const v1::DesktopSettings& settings, ProcessSpawner& spawner) {
  const CallContext capped = context.Child(kStartCap);
  PROCTOR_RETURN_IF_ERROR(capped.Check("starting a desktop"));
  auto desktop = std::unique_ptr<LiveDesktop>(new LiveDesktop());
  PROCTOR_RETURN_IF_ERROR(desktop->Launch(launcher, spawner));
  Json startup = Json::array();
  for (const v1::DesktopCommand& command : launcher.config.startup()) {
    startup.push_back(std::vector<std::string>(command.command().begin(), command.command().end()));
  }
  const absl::StatusOr<Json> started = desktop->guest_->Call(capped, kStartCap, {{"op", "start"},
                                                                                 {"width", settings.screen().width()},
                                                                                 {"height", settings.screen().height()},
                                                                                 {"time_zone", settings.time_zone()},
                                                                                 {"locale", settings.locale()},
                                                                                 {"startup", startup}});
  if (!started.ok()) {
    PROCTOR_RETURN_IF_ERROR(context.Check("starting a desktop"));
    const std::string log = desktop->Log();
    return absl::UnavailableError(absl::StrCat("the desktop did not start: ", started.status().message(),
                                               log.empty() ? "" : "; it said: ", log));
  }
  const int socket = desktop->guest_->TakeDescriptor();
  if (socket < 0) return absl::UnavailableError("the desktop gave no connection to its screen");
  PROCTOR_ASSIGN_OR_RETURN(desktop->screen_, RfbClient::Connect(capped, socket, {}));
  return desktop;
}

absl::Status LiveDesktop::MakeDirectories(const DesktopLauncher& launcher) {
  PROCTOR_ASSIGN_OR_RETURN(directory_, MakeDesktopDirectory(launcher.runtime_directory));
  for (const char* name : {"/home", "/run"}) {
    const std::string path = directory_ + name;
    const bool made = mkdir(path.c_str(), 0700) == 0 &&
                      (!launcher.user || chown(path.c_str(), launcher.user->uid, launcher.user->gid) == 0);
    if (!made) return absl::InternalError(absl::StrCat("cannot make ", path, ": ", strerror(errno)));
  }
  return absl::OkStatus();
}

absl::Status LiveDesktop::Launch(const DesktopLauncher& launcher, ProcessSpawner& spawner) {
  const std::string mode = !launcher.isolated ? "unisolated" : launcher.config.network() ? "network" : "isolated";
  ProcessOptions options = GuestProcess(launcher, mode);
  if (!launcher.isolated) {
    PROCTOR_RETURN_IF_ERROR(MakeDirectories(launcher));
    options.arguments = {launcher.guest_executable, mode, directory_ + "/home", directory_ + "/run"};
    options.user = launcher.user;
  }
  if ((log_fd_ = MakeLog()) < 0) return absl::ResourceExhaustedError(strerror(errno));
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return absl::ResourceExhaustedError(strerror(errno));
  guest_ = std::make_unique<GuestChannel>(sockets[0]);
  options.descriptors = {{sockets[1], 3}, {log_fd_, 4}};
  absl::StatusOr<std::unique_ptr<Process>> process = spawner.Spawn(options);
  close(sockets[1]);
  PROCTOR_RETURN_IF_ERROR(process.status());
  process_ = *std::move(process);
  return absl::OkStatus();
}

std::string LiveDesktop::Log() const {
  const std::string log = ReadLog(log_fd_);
  return log.size() > kToldLogBytes ? SanitizeUtf8(log.substr(log.size() - kToldLogBytes)) : log;
}

absl::Status LiveDesktop::status() const {
  PROCTOR_RETURN_IF_ERROR(guest_->status());
  return Annotate(screen_->status(), "the desktop's screen");
}

LiveDesktop::~LiveDesktop() {
  screen_.reset();
  if (guest_ != nullptr) guest_->End(kEndCap);
  // It ends when all that ran in the desktop has.
  if (process_ != nullptr && !process_->WaitFor(kEndCap)) LogWarning("a desktop does not end by itself: it is killed");
  process_.reset();
  guest_.reset();
  if (log_fd_ >= 0) close(log_fd_);
  if (!directory_.empty()) RemoveDesktopDirectory(directory_);
}

}  // namespace proctor::env::desktop
