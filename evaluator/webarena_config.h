// WebArena's task files (web-arena-x/webarena, config_files/*.json) as tasks.
#ifndef PROCTOR_EVALUATOR_WEBARENA_CONFIG_H_
#define PROCTOR_EVALUATOR_WEBARENA_CONFIG_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proctor/v1/task.pb.h"

namespace proctor::evaluator {

struct WebArenaConfigOptions {
  // `environments/{id}` of the tasks.
  std::string environment = "environments/web";
  v1::Split split = v1::SPLIT_TEST;
  // Base URLs by placeholder (`__SHOPPING__`), put into each start state. May be empty: sessions
  // can add them.
  std::map<std::string, std::string> base_urls;
  // Reads what a `storage_state` names (a relative path such as "./.auth/gitlab_state.json") and
  // returns the JSON. Unset: the path is only kept as the tag `storage_state`.
  std::function<absl::StatusOr<std::string>(const std::string& path)> read_storage_state;
};

// Reads one task object or an array of them. Tasks are named `tasks/webarena-{task_id}` and have a
// validated oracle; those whose expected answer is "N/A" are marked impossible. Untrusted input.
// INVALID_ARGUMENT, with the task's id and the field, for what is malformed or of an unknown kind;
// all or nothing.
absl::StatusOr<std::vector<v1::Task>> LoadWebArenaConfig(std::string_view json,
                                                         const WebArenaConfigOptions& options = {});

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_WEBARENA_CONFIG_H_
