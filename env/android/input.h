// Command lines of the device's `input`.
#ifndef PROCTOR_ENV_ANDROID_INPUT_H_
#define PROCTOR_ENV_ANDROID_INPUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/v1/geometry.pb.h"

namespace proctor::env::android {

// Numbers of Android's KeyEvent.
enum KeyCode {
  kKeyHome = 3,
  kKeyBack = 4,
  kKeyEnter = 66,
  kKeyDelete = 67,
  kKeyForwardDelete = 112,
  kKeyControl = 113,
  kKeyMoveEnd = 123,
  kKeyRecents = 187,
  kKeyWakeUp = 224,
};

// `count` taps in quick succession, in one round trip.
std::string TapCommand(const v1::Point& point, int count);
std::string SwipeCommand(const v1::Point& from, const v1::Point& to, absl::Duration duration);
std::string KeyCommand(const std::vector<int>& codes);

// Command lines that type `text` by `input text`, in order; newlines and tabs are pressed as keys. Whatever `text` holds, it is never the
// shell's code, and never `input`'s (a `%s` in it stays one). INVALID_ARGUMENT for characters that this way cannot type.
absl::StatusOr<std::vector<std::string>> TextCommands(std::string_view text);

// Command lines that empty the focused field: by Control+A where the API level has key combinations (31), else by deleting as many
// characters on both sides of the cursor as the field may have.
std::vector<std::string> ClearCommands(int api_level, size_t characters);

// Command lines that press these chords ("Enter", "Control+A"). INVALID_ARGUMENT, as a sentence for the agent, for a key that there is
// not, and for modifiers below API level 31.
absl::StatusOr<std::vector<std::string>> ChordCommands(const std::vector<std::string>& chords, int api_level);

// `commands` joined into lines that each end soon; each stops at the first that fails.
std::vector<std::string> Join(const std::vector<std::string>& commands);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_INPUT_H_
