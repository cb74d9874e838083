// Messages that users write: YAML or JSON files, or standard input.
#ifndef PROCTOR_CLIENTS_CLI_INPUT_FILE_H_
#define PROCTOR_CLIENTS_CLI_INPUT_FILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "proctor/v1/task.pb.h"

namespace proctor::cli {

// The bytes of a file; "-" is standard input. At most 64 MiB. Errors name the file.
absl::StatusOr<std::string> ReadInput(const std::string& path);

// One message from YAML (common/yaml_proto.h) or protobuf JSON (the text begins with '{').
// INVALID_ARGUMENT names file, line where known, and the field.
absl::Status ParseInput(const std::string& text, const std::string& path,
                        google::protobuf::Message& message);

// Tasks from one task, a `tasks:` list, a JSON list, or JSON lines as `proctor task list --json`
// prints them.
absl::StatusOr<std::vector<v1::Task>> ParseTasks(const std::string& text, const std::string& path);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_INPUT_FILE_H_
