#include "env/key_chord.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace proctor::env {
namespace {

constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"cmd", "meta"},      {"command", "meta"},  {"ctrl", "control"},  {"del", "delete"}, {"down", "arrowdown"},
    {"esc", "escape"},    {"left", "arrowleft"}, {"option", "alt"},    {"return", "enter"}, {"right", "arrowright"},
    {"spacebar", "space"}, {"up", "arrowup"}};

bool IsModifier(std::string_view name) {
  const std::string key = CanonicalKeyName(name);
  return key == "alt" || key == "control" || key == "meta" || key == "shift";
}

}  // namespace

std::string CanonicalKeyName(std::string_view name) {
  const std::string key = absl::AsciiStrToLower(ToAbsl(name));
  const auto alias = std::find_if(std::begin(kAliases), std::end(kAliases), [&](const auto& entry) { return entry.first == key; });
  return alias == std::end(kAliases) ? key : std::string(alias->second);
}

absl::StatusOr<std::vector<std::string>> SplitChord(std::string_view chord) {
  std::vector<std::string> parts;
  size_t at = 0;
  while (at < chord.size()) {
    const size_t plus = chord.find('+', at + 1);
    parts.emplace_back(chord.substr(at, plus - at));
    if (plus == std::string_view::npos) break;
    at = plus + 1;
    if (at == chord.size()) parts.emplace_back("");
  }
  if (parts.empty() || parts.back().empty()) {
    return absl::InvalidArgumentError("an empty key: name one, such as Enter or Control+A");
  }
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (IsModifier(parts[i])) continue;
    return absl::InvalidArgumentError(absl::StrCat("\"", ToAbsl(TruncateUtf8(parts[i], 40)),
                                                   "\" is no modifier: use Alt, Control, Meta or Shift before the +"));
  }
  return parts;
}

absl::Status NoSuchKey(std::string_view name) {
  return absl::InvalidArgumentError(absl::StrCat(
      "there is no key \"", ToAbsl(TruncateUtf8(name, 40)),
      "\": use names like Enter, Tab, Escape, ArrowDown, PageDown, Backspace, F5, a single character, or a chord like Control+A"));
}

}  // namespace proctor::env
