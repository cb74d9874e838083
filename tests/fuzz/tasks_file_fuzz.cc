// Files that users give to the command line: tasks as YAML, JSON, a JSON list or JSON lines; settings and evaluators.
#include <algorithm>

#include "clients/cli/input_file.h"
#include "common/json.h"
#include "proctor/v1/environment.pb.h"
#include "proctor/v1/evaluator.pb.h"
#include "tests/fuzz/input.h"

namespace proctor {
namespace {

using fuzz::Require;

void CheckError(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kInvalidArgument, "a file is wrong in itself");
  Require(status.message().find("fuzz.json") != absl::string_view::npos, "errors name the file");
  Require(status.message().size() < (size_t{1} << 20), "errors are for people");
}

// How many lines have anything on them.
size_t CountLines(std::string_view text) {
  size_t lines = 0;
  while (!text.empty()) lines += fuzz::TakeUntil(text, '\n').find_first_not_of(" \t\r") != std::string_view::npos;
  return lines;
}

bool AreEqual(const std::vector<v1::Task>& one, const std::vector<v1::Task>& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](const v1::Task& a, const v1::Task& b) {
    return ProtoCanonicalBytes(a) == ProtoCanonicalBytes(b);
  });
}

void CheckTasks(const std::string& text) {
  const auto tasks = cli::ParseTasks(text, "fuzz.json");
  if (!tasks.ok()) return CheckError(tasks.status());
  Require(tasks->size() <= text.size(), "no file has more tasks than bytes");
  if (text.find_first_not_of(" \t\r\n") == text.find('[')) Require(ParseJson(text).ok(), "a list is one list, and nothing else");
  if (tasks->empty()) return;
  // As `proctor task list --json` prints them, and as a list.
  std::string lines, list;
  for (const v1::Task& task : *tasks) {
    const std::string line = ProtoToJson(task);
    lines += line + "\n";
    list += (list.empty() ? "[" : ",") + line;
  }
  Require(CountLines(lines) == tasks->size(), "a task is written on one line");
  for (const std::string& written : {lines, list + "]"}) {
    const auto again = cli::ParseTasks(written, "fuzz.json");
    Require(again.ok() && AreEqual(*tasks, *again), "tasks are the same when written and read");
  }
}

template <typename Message>
void CheckMessage(const std::string& text) {
  Message message, again;
  const absl::Status status = cli::ParseInput(text, "fuzz.json", message);
  if (!status.ok()) return CheckError(status);
  Require(cli::ParseInput(ProtoToJson(message), "fuzz.json", again).ok() && ProtoCanonicalBytes(message) == ProtoCanonicalBytes(again),
          "a message is the same when written and read");
}

}  // namespace
}  // namespace proctor

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(proctor::fuzz::View(data, size));
  proctor::CheckTasks(text);
  proctor::CheckMessage<proctor::v1::EnvironmentSettings>(text);
  proctor::CheckMessage<proctor::v1::Evaluator>(text);
  return 0;
}

extern "C" bool IsCurrent(const uint8_t* data, size_t size) {
  const auto tasks = proctor::cli::ParseTasks(std::string(proctor::fuzz::View(data, size)), "fuzz.json");
  return tasks.ok() && !tasks->empty();
}
