#include "env/android/android_settings.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "re2/re2.h"

namespace proctor::env::android {
namespace {

constexpr size_t kMaxFileBytes = size_t{16} << 20;
constexpr size_t kMaxArchiveBytes = size_t{64} << 20;
constexpr size_t kMaxShellBytes = 16'384;
constexpr int kMaxSetup = 200;

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(text); }

bool IsText(const std::string& text, size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes && text.find('\0') == std::string::npos;
}

absl::Status CheckSerial(const std::string& serial, const std::string& field) {
  const bool fine = !serial.empty() && serial.size() <= 256 &&
                    std::none_of(serial.begin(), serial.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7f; });
  return fine ? absl::OkStatus() : Invalid(absl::StrCat(field, ": a serial as `adb devices` lists it"));
}

absl::Status CheckDuration(const google::protobuf::Duration& given, absl::Duration least, absl::Duration most,
                           const std::string& field) {
  const absl::Duration duration = FromProto(given);
  if (duration >= least && duration <= most) return absl::OkStatus();
  return Invalid(absl::StrCat(field, ": ", absl::FormatDuration(least), " to ", absl::FormatDuration(most)));
}

absl::Status CheckExpression(const std::string& expression, const std::string& field) {
  if (expression.size() > 10'000) return Invalid(absl::StrCat(field, ": over 10000 bytes"));
  const re2::RE2 compiled(expression, re2::RE2::Quiet);
  if (compiled.ok()) return absl::OkStatus();
  return Invalid(absl::StrCat(field, ": not an RE2 expression: ", compiled.error()));
}

absl::Status CheckPath(const std::string& path, const std::string& field) {
  const bool fine = path.size() > 1 && path[0] == '/' && path.size() <= 1024 && path.find('\0') == std::string::npos &&
                    path.back() != '/';
  return fine ? absl::OkStatus() : Invalid(absl::StrCat(field, ": the absolute path of a file, at most 1024 bytes"));
}

absl::Status CheckPackage(const std::string& text, const std::string& field) {
  return IsPackageName(text) ? absl::OkStatus() : Invalid(absl::StrCat(field, ": a package's name, \"com.android.settings\""));
}

absl::Status CheckCondition(const v1::AndroidCondition& condition, const std::string& field) {
  switch (condition.kind_case()) {
    case v1::AndroidCondition::kActivityRegex:
      return CheckExpression(condition.activity_regex(), absl::StrCat(field, ".activity_regex"));
    case v1::AndroidCondition::kInstalled:
      return CheckPackage(condition.installed(), absl::StrCat(field, ".installed"));
    case v1::AndroidCondition::kLogRegex:
      return CheckExpression(condition.log_regex(), absl::StrCat(field, ".log_regex"));
    case v1::AndroidCondition::kShell:
      return IsText(condition.shell(), kMaxShellBytes) ? absl::OkStatus()
                                                       : Invalid(absl::StrCat(field, ".shell: 1 to 16384 bytes"));
    case v1::AndroidCondition::kElementText:
      return condition.element_text().empty() ? Invalid(absl::StrCat(field, ".element_text: is empty")) : absl::OkStatus();
    case v1::AndroidCondition::KIND_NOT_SET:
      break;
  }
  return Invalid(absl::StrCat(field, ": set what must hold"));
}

absl::Status CheckSetting(const v1::AndroidSetting& setting, const std::string& field) {
  const absl::Status named = CheckSettingName(setting.namespace_(), setting.key());
  if (!named.ok()) return Invalid(absl::StrCat(field, ": ", named.message()));
  if (setting.value().size() <= kMaxShellBytes && setting.value().find('\0') == std::string::npos) return absl::OkStatus();
  return Invalid(absl::StrCat(field, ".value: at most 16384 bytes, without zero bytes"));
}

absl::Status CheckStepKind(const v1::AndroidSetupStep& step, const std::string& field) {
  switch (step.kind_case()) {
    case v1::AndroidSetupStep::kShell:
      return IsText(step.shell(), kMaxShellBytes) ? absl::OkStatus() : Invalid(absl::StrCat(field, ".shell: 1 to 16384 bytes"));
    case v1::AndroidSetupStep::kStartActivity:
      return IsPackageName(step.start_activity()) || IsComponentName(step.start_activity())
                 ? absl::OkStatus()
                 : Invalid(absl::StrCat(field, ".start_activity: \"package/activity\" or a package"));
    case v1::AndroidSetupStep::kForceStop:
      return CheckPackage(step.force_stop(), absl::StrCat(field, ".force_stop"));
    case v1::AndroidSetupStep::kClearData:
      return CheckPackage(step.clear_data(), absl::StrCat(field, ".clear_data"));
    case v1::AndroidSetupStep::kSetSetting:
      return CheckSetting(step.set_setting(), absl::StrCat(field, ".set_setting"));
    case v1::AndroidSetupStep::kPushFile:
      if (step.push_file().content().size() > kMaxFileBytes) return Invalid(absl::StrCat(field, ".push_file.content: over 16 MiB"));
      return CheckPath(step.push_file().path(), absl::StrCat(field, ".push_file.path"));
    case v1::AndroidSetupStep::kRotate:
      return step.rotate() >= 0 && step.rotate() <= 3 ? absl::OkStatus() : Invalid(absl::StrCat(field, ".rotate: 0 to 3"));
    case v1::AndroidSetupStep::kSleep:
      return CheckDuration(step.sleep(), absl::ZeroDuration(), absl::Seconds(60), absl::StrCat(field, ".sleep"));
    case v1::AndroidSetupStep::kPressHome:
      return step.press_home() ? absl::OkStatus() : Invalid(absl::StrCat(field, ".press_home: only true means something"));
    case v1::AndroidSetupStep::KIND_NOT_SET:
      break;
  }
  return Invalid(absl::StrCat(field, ": set what to do"));
}

absl::Status CheckStep(const v1::AndroidSetupStep& step, const std::string& field) {
  PROCTOR_RETURN_IF_ERROR(CheckStepKind(step, field));
  for (int i = 0; i < step.until_size(); ++i) {
    PROCTOR_RETURN_IF_ERROR(CheckCondition(step.until(i), absl::StrCat(field, ".until[", i, "]")));
  }
  if (step.has_timeout()) {
    PROCTOR_RETURN_IF_ERROR(CheckDuration(step.timeout(), absl::ZeroDuration(), absl::Minutes(2), absl::StrCat(field, ".timeout")));
  }
  if (step.retries() < 0 || step.retries() > 10) return Invalid(absl::StrCat(field, ".retries: 0 to 10"));
  return absl::OkStatus();
}

bool IsLogFilter(const std::string& filter) {
  static const re2::RE2* const kFilter = new re2::RE2("[A-Za-z0-9_.*/@ -]{1,100}(:[VDIWEFSvdiwefs])?");
  return re2::RE2::FullMatch(filter, *kFilter) && filter[0] != '-';
}

// A limit that a session may set: its own, else the operator's, else the product's.
void Choose(const google::protobuf::Duration& given, bool is_given, const google::protobuf::Duration& fallback, bool has_fallback,
            absl::Duration built_in, google::protobuf::Duration* out) {
  *out = is_given ? given : has_fallback ? fallback : ToProto(built_in);
}

}  // namespace

bool IsPackageName(const std::string& text) {
  static const re2::RE2* const kName = new re2::RE2("[A-Za-z][A-Za-z0-9_]*(\\.[A-Za-z0-9_]+)*");
  return text.size() <= 255 && re2::RE2::FullMatch(text, *kName);
}

bool IsComponentName(const std::string& text) {
  static const re2::RE2* const kName = new re2::RE2("[A-Za-z][A-Za-z0-9_.]*/[A-Za-z0-9_.$]+");
  return text.size() <= 512 && re2::RE2::FullMatch(text, *kName);
}

absl::Status CheckSettingName(const std::string& space, const std::string& key) {
  if (space != "system" && space != "secure" && space != "global") {
    return Invalid("the namespace is \"system\", \"secure\" or \"global\"");
  }
  static const re2::RE2* const kKey = new re2::RE2("[A-Za-z0-9_.-]{1,255}");
  if (!re2::RE2::FullMatch(key, *kKey) || key[0] == '-') return Invalid("the key is made of letters, digits, _ . and -");
  return absl::OkStatus();
}

absl::StatusOr<AdbAddress> ParseAdbServer(const std::string& text) {
  AdbAddress address;
  if (text.empty()) return address;
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos || colon == 0 || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port == 0 || port > 65535 ||
      text.find_first_of(" \t/\n") != std::string::npos) {
    return Invalid("android.adb_server: \"host:port\", such as \"127.0.0.1:5037\"");
  }
  address.host = text.substr(0, colon);
  address.port = static_cast<uint16_t>(port);
  return address;
}

absl::Status ValidateAndroidConfig(const v1::AndroidConfig& config) {
  PROCTOR_RETURN_IF_ERROR(ParseAdbServer(config.adb_server()).status());
  if (!config.adb_path().empty() && config.adb_path()[0] != '/') return Invalid("android.adb_path: an absolute path");
  for (int i = 0; i < config.connect_size(); ++i) {
    const std::string field = absl::StrCat("android.connect[", i, "]");
    if (config.connect(i).empty() || !ParseAdbServer(config.connect(i)).ok()) return Invalid(absl::StrCat(field, ": \"host:port\""));
    PROCTOR_RETURN_IF_ERROR(CheckSerial(config.connect(i), field));
  }
  for (int i = 0; i < config.serials_size(); ++i) {
    PROCTOR_RETURN_IF_ERROR(CheckSerial(config.serials(i), absl::StrCat("android.serials[", i, "]")));
  }
  if (!v1::AndroidTextMethod_IsValid(config.text_method())) return Invalid("android.text_method: unknown");
  if (!config.has_device_wait()) return absl::OkStatus();
  return CheckDuration(config.device_wait(), absl::ZeroDuration(), absl::Minutes(10), "android.device_wait");
}

absl::StatusOr<v1::AndroidSettings> ResolveAndroidSettings(const v1::AndroidSettings& settings, const v1::AndroidSettings& defaults,
                                                           v1::AndroidTextMethod configured) {
  v1::AndroidSettings out;
  out.set_serial(settings.serial().empty() ? defaults.serial() : settings.serial());
  if (!out.serial().empty()) PROCTOR_RETURN_IF_ERROR(CheckSerial(out.serial(), "settings.android.serial"));
  Choose(settings.settle_still(), settings.has_settle_still(), defaults.settle_still(), defaults.has_settle_still(),
         absl::Milliseconds(200), out.mutable_settle_still());
  PROCTOR_RETURN_IF_ERROR(
      CheckDuration(out.settle_still(), absl::Milliseconds(50), absl::Seconds(5), "settings.android.settle_still"));
  Choose(settings.settle_cap(), settings.has_settle_cap(), defaults.settle_cap(), defaults.has_settle_cap(), absl::Seconds(4),
         out.mutable_settle_cap());
  PROCTOR_RETURN_IF_ERROR(
      CheckDuration(out.settle_cap(), absl::ZeroDuration(), absl::Seconds(60), "settings.android.settle_cap"));
  if (!v1::AndroidTextMethod_IsValid(settings.text_method())) return Invalid("settings.android.text_method: unknown");
  v1::AndroidTextMethod method = settings.text_method();
  for (const v1::AndroidTextMethod next : {defaults.text_method(), configured, v1::ANDROID_TEXT_METHOD_INPUT_TEXT}) {
    if (method == v1::ANDROID_TEXT_METHOD_UNSPECIFIED) method = next;
  }
  out.set_text_method(method);
  return out;
}

absl::Status ValidateAndroidStart(const v1::AndroidStart& start) {
  const std::string prefix = "start_state.android.";
  if (start.setup_size() > kMaxSetup) return Invalid(absl::StrCat(prefix, "setup: over 200 steps"));
  for (int i = 0; i < start.setup_size(); ++i) {
    PROCTOR_RETURN_IF_ERROR(CheckStep(start.setup(i), absl::StrCat(prefix, "setup[", i, "]")));
  }
  if (start.has_clock() && (start.clock().seconds() < 0 || start.clock().seconds() > 4'102'444'800)) {
    return Invalid(absl::StrCat(prefix, "clock: from 1970 to 2100"));
  }
  for (int i = 0; i < start.snapshots_size(); ++i) {
    const std::string field = absl::StrCat(prefix, "snapshots[", i, "]");
    PROCTOR_RETURN_IF_ERROR(CheckPackage(start.snapshots(i).package(), absl::StrCat(field, ".package")));
    const size_t size = start.snapshots(i).archive().size();
    if (size == 0 || size > kMaxArchiveBytes) return Invalid(absl::StrCat(field, ".archive: a tar archive of at most 64 MiB"));
  }
  PROCTOR_RETURN_IF_ERROR(CheckExpression(start.expected_activity(), absl::StrCat(prefix, "expected_activity")));
  PROCTOR_RETURN_IF_ERROR(CheckExpression(start.end_log_regex(), absl::StrCat(prefix, "end_log_regex")));
  for (int i = 0; i < start.log_filters_size(); ++i) {
    if (!IsLogFilter(start.log_filters(i))) {
      return Invalid(absl::StrCat(prefix, "log_filters[", i, "]: as logcat takes them, \"ActivityManager:I\""));
    }
  }
  return absl::OkStatus();
}

}  // namespace proctor::env::android
