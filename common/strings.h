// Conversions between std::string_view and absl::string_view, which differ in Debian's Abseil.
#ifndef PROCTOR_COMMON_STRINGS_H_
#define PROCTOR_COMMON_STRINGS_H_

#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace proctor {

// For arguments of Abseil functions: absl::StrCat(ToAbsl(view)).
inline absl::string_view ToAbsl(std::string_view view) { return {view.data(), view.size()}; }

// For results of Abseil functions.
inline std::string_view ToStd(absl::string_view view) { return {view.data(), view.size()}; }

// Cuts `text` to at most `max_bytes` without splitting a UTF-8 sequence.
std::string_view TruncateUtf8(std::string_view text, size_t max_bytes);

// `text` with every malformed UTF-8 sequence replaced by U+FFFD. Protobuf strings must be valid.
std::string SanitizeUtf8(std::string_view text);

}  // namespace proctor

#endif  // PROCTOR_COMMON_STRINGS_H_
