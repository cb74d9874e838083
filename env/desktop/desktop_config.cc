#include "env/desktop/desktop_config.h"

#include <locale.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/process.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::env::desktop {
namespace {

constexpr int kMinSidePx = 320;
constexpr int kMaxSidePx = 4096;
constexpr size_t kMaxPasswordBytes = 8;
constexpr size_t kMaxUnixPathBytes = 107;

absl::Status InvalidConfig(const std::string& field, const std::string& text) {
  return absl::InvalidArgumentError(absl::StrCat("desktop.", field, ": ", text));
}

absl::Status InvalidSetting(const std::string& field, const std::string& text) {
  return absl::InvalidArgumentError(absl::StrCat("settings.desktop.", field, ": ", text));
}

bool IsName(const std::string& name) {
  if (name.empty() || name.size() > 64 || !absl::ascii_isalnum(static_cast<unsigned char>(name[0]))) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
}

absl::Status CheckName(const std::string& field, const std::string& name) {
  if (IsName(name)) return absl::OkStatus();
  return InvalidConfig(field, absl::StrCat("\"", name, "\" is no name: letters, digits, '.', '_' and '-', at most 64"));
}

template <typename Command>
absl::Status CheckCommand(const std::string& field, const Command& command) {
  if (command.command().empty() || command.command(0).empty()) {
    return InvalidConfig(field, "name a program and its arguments, [mousepad]");
  }
  for (const std::string& part : command.command()) {
    if (part.find('\0') != std::string::npos) return InvalidConfig(field, "holds a zero byte");
  }
  return absl::OkStatus();
}

absl::Status CheckUser(const std::string& user) {
  if (user.empty()) return absl::OkStatus();
  if (geteuid() != 0) return InvalidConfig("user", "only a server that runs as root can run desktops as another user; leave it out");
  const absl::StatusOr<ProcessOptions::User> found = FindUser(user);
  if (!found.ok()) return InvalidConfig("user", std::string(found.status().message()));
  if (found->uid == 0) return InvalidConfig("user", "desktops do not run as root; name an unprivileged user");
  return absl::OkStatus();
}

bool IsAddress(const std::string& address) {
  if (!address.empty() && address[0] == '/') return address.size() <= kMaxUnixPathBytes;
  const size_t colon = address.rfind(':');
  int port = 0;
  return colon != std::string::npos && colon > 0 && absl::SimpleAtoi(address.substr(colon + 1), &port) && port > 0 &&
         port < 65536;
}

absl::Status CheckDisplay(const std::string& field, const v1::RemoteDisplay& display) {
  if (!IsAddress(display.address())) {
    return InvalidConfig(field + ".address", "\"host:port\", as in \"10.0.0.7:5901\", or the absolute path of a unix socket");
  }
  if (!display.password().empty() && !display.password_file().empty()) {
    return InvalidConfig(field, "set password or password_file, not both");
  }
  if (display.password().size() > kMaxPasswordBytes) {
    return InvalidConfig(field + ".password", "VNC passwords have at most 8 bytes");
  }
  return absl::OkStatus();
}

// Whether this machine has it. "C" and "POSIX" are always there.
bool HasLocale(const std::string& name) {
  const locale_t locale = newlocale(LC_ALL_MASK, name.c_str(), nullptr);
  if (locale == nullptr) return false;
  freelocale(locale);
  return true;
}

bool IsPlainText(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isgraph(c) && c != '/'; });
}

absl::Status CheckScreen(const v1::Size& screen) {
  const auto fits = [](int side) { return side >= kMinSidePx && side <= kMaxSidePx; };
  if (fits(screen.width()) && fits(screen.height())) return absl::OkStatus();
  return InvalidSetting("screen", "each side must be 320 to 4096 pixels");
}

absl::Status CheckSettle(const v1::DesktopSettings& settings) {
  const absl::Duration still = FromProto(settings.settle_still());
  if (still < absl::Milliseconds(20) || still > absl::Seconds(5)) {
    return InvalidSetting("settle_still", "must be 20 ms to 5 s");
  }
  const absl::Duration cap = FromProto(settings.settle_cap());
  if (cap <= absl::ZeroDuration() || cap > absl::Seconds(60)) {
    return InvalidSetting("settle_cap", "must be above 0 and at most 60 s");
  }
  return absl::OkStatus();
}

// Of a desktop that is started for the session.
absl::Status CheckOwnDesktop(const v1::DesktopSettings& settings) {
  PROCTOR_RETURN_IF_ERROR(CheckScreen(settings.screen()));
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(settings.time_zone(), &zone)) {
    return InvalidSetting("time_zone", "must be an IANA name such as \"Europe/Berlin\"");
  }
  if (!IsPlainText(settings.locale()) || !HasLocale(settings.locale())) {
    return InvalidSetting("locale", absl::StrCat("this machine has no locale \"", settings.locale(),
                                                 "\": use one that `locale -a` lists, such as \"C.UTF-8\""));
  }
  return absl::OkStatus();
}

absl::Status CheckRemote(const v1::DesktopConfig& config, const v1::DesktopSettings& settings) {
  if (!config.displays().contains(settings.display())) {
    return InvalidSetting("display", absl::StrCat("no display is named \"", settings.display(), "\" in the server's configuration"));
  }
  if (settings.has_screen()) return InvalidSetting("screen", "that display has its own size; leave it out");
  if (!settings.applications().empty()) return InvalidSetting("applications", "nothing can be started on that display; leave it out");
  if (!settings.time_zone().empty()) return InvalidSetting("time_zone", "that display has its own; leave it out");
  if (!settings.locale().empty()) return InvalidSetting("locale", "that display has its own; leave it out");
  return absl::OkStatus();
}

}  // namespace

v1::DesktopConfig WithDefaults(const v1::DesktopConfig& config, bool as_root) {
  v1::DesktopConfig out = config;
  if (out.user().empty() && as_root) out.set_user("nobody");
  if (out.startup().empty()) out.add_startup()->add_command("openbox");
  if (out.applications().empty()) {
    const std::pair<const char*, const char*> defaults[] = {{"calculator", "galculator"},
                                                            {"editor", "mousepad"},
                                                            {"files", "thunar"},
                                                            {"spreadsheet", "gnumeric"}};
    for (const auto& [name, program] : defaults) (*out.mutable_applications())[name].add_command(program);
  }
  return out;
}

absl::Status ValidateDesktopConfig(const v1::DesktopConfig& config) {
  PROCTOR_RETURN_IF_ERROR(CheckUser(config.user()));
  for (int i = 0; i < config.startup_size(); ++i) {
    PROCTOR_RETURN_IF_ERROR(CheckCommand(absl::StrCat("startup[", i, "].command"), config.startup(i)));
  }
  for (const auto& [name, application] : config.applications()) {
    PROCTOR_RETURN_IF_ERROR(CheckName("applications", name));
    PROCTOR_RETURN_IF_ERROR(CheckCommand(absl::StrCat("applications.", name, ".command"), application));
  }
  for (const auto& [name, command] : config.evidence_commands()) {
    PROCTOR_RETURN_IF_ERROR(CheckName("evidence_commands", name));
    PROCTOR_RETURN_IF_ERROR(CheckCommand(absl::StrCat("evidence_commands.", name, ".command"), command));
  }
  for (const auto& [name, display] : config.displays()) {
    PROCTOR_RETURN_IF_ERROR(CheckName("displays", name));
    PROCTOR_RETURN_IF_ERROR(CheckDisplay(absl::StrCat("displays.", name), display));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::DesktopSettings> ResolveDesktopSettings(const v1::DesktopConfig& config,
                                                           const v1::DesktopSettings& settings) {
  v1::DesktopSettings resolved = settings;
  if (!resolved.has_settle_still()) *resolved.mutable_settle_still() = ToProto(absl::Milliseconds(150));
  if (!resolved.has_settle_cap()) *resolved.mutable_settle_cap() = ToProto(absl::Seconds(3));
  PROCTOR_RETURN_IF_ERROR(CheckSettle(resolved));
  if (!resolved.display().empty()) {
    PROCTOR_RETURN_IF_ERROR(CheckRemote(config, resolved));
    return resolved;
  }
  if (!resolved.has_screen()) {
    resolved.mutable_screen()->set_width(1280);
    resolved.mutable_screen()->set_height(800);
  }
  if (resolved.time_zone().empty()) resolved.set_time_zone("UTC");
  if (resolved.locale().empty()) resolved.set_locale("C.UTF-8");
  PROCTOR_RETURN_IF_ERROR(CheckOwnDesktop(resolved));
  for (const std::string& name : resolved.applications()) {
    if (config.applications().contains(name)) continue;
    return InvalidSetting("applications", absl::StrCat("no application is named \"", name, "\" in the server's configuration"));
  }
  return resolved;
}

std::vector<std::string> StartableApplications(const v1::DesktopConfig& config, const v1::DesktopSettings& settings) {
  std::vector<std::string> names(settings.applications().begin(), settings.applications().end());
  if (names.empty()) {
    for (const auto& [name, application] : config.applications()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace proctor::env::desktop
