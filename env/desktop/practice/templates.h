// Templates of tasks on a practice desktop: with a seed, a template gives a task that knows its files, the applications that are open
// at its start, its oracle and, where words for it exist, a shortest solution.
#ifndef PROCTOR_ENV_DESKTOP_PRACTICE_TEMPLATES_H_
#define PROCTOR_ENV_DESKTOP_PRACTICE_TEMPLATES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::desktop_practice {

class TaskBuilder;

struct Template {
  // "files/rename".
  std::string id;
  // What it is about: an application of DesktopConfig.applications by its default name, or "desktop".
  std::string site;
  // "find_fact", "content_change", "reach_state" or "impossible".
  std::string kind;
  // Steps of the shortest way through the applications, the final answer included, sequences not used; the same for all seeds. (Who
  // calculates in the head needs fewer.)
  int optimal_steps = 0;
  bool impossible = false;
  void (*write)(TaskBuilder& task) = nullptr;
};

// All templates, sorted by site and then as written. Ids are unique, and differ from the practice sites'.
const std::vector<Template>& Templates();

// The task of a template and a seed, for `environments/desktop` with the default applications: goal, start state, oracle, solution
// and all fields that describe it; no name, split, state or seed (what it starts from is in the task; the seed is in
// Lineage.parameters_json). The same arguments give the same task. Costs well below a millisecond.
//
// A solution's TypeInto without an element means what has the focus. Solutions are empty where SolutionStep has no words for a step
// (starting an application), and may be longer than `optimal_steps` where a step exists that they lack (a double click).
// Errors: NOT_FOUND unknown template; INVALID_ARGUMENT seed below 1.
absl::StatusOr<v1::Task> Instantiate(std::string_view template_id, int64_t seed);

}  // namespace proctor::env::desktop_practice

#endif  // PROCTOR_ENV_DESKTOP_PRACTICE_TEMPLATES_H_
