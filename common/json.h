// JSON at the edges: nlohmann/json without exceptions, and protobuf messages as JSON.
// The header is heavy (2.7 s a translation unit): include it in .cc files only.
#ifndef PROCTOR_COMMON_JSON_H_
#define PROCTOR_COMMON_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/proto_json.h"
#include "nlohmann/json.hpp"

namespace proctor {

using Json = nlohmann::json;

// Parses one JSON text. INVALID_ARGUMENT for malformed or too deeply nested (over 200) input.
absl::StatusOr<Json> ParseJson(std::string_view text);

// Compact text; malformed UTF-8 is replaced.
std::string DumpJson(const Json& json);

// The member; null if it is missing or `object` is none.
const Json& JsonMember(const Json& object, std::string_view key);

// The member as a string, number, ... or the default if it is missing or of another type.
std::string JsonStringOr(const Json& object, std::string_view key, std::string_view otherwise = "");
double JsonNumberOr(const Json& object, std::string_view key, double otherwise = 0);
// The same as a whole number: fractions are cut off, what lies beyond ±2^53 (as far as a double counts) stays at that limit.
int64_t JsonIntegerOr(const Json& object, std::string_view key, int64_t otherwise = 0);
bool JsonBoolOr(const Json& object, std::string_view key, bool otherwise = false);

}  // namespace proctor

#endif  // PROCTOR_COMMON_JSON_H_
