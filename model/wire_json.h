// Careful reading of JSON that servers send: any member may be missing or of any type. Private to model/; heavy as
// common/json.h.
#ifndef PROCTOR_MODEL_WIRE_JSON_H_
#define PROCTOR_MODEL_WIRE_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/json.h"

namespace proctor::model {

// The member, or null: also if `object` is none.
const Json* Member(const Json& object, std::string_view key);
// The member if it is an array, else an empty one.
const Json& Array(const Json& object, std::string_view key);
// The member as text, whether it came as a string or as a number; else "".
std::string Text(const Json& object, std::string_view key);
// The text of a message's content: a string, or an array of parts with `text`.
std::string ContentText(const Json& object, std::string_view key);
// A count of 0 to 10^12; what is out of it, or no number, is 0.
int64_t Count(const Json& object, std::string_view key);

// Base64 of `bytes`.
std::string Base64(std::string_view bytes);
// "image/png", "image/jpeg" or "image/webp", by its first bytes; "application/octet-stream".
std::string_view MediaType(std::string_view image);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_WIRE_JSON_H_
