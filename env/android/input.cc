#include "env/android/input.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/android/device.h"

namespace proctor::env::android {
namespace {

constexpr int kKeyTab = 61;
// One `input text`, so that no line takes long: devices type about a hundred characters a second, and have a time for each line.
constexpr size_t kMaxTextPiece = 500;
// What is joined; a longer command is a line by itself. Each `input` takes up to a second to start.
constexpr size_t kMaxLine = 600;
// `input keyevent` with several codes.
constexpr size_t kMaxCodes = 200;
// Since Android 12: `input keycombination`.
constexpr int kHasCombinations = 31;

int64_t Pixel(double at) { return static_cast<int64_t>(std::floor(at)); }

// By KeyboardEvent.key in lower case.
const std::map<std::string, int>& NamedKeys() {
  static const auto* const kKeys = [] {
    auto* keys = new std::map<std::string, int>{
        {"enter", 66},      {"return", 66},    {"backspace", 67},  {"delete", 112},    {"del", 112},        {"tab", 61},
        {"escape", 111},    {"esc", 111},      {"arrowup", 19},    {"up", 19},         {"arrowdown", 20},   {"down", 20},
        {"arrowleft", 21},  {"left", 21},      {"arrowright", 22}, {"right", 22},      {"home", 122},       {"end", 123},
        {"pageup", 92},     {"pagedown", 93},  {"insert", 124},    {"space", 62},      {"spacebar", 62},    {"capslock", 115},
        {"contextmenu", 82}, {"browserback", 4}, {"goback", 4},    {"browsersearch", 84}, {"audiovolumeup", 24},
        {"audiovolumedown", 25}, {"audiovolumemute", 164}};
    for (int n = 1; n <= 12; ++n) (*keys)[absl::StrCat("f", n)] = 130 + n;
    for (char c = 'a'; c <= 'z'; ++c) (*keys)[std::string(1, c)] = 29 + (c - 'a');
    for (char c = '0'; c <= '9'; ++c) (*keys)[std::string(1, c)] = 7 + (c - '0');
    return keys;
  }();
  return *kKeys;
}

const std::map<std::string, int>& Modifiers() {
  static const auto* const kModifiers =
      new std::map<std::string, int>{{"alt", 57}, {"control", 113}, {"ctrl", 113}, {"meta", 117}, {"shift", 59}};
  return *kModifiers;
}

bool Typeable(char c) { return c >= ' ' && c <= '~'; }

// Text without newlines and tabs.
void AddText(std::string_view text, std::vector<std::string>& out) {
  while (!text.empty()) {
    std::string_view piece = text.substr(0, kMaxTextPiece);
    // `input text` writes a space for "%s": the two characters are sent apart.
    if (const size_t at = piece.find("%s"); at != std::string_view::npos) piece = piece.substr(0, at + 1);
    if (piece.size() < text.size() && piece.back() == '%' && piece.size() > 1 && text[piece.size()] != 's') piece.remove_suffix(1);
    out.push_back(absl::StrCat("input text ", ShellQuote(piece)));
    text.remove_prefix(piece.size());
  }
}

absl::StatusOr<std::string> ChordCommand(const std::string& chord, int api_level) {
  // "+" itself is a key: "Control++".
  std::vector<std::string> names = absl::StrSplit(chord, '+');
  if (chord == "+" || (chord.size() > 1 && chord.compare(chord.size() - 2, 2, "++") == 0)) {
    names.resize(names.size() - 2);
    names.push_back("+");
  }
  const std::string key = absl::AsciiStrToLower(names.back());
  if (names.size() == 1 && chord.size() == 1 && Typeable(chord[0])) return absl::StrCat("input text ", ShellQuote(chord));
  const auto modifier = Modifiers().find(key);
  const auto named = NamedKeys().find(key);
  const bool known = named != NamedKeys().end() || modifier != Modifiers().end();
  if (!known) {
    return absl::InvalidArgumentError(absl::StrCat("There is no key \"", SanitizeUtf8(TruncateUtf8(chord, 50)),
                                                   "\" here: use keys such as Enter, Backspace, Tab, ArrowDown, a, F1."));
  }
  const int code = named != NamedKeys().end() ? named->second : modifier->second;
  if (names.size() == 1) return KeyCommand({code});
  if (api_level < kHasCombinations) {
    return absl::InvalidArgumentError(absl::StrCat("This device cannot press \"", SanitizeUtf8(TruncateUtf8(chord, 50)),
                                                   "\": key combinations came with Android 12. Press single keys."));
  }
  std::string command = "input keycombination";
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    const auto held = Modifiers().find(absl::AsciiStrToLower(names[i]));
    if (held == Modifiers().end()) {
      return absl::InvalidArgumentError(absl::StrCat("\"", SanitizeUtf8(TruncateUtf8(names[i], 50)),
                                                     "\" is no modifier: use Alt, Control, Meta or Shift."));
    }
    absl::StrAppend(&command, " ", held->second);
  }
  return absl::StrCat(command, " ", code);
}

}  // namespace

std::string TapCommand(const v1::Point& point, int count) {
  const std::string tap = absl::StrCat("input tap ", Pixel(point.x()), " ", Pixel(point.y()));
  return absl::StrJoin(std::vector<std::string>(std::max(count, 1), tap), " && ");
}

std::string SwipeCommand(const v1::Point& from, const v1::Point& to, absl::Duration duration) {
  return absl::StrCat("input swipe ", Pixel(from.x()), " ", Pixel(from.y()), " ", Pixel(to.x()), " ", Pixel(to.y()), " ",
                      absl::ToInt64Milliseconds(duration));
}

std::string KeyCommand(const std::vector<int>& codes) { return absl::StrCat("input keyevent ", absl::StrJoin(codes, " ")); }

absl::StatusOr<std::vector<std::string>> TextCommands(std::string_view text) {
  const bool fits = std::all_of(text.begin(), text.end(), [](char c) { return Typeable(c) || c == '\n' || c == '\t'; });
  if (!fits) {
    return absl::InvalidArgumentError(
        "This device types ASCII only (text method INPUT_TEXT): leave out other characters, or have the session use ADB_KEYBOARD.");
  }
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t at = std::min(text.find_first_of("\n\t"), text.size());
    AddText(text.substr(0, at), out);
    if (at < text.size()) out.push_back(KeyCommand({text[at] == '\n' ? static_cast<int>(kKeyEnter) : kKeyTab}));
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return out;
}

std::vector<std::string> ClearCommands(int api_level, size_t characters) {
  if (api_level >= kHasCombinations) return {absl::StrCat("input keycombination ", kKeyControl, " 29"), KeyCommand({kKeyDelete})};
  std::vector<std::string> out = {KeyCommand({kKeyMoveEnd})};
  for (const int code : {kKeyDelete, kKeyForwardDelete}) {
    for (size_t left = characters; left > 0;) {
      const size_t now = std::min(left, kMaxCodes);
      out.push_back(KeyCommand(std::vector<int>(now, code)));
      left -= now;
    }
  }
  return out;
}

absl::StatusOr<std::vector<std::string>> ChordCommands(const std::vector<std::string>& chords, int api_level) {
  std::vector<std::string> out;
  for (const std::string& chord : chords) {
    PROCTOR_ASSIGN_OR_RETURN(std::string command, ChordCommand(chord, api_level));
    out.push_back(std::move(command));
  }
  return out;
}

std::vector<std::string> Join(const std::vector<std::string>& commands) {
  std::vector<std::string> lines;
  for (const std::string& command : commands) {
    if (!lines.empty() && lines.back().size() + command.size() < kMaxLine) {
      absl::StrAppend(&lines.back(), " && ", command);
    } else {
      lines.push_back(command);
    }
  }
  return lines;
}

}  // namespace proctor::env::android
