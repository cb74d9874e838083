#include "env/web/page_settings.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/locale.h"
#include "env/web/settle_script.h"

namespace proctor::env::web {
namespace {

constexpr int64_t kDefaultDownloadBytes = int64_t{32} << 20;
constexpr int64_t kMaxDownloadBytes = int64_t{256} << 20;

absl::Status Invalid(std::string_view field, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("web.", std::string(field), ": ", std::string(why)));
}

absl::Status CheckNumbers(const v1::WebSettings& settings) {
  for (const int side : {settings.viewport().width(), settings.viewport().height()}) {
    if (side < 64 || side > 4096) return Invalid("viewport", "each side is 64 to 4096 CSS pixels");
  }
  if (!(settings.device_scale() >= 0.5 && settings.device_scale() <= 4)) return Invalid("device_scale", "must be 0.5 to 4");
  const absl::Duration cap = FromProto(settings.settle_cap());
  if (cap <= absl::ZeroDuration() || cap > absl::Seconds(60)) return Invalid("settle_cap", "must be above 0 and at most 60 s");
  const absl::Duration preload = FromProto(settings.preload_max_age());
  if (preload < absl::ZeroDuration() || preload > absl::Minutes(10)) return Invalid("preload_max_age", "must be 0 to 10 min");
  if (settings.max_download_bytes() < 0 || settings.max_download_bytes() > kMaxDownloadBytes) {
    return Invalid("max_download_bytes", "must be 0 to 268435456");
  }
  return absl::OkStatus();
}

// The languages too.
DevToolsCommand UserAgentCommand(const std::string& session, const v1::WebSettings& settings, const std::string& browser_user_agent) {
  const std::string& locale = settings.locale();
  const std::string language = locale.substr(0, locale.find('-'));
  return {session, "Emulation.setUserAgentOverride",
          {{"userAgent", settings.user_agent().empty() ? browser_user_agent : settings.user_agent()},
           {"acceptLanguage", locale == language ? language : absl::StrCat(locale, ",", language)}}};
}

std::vector<DevToolsCommand> CommonCommands(const std::string& session, const v1::WebSettings& settings,
                                            const std::string& browser_user_agent) {
  std::vector<DevToolsCommand> commands;
  commands.push_back(UserAgentCommand(session, settings, browser_user_agent));
  commands.push_back({session, "Emulation.setLocaleOverride",
                      {{"locale", absl::StrReplaceAll(settings.locale(), {{"-", "_"}})}}});
  commands.push_back({session, "Emulation.setTimezoneOverride", {{"timezoneId", settings.time_zone()}}});
  commands.push_back({session, "Emulation.setEmulatedMedia",
                      {{"features", Json::array({{{"name", "prefers-color-scheme"}, {"value", settings.color_scheme()}}})}}});
  if (settings.has_geolocation()) {
    commands.push_back({session, "Emulation.setGeolocationOverride", GeolocationParams(settings.geolocation())});
  }
  if (settings.ignore_certificate_errors()) {
    commands.push_back({session, "Security.setIgnoreCertificateErrors", {{"ignore", true}}});
  }
  // 0 would be no limit: what pages send is not ours to read.
  commands.push_back({session, "Network.enable", {{"maxTotalBufferSize", 0}, {"maxResourceBufferSize", 0}, {"maxPostDataSize", 1}}});
  commands.push_back({session, "Page.addScriptToEvaluateOnNewDocument",
                      {{"source", SettleScript()}, {"runImmediately", true}}});
  if (settings.random_seed() != 0) {
    commands.push_back({session, "Page.addScriptToEvaluateOnNewDocument",
                        {{"source", RandomSeedScript(settings.random_seed())}, {"runImmediately", true}}});
  }
  return commands;
}

}  // namespace

absl::StatusOr<v1::WebSettings> ResolveWebSettings(const v1::WebSettings& settings) {
  v1::WebSettings resolved = settings;
  if (!resolved.has_viewport()) {
    resolved.mutable_viewport()->set_width(1280);
    resolved.mutable_viewport()->set_height(720);
  }
  if (resolved.device_scale() == 0) resolved.set_device_scale(1);
  if (resolved.locale().empty()) resolved.set_locale("en-US");
  if (resolved.time_zone().empty()) resolved.set_time_zone("UTC");
  if (resolved.color_scheme().empty()) resolved.set_color_scheme("light");
  if (!resolved.has_settle_cap()) *resolved.mutable_settle_cap() = ToProto(absl::Seconds(5));
  if (resolved.max_download_bytes() == 0) resolved.set_max_download_bytes(kDefaultDownloadBytes);
  PROCTOR_RETURN_IF_ERROR(CheckNumbers(resolved));
  const absl::StatusOr<std::string> locale = NormalLocale(resolved.locale());
  if (!locale.ok()) return Invalid("locale", ToStd(locale.status().message()));
  resolved.set_locale(*locale);
  if (!IsTimeZone(resolved.time_zone())) return Invalid("time_zone", "must be an IANA name such as \"Europe/Berlin\"");
  if (resolved.color_scheme() != "light" && resolved.color_scheme() != "dark") {
    return Invalid("color_scheme", "must be \"light\" or \"dark\"");
  }
  for (const char c : resolved.user_agent()) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c))) return Invalid("user_agent", "must be printable ASCII");
  }
  if (resolved.has_geolocation()) PROCTOR_RETURN_IF_ERROR(CheckGeolocation(resolved.geolocation()));
  PROCTOR_RETURN_IF_ERROR(PermissionTypes(resolved).status());
  return resolved;
}

std::vector<DevToolsCommand> PageSetUpCommands(const std::string& session, const v1::WebSettings& settings,
                                               const std::string& browser_user_agent) {
  std::vector<DevToolsCommand> commands = CommonCommands(session, settings, browser_user_agent);
  commands.push_back({session, "Emulation.setDeviceMetricsOverride",
                      {{"width", settings.viewport().width()},
                       {"height", settings.viewport().height()},
                       {"deviceScaleFactor", settings.device_scale()},
                       {"mobile", false}}});
  // Every tab believes that it has the focus, so that input and frames work in each.
  commands.push_back({session, "Emulation.setFocusEmulationEnabled", {{"enabled", true}}});
  commands.push_back({session, "Page.setInterceptFileChooserDialog", {{"enabled", true}}});
  commands.push_back({session, "Input.setInterceptDrags", {{"enabled", true}}});
  return commands;
}

std::vector<DevToolsCommand> FrameSetUpCommands(const std::string& session, const v1::WebSettings& settings,
                                                const std::string& browser_user_agent) {
  return CommonCommands(session, settings, browser_user_agent);
}

std::vector<DevToolsCommand> WorkerSetUpCommands(const std::string& session, const v1::WebSettings& settings,
                                                 const std::string& browser_user_agent) {
  return {UserAgentCommand(session, settings, browser_user_agent)};
}

std::string RandomSeedScript(int64_t seed) {
  // xorshift128+ seeded by splitmix64, in 32-bit halves of a 53-bit result; frames differ by their own count of calls only.
  return absl::StrCat(R"js((() => {
  let state = BigInt.asUintN(64, )js", seed, R"js(n);
  const mask = (1n << 64n) - 1n;
  const next = () => {
    state = (state + 0x9E3779B97F4A7C15n) & mask;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xBF58476D1CE4E5B9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94D049BB133111EBn) & mask;
    return z ^ (z >> 31n);
  };
  const random = {random() { return Number(next() >> 11n) / 9007199254740992; }}.random;
  Object.defineProperty(Math, 'random', {value: random, writable: true, enumerable: false, configurable: true});
})())js");
}

absl::StatusOr<std::vector<std::string>> PermissionTypes(const v1::WebSettings& settings) {
  static const auto* const kTypes = new std::map<std::string, std::vector<std::string>>{
      {"geolocation", {"geolocation"}},
      {"notifications", {"notifications"}},
      {"clipboard-read", {"clipboardReadWrite"}},
      {"clipboard-write", {"clipboardSanitizedWrite"}},
      {"camera", {"videoCapture"}},
      {"microphone", {"audioCapture"}},
      {"midi", {"midi"}},
      {"persistent-storage", {"durableStorage"}},
      {"storage-access", {"storageAccess"}},
      {"background-sync", {"backgroundSync"}},
      {"local-fonts", {"localFonts"}},
      {"window-management", {"windowManagement"}},
  };
  std::vector<std::string> types;
  // A place that pages may not ask for would be none.
  if (settings.has_geolocation()) types.emplace_back("geolocation");
  for (const std::string& name : settings.permissions()) {
    const auto found = kTypes->find(name);
    if (found == kTypes->end()) return Invalid("permissions", absl::StrCat("unknown permission \"", name, "\""));
    types.insert(types.end(), found->second.begin(), found->second.end());
  }
  return types;
}

absl::Status CheckGeolocation(const v1::Geolocation& place) {
  if (!(place.latitude() >= -90 && place.latitude() <= 90)) return Invalid("geolocation.latitude", "must be -90 to 90");
  if (!(place.longitude() >= -180 && place.longitude() <= 180)) return Invalid("geolocation.longitude", "must be -180 to 180");
  if (!(place.accuracy_m() >= 0)) return Invalid("geolocation.accuracy_m", "must not be negative");
  return absl::OkStatus();
}

Json GeolocationParams(const v1::Geolocation& place) {
  return {{"latitude", place.latitude()},
          {"longitude", place.longitude()},
          {"accuracy", place.accuracy_m() == 0 ? 10.0 : place.accuracy_m()}};
}

}  // namespace proctor::env::web
