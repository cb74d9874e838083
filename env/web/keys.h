// Key chords and text as DevTools key events.
#ifndef PROCTOR_ENV_WEB_KEYS_H_
#define PROCTOR_ENV_WEB_KEYS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "env/web/devtools.h"

namespace proctor::env::web {

// Bits of Input.dispatch*Event's `modifiers`.
inline constexpr int kAltBit = 1;
inline constexpr int kControlBit = 2;
inline constexpr int kMetaBit = 4;
inline constexpr int kShiftBit = 8;

// Commands that press and release a chord such as "Control+Shift+ArrowLeft", "a", "+", "Enter". INVALID_ARGUMENT, with a
// text for the agent, for a key that does not exist.
absl::StatusOr<std::vector<DevToolsCommand>> ChordCommands(const std::string& session_id, std::string_view chord);

// Commands that type text into whatever has the focus: key by key while it is short ASCII (pages listen to keys), else
// inserted at once.
std::vector<DevToolsCommand> TextCommands(const std::string& session_id, const std::string& text);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_KEYS_H_
