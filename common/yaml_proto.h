// Configuration files: YAML read into a protobuf message.
//
// Keys are field names. Unknown and repeated keys, wrong types, numbers out of range and two
// members of a oneof are refused; every error reads "<file>:<line>: <field path>: <reason>".
//  - Enums by value name, with or without the type's prefix, in any case: `power` or
//  `DURABILITY_POWER`.
//  - Durations as "1m30s", "500ms" (a bare number is refused, 0 excepted); timestamps as RFC 3339.
//  - Integer fields whose name ends in `_bytes` also take "64KiB", "32MiB", "1GiB".
//  - A key without a value gives an empty message, list or map; for a scalar it is refused.
#ifndef PROCTOR_COMMON_YAML_PROTO_H_
#define PROCTOR_COMMON_YAML_PROTO_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace proctor {

// Where each value of a file stands, for errors found later (ranges, combinations).
class YamlLocations {
 public:
  explicit YamlLocations(std::string file) : file_(std::move(file)) {}

  // INVALID_ARGUMENT "<file>:<line>: <path>: <reason>". `path` is like "browser.extra_flags[2]" or
  // "environments.web.max_sessions"; where it is not in the file, its nearest parent's line is
  // given.
  absl::Status Error(std::string_view path, std::string_view reason) const;

  void Add(std::string path, int line) { lines_[std::move(path)] = line; }
  bool Has(const std::string& path) const { return lines_.contains(path); }

 private:
  std::string file_;
  std::map<std::string, int> lines_;
};

// Reads one YAML document into `message`, which is cleared first. An empty document is an empty
// message. INVALID_ARGUMENT as above; at most 1 MiB and 64 levels.
absl::StatusOr<YamlLocations> ParseYamlProto(std::string_view text, const std::string& file,
                                             google::protobuf::Message& message);

// The same for a file. NOT_FOUND, PERMISSION_DENIED or UNAVAILABLE if it cannot be read.
absl::StatusOr<YamlLocations> LoadYamlProto(const std::string& path,
                                            google::protobuf::Message& message);

}  // namespace proctor

#endif  // PROCTOR_COMMON_YAML_PROTO_H_
