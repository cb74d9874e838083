#include "env/desktop/keysyms.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/key_chord.h"

namespace proctor::env::desktop {
namespace {

constexpr uint32_t kKeyTab = 0xff09;
// Keysyms of what Latin-1 does not have (X11 protocol, appendix A).
constexpr uint32_t kUnicodeBase = 0x01000000;

// By KeyboardEvent.key in lower case.
const std::map<std::string, uint32_t>& NamedKeys() {
  static const auto* const kKeys = [] {
    auto* keys = new std::map<std::string, uint32_t>{
        {"alt", kKeyAlt},         {"altgraph", 0xfe03},    {"arrowdown", 0xff54},   {"arrowleft", 0xff51}, {"arrowright", 0xff53},
        {"arrowup", 0xff52},      {"backspace", 0xff08},   {"capslock", 0xffe5},    {"contextmenu", 0xff67}, {"control", kKeyControl},
        {"delete", kKeyDelete},   {"end", 0xff57},         {"enter", kKeyReturn},   {"escape", 0xff1b},    {"home", 0xff50},
        {"insert", 0xff63},       {"meta", kKeyMeta},      {"numlock", 0xff7f},     {"pagedown", 0xff56},  {"pageup", 0xff55},
        {"pause", 0xff13},        {"printscreen", 0xff61}, {"scrolllock", 0xff14},  {"shift", kKeyShift},  {"space", 0x20},
        {"tab", kKeyTab},
    };
    for (uint32_t n = 1; n <= 12; ++n) (*keys)[absl::StrCat("f", n)] = 0xffbe + n - 1;
    return keys;
  }();
  return *kKeys;
}

// One character of UTF-8 at the front of `text`, taken off; U+FFFFFFFF: malformed.
char32_t TakeCharacter(std::string_view& text) {
  constexpr char32_t kMalformed = 0xffffffff;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
  if (length == 0 || text.size() < length) return kMalformed;
  char32_t character = length == 1 ? first : first & (0xff >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 2) return kMalformed;
    character = character << 6 | (byte(i) & 0x3f);
  }
  text.remove_prefix(length);
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  return character < kLeast[length] || character > 0x10ffff || surrogate ? kMalformed : character;
}

}  // namespace

uint32_t WithShift(uint32_t keysym) {
  static constexpr std::string_view kPlain = "`1234567890-=[]\\;',./";
  static constexpr std::string_view kShifted = "~!@#$%^&*()_+{}|:\"<>?";
  if (keysym >= 'a' && keysym <= 'z') return keysym - 'a' + 'A';
  const size_t at = keysym < 0x80 ? kPlain.find(static_cast<char>(keysym)) : std::string_view::npos;
  return at == std::string_view::npos ? keysym : static_cast<uint32_t>(kShifted[at]);
}

uint32_t KeysymOf(char32_t character) {
  if (character == '\n') return kKeyReturn;
  if (character == '\t') return kKeyTab;
  if (character < 0x20 || (character >= 0x7f && character < 0xa0)) return 0;
  return character < 0x100 ? static_cast<uint32_t>(character) : kUnicodeBase + static_cast<uint32_t>(character);
}

bool IsCommonKeysym(uint32_t keysym) {
  return (keysym >= 0x20 && keysym < 0x7f) || (keysym >= 0xfe00 && keysym <= 0xffff);
}

absl::StatusOr<uint32_t> ParseKey(std::string_view name) {
  const auto named = NamedKeys().find(CanonicalKeyName(name));
  if (named != NamedKeys().end()) return named->second;
  std::string_view rest = name;
  if (!rest.empty()) {
    const char32_t character = TakeCharacter(rest);
    const uint32_t keysym = character <= 0x10ffff && rest.empty() ? KeysymOf(character) : 0;
    if (keysym != 0) return keysym;
  }
  return NoSuchKey(name);
}

absl::StatusOr<KeyChord> ParseChord(std::string_view chord) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> parts, SplitChord(chord));
  KeyChord out;
  for (size_t i = 0; i < parts.size(); ++i) {
    PROCTOR_ASSIGN_OR_RETURN(uint32_t keysym, ParseKey(parts[i]));
    const bool last = i + 1 == parts.size();
    const bool with_shift = std::find(out.keysyms.begin(), out.keysyms.end(), kKeyShift) != out.keysyms.end();
    // The server of the screen holds no Shift of its own where we hold one.
    if (last && with_shift) keysym = WithShift(keysym);
    // Control+A is pressed without Shift.
    if (last && !with_shift && parts.size() > 1 && keysym >= 'A' && keysym <= 'Z') keysym = keysym - 'A' + 'a';
    out.keysyms.push_back(keysym);
  }
  return out;
}

absl::StatusOr<std::vector<uint32_t>> KeysymsOf(std::string_view text) {
  std::vector<uint32_t> out;
  while (!text.empty()) {
    const char32_t character = TakeCharacter(text);
    if (character > 0x10ffff) return absl::InvalidArgumentError("the text is no UTF-8");
    // Windows' line breaks.
    if (character == '\r') {
      if (text.empty() || text[0] != '\n') out.push_back(kKeyReturn);
      continue;
    }
    const uint32_t keysym = KeysymOf(character);
    if (keysym == 0) {
      return absl::InvalidArgumentError(absl::StrCat("no key types the control character U+", absl::Hex(character, absl::kZeroPad4),
                                                     ": leave it out, or use press_keys for keys like Escape"));
    }
    out.push_back(keysym);
  }
  return out;
}

}  // namespace proctor::env::desktop
