// Templates of tasks on the practice sites: with a seed, a template gives a task that knows its oracle and a shortest
// solution.
#ifndef PROCTOR_ENV_PRACTICE_TEMPLATES_H_
#define PROCTOR_ENV_PRACTICE_TEMPLATES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::practice {

class TaskBuilder;

struct Template {
  // "shop/add_to_cart". Never served to a browser.
  std::string id;
  // "shop".
  std::string site;
  // "find_fact", "reach_page", "content_change" or "impossible".
  std::string kind;
  // Steps of the shortest solution, the final answer included; the same for all seeds.
  int optimal_steps = 0;
  bool impossible = false;
  void (*write)(TaskBuilder& task) = nullptr;
};

// All templates, sorted by site (in the order of SiteNames) and then as written. Ids are unique.
const std::vector<Template>& Templates();

// The task of a template and a seed: goal, start state, oracle, solution and all fields that describe it; no name, split
// or state. The same arguments give the same task. Costs a few milliseconds.
// Errors: NOT_FOUND unknown template; INVALID_ARGUMENT seed below 1.
absl::StatusOr<v1::Task> Instantiate(std::string_view template_id, int64_t seed);

}  // namespace proctor::env::practice

#endif  // PROCTOR_ENV_PRACTICE_TEMPLATES_H_
