// Names of keys and chords as agents write them, the same for all worlds: "Control+Shift+ArrowLeft".
#ifndef PROCTOR_ENV_KEY_CHORD_H_
#define PROCTOR_ENV_KEY_CHORD_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::env {

// The chord's parts in order, the key last; "Control++" is Control and "+". INVALID_ARGUMENT, with a text for the agent: an empty key, or
// something other than Alt, Control, Meta and Shift before a +.
absl::StatusOr<std::vector<std::string>> SplitChord(std::string_view chord);

// The name in lower case, aliases replaced: "ctrl" is "control", "Return" is "enter".
std::string CanonicalKeyName(std::string_view name);

// INVALID_ARGUMENT that tells the agent what names there are.
absl::Status NoSuchKey(std::string_view name);

}  // namespace proctor::env

#endif  // PROCTOR_ENV_KEY_CHORD_H_
