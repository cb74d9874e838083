// Keys by name and text as X keysyms, which is what RFB's key events carry.
#ifndef PROCTOR_ENV_DESKTOP_KEYSYMS_H_
#define PROCTOR_ENV_DESKTOP_KEYSYMS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::env::desktop {

inline constexpr uint32_t kKeyReturn = 0xff0d;
inline constexpr uint32_t kKeyControl = 0xffe3;
inline constexpr uint32_t kKeyShift = 0xffe1;
inline constexpr uint32_t kKeyAlt = 0xffe9;
inline constexpr uint32_t kKeyMeta = 0xffeb;
inline constexpr uint32_t kKeyDelete = 0xffff;

// Keys that are pressed in this order, and released in the opposite one.
struct KeyChord {
  std::vector<uint32_t> keysyms;
};

// "Control+Shift+ArrowLeft", "a", "+", "Enter", named as in PressKeys. INVALID_ARGUMENT, with a text for the agent.
absl::StatusOr<KeyChord> ParseChord(std::string_view chord);

// One key without modifiers, also a modifier itself.
absl::StatusOr<uint32_t> ParseKey(std::string_view name);

// The keysym that types a character; 0 for control characters that no key types.
uint32_t KeysymOf(char32_t character);

// Keys that type the text, one a character; a line break is Return, a tabulator Tab. INVALID_ARGUMENT, with a text for the agent, for
// control characters and what is no UTF-8.
absl::StatusOr<std::vector<uint32_t>> KeysymsOf(std::string_view text);

// What the key gives with Shift on a US keyboard: 'A' for 'a', '!' for '1'; itself if Shift changes nothing.
uint32_t WithShift(uint32_t keysym);

// Whether every keyboard has a key for it: ASCII, Return, Tab and the like.
bool IsCommonKeysym(uint32_t keysym);

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_KEYSYMS_H_
