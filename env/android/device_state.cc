#include "env/android/device_state.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "re2/re2.h"

namespace proctor::env::android {
namespace {

// `grep` runs on the device: the services print hundreds of kilobytes.
constexpr char kForegroundCommand[] =
    "dumpsys activity activities | grep ResumedActivity; "
    "dumpsys window displays | grep -E 'mCurrentFocus=|mFocusedApp=|mCurrentRotation='; "
    "dumpsys display | grep mCurrentOrientation=";
constexpr char kStateCommand[] =
    "dumpsys battery | grep -E 'level:|present:'; dumpsys input_method | grep mInputShown=; "
    "echo @time; date +%s; echo @zone; getprop persist.sys.timezone";

// "com.a/com.a.B" as "com.a/.B".
std::string Component(const std::string& package, const std::string& name) {
  const bool inside = absl::StartsWith(name, absl::StrCat(package, "."));
  return absl::StrCat(package, "/", inside ? name.substr(package.size()) : name);
}

// How much a line is to be believed when several name something: 0 for lines that name nothing.
int Rank(absl::string_view line) {
  if (absl::StrContains(line, "topResumedActivity")) return 5;  // Since Android 10.
  if (absl::StrContains(line, "mResumedActivity")) return 4;
  if (absl::StrContains(line, "ResumedActivity:")) return 3;  // A task's own.
  if (absl::StrContains(line, "mFocusedApp=")) return 2;
  return absl::StrContains(line, "mCurrentFocus=") ? 1 : 0;
}

void ReadRotation(absl::string_view line, Foreground& out) {
  static const re2::RE2* const kDegrees = new re2::RE2("mCurrentRotation=(?:ROTATION_)?(0|90|180|270)\\b");
  static const re2::RE2* const kQuarters = new re2::RE2("mCurrentOrientation=([0-3])\\b");
  int number = 0;
  if (re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *kDegrees, &number)) out.rotation = number / 90;
  if (re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *kQuarters, &number)) out.rotation = number;
}

// The line after the one that is `title`.
std::string LineAfter(const std::vector<absl::string_view>& lines, absl::string_view title) {
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    if (absl::StripAsciiWhitespace(lines[i]) == title) return std::string(absl::StripAsciiWhitespace(lines[i + 1]));
  }
  return "";
}

bool IsZone(const std::string& name) {
  static const re2::RE2* const kName = new re2::RE2("[A-Za-z][A-Za-z0-9_+/-]{0,99}");
  return re2::RE2::FullMatch(name, *kName);
}

}  // namespace

Foreground ParseForeground(std::string_view text) {
  static const re2::RE2* const kComponent = new re2::RE2("\\bu\\d+ ([A-Za-z][A-Za-z0-9_.]{0,254})/([A-Za-z0-9_.$]{1,254})");
  Foreground out;
  int believed = 0;
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
    ReadRotation(line, out);
    std::string package, name;
    const int rank = Rank(line);
    if (rank <= believed || !re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *kComponent, &package, &name)) continue;
    believed = rank;
    out.package = package;
    out.activity = Component(package, name);
  }
  return out;
}

absl::StatusOr<Foreground> ReadForeground(const CallContext& context, Device& device) {
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult result, device.Shell(context, kForegroundCommand));
  if (absl::StripAsciiWhitespace(result.output).empty()) return absl::UnavailableError("the device says nothing about its screen");
  return ParseForeground(result.output);
}

v1::Orientation OrientationOf(int rotation) { return static_cast<v1::Orientation>(v1::ORIENTATION_NATURAL + (rotation & 3)); }

v1::DeviceState ParseDeviceState(const Foreground& foreground, std::string_view text) {
  v1::DeviceState state;
  state.set_package(foreground.package);
  state.set_activity(foreground.activity);
  state.set_orientation(OrientationOf(foreground.rotation));
  state.set_battery_percent(-1);
  const std::vector<absl::string_view> lines = absl::StrSplit(ToAbsl(text), '\n');
  bool present = true;
  for (const absl::string_view raw : lines) {
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    int level = 0;
    if (absl::StartsWith(line, "level:") && absl::SimpleAtoi(line.substr(6), &level) && level >= 0 && level <= 100) {
      state.set_battery_percent(level);
    }
    if (absl::StartsWith(line, "present:")) present = absl::StrContains(line, "true");
    if (absl::StrContains(line, "mInputShown=true")) state.set_keyboard_shown(true);
  }
  if (!present) state.set_battery_percent(-1);
  int64_t seconds = 0;
  if (absl::SimpleAtoi(LineAfter(lines, "@time"), &seconds) && seconds >= 0 && seconds < 253'402'300'800) {
    state.mutable_device_time()->set_seconds(seconds);
  }
  const std::string zone = LineAfter(lines, "@zone");
  if (IsZone(zone)) state.set_time_zone(zone);
  return state;
}

absl::StatusOr<v1::DeviceState> ReadDeviceState(const CallContext& context, Device& device, const Foreground& foreground) {
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult result, device.Shell(context, kStateCommand));
  return ParseDeviceState(foreground, result.output);
}

absl::StatusOr<v1::Size> ParseScreenSize(std::string_view text) {
  static const re2::RE2* const kSize = new re2::RE2("(Physical|Override) size: (\\d{1,5})x(\\d{1,5})");
  re2::StringPiece rest(text.data(), text.size());
  v1::Size size;
  std::string which;
  int width = 0, height = 0;
  while (re2::RE2::FindAndConsume(&rest, *kSize, &which, &width, &height)) {
    if (width == 0 || height == 0 || (which == "Physical" && size.width() > 0)) continue;
    size.set_width(width);
    size.set_height(height);
  }
  if (size.width() > 0) return size;
  return absl::DataLossError("`wm size` names no size");
}

absl::StatusOr<v1::Size> ReadScreenSize(const CallContext& context, Device& device) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, device.Run(context, "wm size"));
  return ParseScreenSize(text);
}

v1::Size Turned(const v1::Size& natural, int rotation) {
  v1::Size size = natural;
  if (rotation % 2 != 0) {
    size.set_width(natural.height());
    size.set_height(natural.width());
  }
  return size;
}

}  // namespace proctor::env::android
