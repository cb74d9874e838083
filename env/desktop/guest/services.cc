#include "env/desktop/guest/services.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "env/desktop/guest/paths.h"
#include "env/desktop/guest/children.h"

namespace proctor::env::desktop::guest {
namespace {

// No menu on the background and no keys that start programs: what an agent may start is a setting.
constexpr char kOpenboxSettings[] = R"xml(<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <focus><focusNew>yes</focusNew><followMouse>no</followMouse></focus>
  <placement><policy>Smart</policy><center>yes</center></placement>
  <theme><name>Clearlooks</name><titleLayout>NLIMC</titleLayout><animateIconify>no</animateIconify></theme>
  <desktops><number>1</number><popupTime>0</popupTime></desktops>
  <resize><drawContents>yes</drawContents><popupShow>Never</popupShow></resize>
  <keyboard>
    <keybind key="A-F4"><action name="Close"/></keybind>
    <keybind key="A-Tab"><action name="NextWindow"><dialog>none</dialog><finalactions><action name="Focus"/><action name="Raise"/></finalactions></action></keybind>
  </keyboard>
  <mouse>
    <dragThreshold>1</dragThreshold><doubleClickTime>100</doubleClickTime><screenEdgeWarpTime>0</screenEdgeWarpTime>
    <context name="Titlebar">
      <mousebind button="Left" action="Drag"><action name="Move"/></mousebind>
      <mousebind button="Left" action="DoubleClick"><action name="ToggleMaximize"/></mousebind>
    </context>
    <context name="Titlebar Top Right Bottom Left TLCorner TRCorner BRCorner BLCorner">
      <mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
    </context>
    <context name="Top"><mousebind button="Left" action="Drag"><action name="Resize"><edge>top</edge></action></mousebind></context>
    <context name="Left"><mousebind button="Left" action="Drag"><action name="Resize"><edge>left</edge></action></mousebind></context>
    <context name="Right"><mousebind button="Left" action="Drag"><action name="Resize"><edge>right</edge></action></mousebind></context>
    <context name="Bottom"><mousebind button="Left" action="Drag"><action name="Resize"><edge>bottom</edge></action></mousebind></context>
    <context name="TRCorner BRCorner TLCorner BLCorner">
      <mousebind button="Left" action="Drag"><action name="Resize"/></mousebind>
    </context>
    <context name="Client">
      <mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
      <mousebind button="Middle" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
      <mousebind button="Right" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
    </context>
    <context name="Iconify"><mousebind button="Left" action="Click"><action name="Iconify"/></mousebind></context>
    <context name="Maximize"><mousebind button="Left" action="Click"><action name="ToggleMaximize"/></mousebind></context>
    <context name="Close"><mousebind button="Left" action="Click"><action name="Close"/></mousebind></context>
  </mouse>
</openbox_config>
)xml";

// A screen that nothing happens on stands still: no blinking, no fading.
constexpr char kGtkSettings[] =
    "[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\ngtk-overlay-scrolling=0\ngtk-recent-files-enabled=0\n"
    // Two clicks of one action come within a few milliseconds; those of two actions are two clicks.
    "gtk-error-bell=0\ngtk-double-click-time=100\n";

absl::Status WriteFile(const std::string& path, const char* text) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

// The first line that a program writes; empty: it ended or took too long.
std::string AwaitLine(int fd, absl::Time deadline) {
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < 4096) {
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
    pollfd wait = {fd, POLLIN, 0};
    if (left_ms <= 0 || poll(&wait, 1, static_cast<int>(std::min<int64_t>(left_ms, 60'000))) <= 0) break;
    char chunk[256];
    const ssize_t size = read(fd, chunk, sizeof chunk);
    if (size <= 0) break;
    line.append(chunk, static_cast<size_t>(size));
  }
  close(fd);
  const size_t end = line.find('\n');
  return end == std::string::npos ? "" : line.substr(0, end);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Services>> Services::Start(ServicesOptions options, absl::Time deadline) {
  auto services = std::unique_ptr<Services>(new Services(std::move(options)));
  PROCTOR_RETURN_IF_ERROR(services->WriteSettings());
  PROCTOR_RETURN_IF_ERROR(services->StartBus());
  PROCTOR_RETURN_IF_ERROR(services->StartDisplay(deadline));
  PROCTOR_RETURN_IF_ERROR(services->RunStartup());
  PROCTOR_ASSIGN_OR_RETURN(services->accessibility_, Accessibility::Start(services->bus_address_, deadline));
  PROCTOR_RETURN_IF_ERROR(services->display_->AwaitWindowManager(deadline));
  return services;
}

absl::Status Services::WriteSettings() {
  const std::string settings = absl::StrCat(options_.runtime, "/xdg");
  PROCTOR_RETURN_IF_ERROR(WriteFile(settings + "/openbox/rc.xml", kOpenboxSettings));
  PROCTOR_RETURN_IF_ERROR(WriteFile(settings + "/gtk-3.0/settings.ini", kGtkSettings));
  PROCTOR_RETURN_IF_ERROR(WriteFile(settings + "/gtk-4.0/settings.ini", kGtkSettings));
  rfb_path_ = absl::StrCat(options_.runtime, "/rfb");
  bus_address_ = absl::StrCat("unix:path=", options_.runtime, "/bus");
  environment_ = {{"HOME", options_.home},
                  {"USER", "user"},
                  {"LOGNAME", "user"},
                  {"SHELL", "/bin/sh"},
                  {"PATH", kProgramPath},
                  {"LANG", options_.locale},
                  {"TZ", options_.time_zone},
                  {"XDG_RUNTIME_DIR", options_.runtime},
                  {"XDG_CONFIG_DIRS", absl::StrCat(settings, ":/etc/xdg")},
                  {"XDG_CURRENT_DESKTOP", "openbox"},
                  {"XDG_SESSION_TYPE", "x11"},
                  {"DBUS_SESSION_BUS_ADDRESS", bus_address_},
                  {"GDK_BACKEND", "x11"},
                  {"GTK_A11Y", "atspi"},
                  {"QT_ACCESSIBILITY", "1"},
                  {"QT_LINUX_ACCESSIBILITY_ALWAYS_ON", "1"},
                  // Settings of applications are a file of the home directory: ~/.config/glib-2.0/settings/keyfile.
                  {"GSETTINGS_BACKEND", "keyfile"},
                  {"GTK_USE_PORTAL", "0"},
                  // There is no graphics card: drawing on the processor directly is quicker than imitating one.
                  {"GSK_RENDERER", "cairo"},
                  {"LIBGL_ALWAYS_SOFTWARE", "1"}};
  return absl::OkStatus();
}

absl::StatusOr<int> Services::StartWithPipe(std::vector<std::string> arguments) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) return absl::ResourceExhaustedError(strerror(errno));
  Program program;
  program.arguments = std::move(arguments);
  program.environment = environment_;
  program.working_directory = options_.home;
  program.descriptor = pipes[1];
  const absl::StatusOr<pid_t> pid = StartProgram(program);
  close(pipes[1]);
  if (!pid.ok()) {
    close(pipes[0]);
    return pid.status();
  }
  essential_.insert(*pid);
  return pipes[0];
}

absl::Status Services::StartBus() {
  PROCTOR_ASSIGN_OR_RETURN(const int told, StartWithPipe({"dbus-daemon", "--session", "--nofork", "--nopidfile",
                                                          absl::StrCat("--address=", bus_address_), "--print-address=3"}));
  const std::string address = AwaitLine(told, absl::Now() + absl::Seconds(10));
  return address.empty() ? absl::UnavailableError("dbus-daemon does not start") : absl::OkStatus();
}

absl::StatusOr<std::string> Services::StartXvnc(int number, absl::Time deadline) {
  std::vector<std::string> arguments = {"Xvnc"};
  if (number >= 0) arguments.push_back(absl::StrCat(":", number));
  for (const std::string& argument :
       {std::string("-displayfd"), std::string("3"), std::string("-geometry"), absl::StrCat(options_.width, "x", options_.height)}) {
    arguments.push_back(argument);
  }
  for (const char* argument :
       {"-depth", "24", "-SecurityTypes", "None", "-rfbport", "-1", "-rfbunixmode", "0600", "-desktop", "desktop", "-FrameRate", "120",
        "-AcceptCutText=0", "-SendCutText=0", "-AcceptSetDesktopSize=0", "-AlwaysShared=1", "-nolisten", "tcp", "-nolisten", "local", "-noreset",
        "-ac", "-s", "0", "-dpms", "-ardelay", "600000", "-rfbunixpath"}) {
    arguments.emplace_back(argument);
  }
  arguments.push_back(rfb_path_);
  const std::set<pid_t> before = essential_;
  PROCTOR_ASSIGN_OR_RETURN(const int told, StartWithPipe(std::move(arguments)));
  std::string line = AwaitLine(told, deadline);
  if (!line.empty() && std::all_of(line.begin(), line.end(), absl::ascii_isdigit)) return line;
  essential_ = before;
  return absl::UnavailableError("Xvnc does not start");
}

absl::Status Services::StartDisplay(absl::Time deadline) {
  constexpr int kTries = 5;
  absl::StatusOr<std::string> number = StartXvnc(options_.display, deadline);
  for (int i = 1; i < kTries && !number.ok() && options_.display >= 0 && absl::Now() < deadline; ++i) {
    number = StartXvnc(options_.display + i, deadline);
  }
  PROCTOR_RETURN_IF_ERROR(number.status());
  environment_["DISPLAY"] = absl::StrCat(":", *number);
  PROCTOR_ASSIGN_OR_RETURN(display_, XDisplay::Open(environment_["DISPLAY"]));
  return absl::OkStatus();
}

absl::Status Services::RunStartup() {
  for (const std::vector<std::string>& command : options_.startup) {
    Program program;
    program.arguments = command;
    program.environment = environment_;
    program.working_directory = options_.home;
    PROCTOR_RETURN_IF_ERROR(Annotate(StartProgram(program).status(), "desktop.startup"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Services::ConnectRfb() const {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (rfb_path_.size() >= sizeof address.sun_path) return absl::InternalError("the path of the VNC socket is too long");
  std::memcpy(address.sun_path, rfb_path_.data(), rfb_path_.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ResourceExhaustedError(strerror(errno));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const absl::Status status = absl::UnavailableError(absl::StrCat("the VNC server does not answer: ", strerror(errno)));
    close(fd);
    return status;
  }
  return fd;
}

}  // namespace proctor::env::desktop::guest
