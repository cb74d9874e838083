#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "proposer/task_store.h"
#include "trajectory/record_form.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxGoalBytes = 8192;
constexpr int kMaxTags = 64;
constexpr size_t kMaxTagBytes = 64;
constexpr size_t kMaxTagValueBytes = 256;
constexpr size_t kMaxFileBytes = 16u << 20;
constexpr int kMaxSteps = 10'000;

absl::Status Bad(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("task.", field, ": ", why));
}

absl::Status CheckId(const std::string& name) {
  const auto id = ResourceId("tasks", name);
  if (!id.ok()) return Bad("name", id.status().message());
  for (const char c : *id) {
    if (c >= 'A' && c <= 'Z') return Bad("name", "ids have no capital letters");
  }
  return absl::OkStatus();
}

absl::Status CheckTags(const v1::Task& task) {
  if (task.tags_size() > kMaxTags) return Bad("tags", "at most 64");
  for (const auto& [tag, value] : task.tags()) {
    if (tag.empty() || tag.size() > kMaxTagBytes) return Bad("tags", "a key has 1 to 64 bytes");
    if (value.size() > kMaxTagValueBytes) return Bad("tags", "a value has at most 256 bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckFiles(const v1::Task& task) {
  std::set<std::string> names;
  for (const v1::TaskFile& file : task.files()) {
    const std::string& name = file.file_name();
    if (name.empty() || name.find('/') != std::string::npos) return Bad("files", "a file name has no slash");
    if (!names.insert(name).second) return Bad("files", "file names are unique");
    if (file.content().size() > kMaxFileBytes) return Bad("files", "a file has at most 16 MiB");
  }
  return absl::OkStatus();
}

absl::Status CheckEnumsAndNumbers(const v1::Task& task) {
  if (!v1::Split_IsValid(task.split())) return Bad("split", "unknown value");
  if (task.state() != v1::TASK_STATE_ACCEPTED && task.state() != v1::TASK_STATE_PROPOSED) {
    return Bad("state", "a new task is PROPOSED or ACCEPTED");
  }
  if (task.optimal_steps() < 0 || task.optimal_steps() > kMaxSteps) return Bad("optimal_steps", "0 to 10,000");
  if (task.limits().max_steps() < 0 || task.limits().max_steps() > kMaxSteps) {
    return Bad("limits.max_steps", "0 to 10,000");
  }
  const auto& duration = task.limits().max_duration();
  if (duration.seconds() < 0 || duration.nanos() < 0) return Bad("limits.max_duration", "is negative");
  return absl::OkStatus();
}

}  // namespace

absl::Status NormalizeNewTask(v1::Task& task) {
  if (task.name().empty()) task.set_name(ResourceName("tasks", NewId()));
  if (task.split() == v1::SPLIT_UNSPECIFIED) task.set_split(v1::SPLIT_TRAIN);
  if (task.state() == v1::TASK_STATE_UNSPECIFIED) task.set_state(v1::TASK_STATE_ACCEPTED);
  PROCTOR_RETURN_IF_ERROR(CheckId(task.name()));
  if (task.goal().empty()) return Bad("goal", "is required");
  if (task.goal().size() > kMaxGoalBytes) return Bad("goal", "at most 8,192 bytes");
  const auto environment = ResourceId("environments", task.environment());
  if (!environment.ok()) return Bad("environment", environment.status().message());
  PROCTOR_RETURN_IF_ERROR(CheckEnumsAndNumbers(task));
  PROCTOR_RETURN_IF_ERROR(CheckTags(task));
  PROCTOR_RETURN_IF_ERROR(CheckFiles(task));
  return trajectory::CheckTask(task);
}

}  // namespace proctor::proposer
