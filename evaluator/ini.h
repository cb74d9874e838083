// INI files, as desktops write their settings.
#ifndef PROCTOR_EVALUATOR_INI_H_
#define PROCTOR_EVALUATOR_INI_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace proctor::evaluator {

// The file as JSON text: {"section": {"key": "value"}}; keys before any section are in section "".
//
// A line is blank, a comment (its first character that is not blank is ; or #), `[section]` or `key = value`. Blanks around names
// and values do not count; a value goes to the line's end, quotes and comment signs included. Lines end with LF or CRLF; a byte
// order mark is skipped. A section that comes again goes on; a key that comes again takes the last value.
// INVALID_ARGUMENT, with the line's number, for any other line. `text` is UTF-8. Linear.
absl::StatusOr<std::string> IniToJson(std::string_view text);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_INI_H_
