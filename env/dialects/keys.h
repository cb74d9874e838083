// Keys by the names that xdotool, pyautogui and OpenAI's models give them, as the DOM names that actions take.
#ifndef PROCTOR_ENV_DIALECTS_KEYS_H_
#define PROCTOR_ENV_DIALECTS_KEYS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proctor/v1/action.pb.h"

namespace proctor::env::dialects {

// "Return", "enter" and "KP_Enter" are "Enter", "Page_Down" is "PageDown", "ctrl" and "Control_L" are "Control", "minus" is "-".
// Case does not matter but for single characters. A name that is not known stays as it is: the world says which keys it has.
std::string DomKey(std::string_view name);

// "ctrl+shift+t" is "Control+Shift+t"; "ctrl++" is Control and plus. A letter with Alt, Control or Meta and without Shift is
// written small: "CTRL+C" is not Control+Shift+C.
std::string DomChord(std::string_view chord);
std::string DomChord(const std::vector<std::string>& keys);

// The modifier that a key is, or nothing.
std::optional<v1::KeyModifier> ModifierOf(std::string_view key);

// The parts of a chord: "ctrl+shift" is {"ctrl", "shift"}.
std::vector<std::string> SplitChord(std::string_view chord);

}  // namespace proctor::env::dialects

#endif  // PROCTOR_ENV_DIALECTS_KEYS_H_
