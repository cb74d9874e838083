#include "clients/cli/input_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/json.h"
#include "common/status.h"
#include "common/yaml_proto.h"
#include "proctor/v1/task_service.pb.h"

namespace proctor::cli {
namespace {

constexpr size_t kMaxBytes = 64 << 20;

char FirstCharacter(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? '\0' : text[first];
}

std::string Shown(const std::string& path) { return path == "-" ? "standard input" : path; }

// JSON lines. INVALID_ARGUMENT names the line.
absl::StatusOr<std::vector<v1::Task>> ParseTaskLines(const std::string& text,
                                                     const std::string& path) {
  std::vector<v1::Task> tasks;
  int number = 0;
  for (const auto& line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    PROCTOR_RETURN_IF_ERROR(
        Annotate(ProtoFromJson({line.data(), line.size()}, tasks.emplace_back()),
                 absl::StrCat(Shown(path), ":", number)));
  }
  return tasks;
}

// Whether the text has a key `tasks` of its own at the top.
bool HasTasksKey(const std::string& text) {
  for (const auto& line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "tasks:")) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  const bool is_stdin = path == "-";
  const std::unique_ptr<FILE, int (*)(FILE*)> file(is_stdin ? stdin : fopen(path.c_str(), "re"),
                                                   is_stdin ? [](FILE*) { return 0; } : fclose);
  if (file == nullptr)
    return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", strerror(errno)));
  std::string text;
  char buffer[1 << 16];
  for (size_t count = 0; (count = fread(buffer, 1, sizeof buffer, file.get())) > 0;) {
    text.append(buffer, count);
    if (text.size() > kMaxBytes)
      return absl::InvalidArgumentError(absl::StrCat(Shown(path), " is larger than 64 MiB"));
  }
  if (ferror(file.get()) != 0)
    return absl::FailedPreconditionError(absl::StrCat("cannot read ", Shown(path), ": ", strerror(errno)));
  return text;
}

absl::Status ParseInput(const std::string& text, const std::string& path,
                        google::protobuf::Message& message) {
  if (FirstCharacter(text) == '{') return Annotate(ProtoFromJson(text, message), Shown(path));
  return ParseYamlProto(text, Shown(path), message).status();
}

absl::StatusOr<std::vector<v1::Task>> ParseTasks(const std::string& text, const std::string& path) {
  v1::BatchCreateTasksRequest batch;
  const char first = FirstCharacter(text);
  if (first == '\0') return absl::InvalidArgumentError(absl::StrCat(Shown(path), " is empty"));
  if (first == '[') {
    PROCTOR_RETURN_IF_ERROR(
        Annotate(ProtoFromJson(absl::StrCat("{\"tasks\":", text, "}"), batch), Shown(path)));
    // Else what follows the list would be read as further fields.
    if (!Json::accept(text)) {
      return absl::InvalidArgumentError(absl::StrCat(
          Shown(path), " begins with '[' but is not one JSON list: nothing may follow its ']', and JSON quotes with \""));
    }
  } else if (first == '{') {
    // One object over several lines, a batch, or lines of objects.
    v1::Task task;
    if (ProtoFromJson(text, task).ok()) return std::vector<v1::Task>{std::move(task)};
    if (!ProtoFromJson(text, batch).ok()) return ParseTaskLines(text, path);
  } else if (HasTasksKey(text)) {
    PROCTOR_RETURN_IF_ERROR(ParseYamlProto(text, Shown(path), batch).status());
  } else {
    PROCTOR_RETURN_IF_ERROR(ParseYamlProto(text, Shown(path), *batch.add_tasks()).status());
  }
  return std::vector<v1::Task>(batch.tasks().begin(), batch.tasks().end());
}

}  // namespace proctor::cli
