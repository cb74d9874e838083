// Finds the members of a JSON object without parsing what is inside them: a DevTools reply may be megabytes of base64,
// of which only the envelope matters to the connection.
#ifndef PROCTOR_ENV_WEB_JSON_SLICES_H_
#define PROCTOR_ENV_WEB_JSON_SLICES_H_

#include <functional>
#include <string>
#include <string_view>

namespace proctor::env::web {

// Calls `member` with each member's name (raw, without quotes, escapes not resolved) and value (raw JSON text).
// Returns false for text that is not an object with balanced members; values themselves are not validated.
bool ForEachMember(std::string_view object,
                   const std::function<void(std::string_view name, std::string_view value)>& member);

// The raw value of one member, or empty.
std::string_view FindMember(std::string_view object, std::string_view name);

// The text of a raw JSON string that holds no escapes ("abc" with its quotes); empty for anything else.
std::string_view PlainString(std::string_view raw);

// Of JSON text that was cut off: what there is of the string in which it ends, escapes resolved; empty if it ends outside of one.
std::string UnendedString(std::string_view cut_off);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_JSON_SLICES_H_
