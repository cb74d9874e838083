// Protobuf messages as JSON, with the .proto's field names.
#ifndef PROCTOR_COMMON_PROTO_JSON_H_
#define PROCTOR_COMMON_PROTO_JSON_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace proctor {

enum class JsonLayout { kCompact, kIndented };

std::string ProtoToJson(const google::protobuf::Message& message,
                        JsonLayout layout = JsonLayout::kCompact);

// INVALID_ARGUMENT for malformed JSON, unknown or mistyped fields. `message` is cleared first.
absl::Status ProtoFromJson(std::string_view json, google::protobuf::Message& message);

// The same bytes for equal messages of this build (map entries sorted), for digests.
std::string ProtoCanonicalBytes(const google::protobuf::Message& message);

}  // namespace proctor

#endif  // PROCTOR_COMMON_PROTO_JSON_H_
