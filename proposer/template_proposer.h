// Tasks that are instances of templates.
#ifndef PROCTOR_PROPOSER_TEMPLATE_PROPOSER_H_
#define PROCTOR_PROPOSER_TEMPLATE_PROPOSER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/task_service.pb.h"

namespace proctor::proposer {

// Where instances come from: implemented by server/ over the practice sites. Thread-safe.
class TaskTemplateSource {
 public:
  virtual ~TaskTemplateSource() = default;
  // All templates; names are unique.
  virtual std::vector<v1::TaskTemplate> ListTemplates() const = 0;
  // The task of a template and a content seed (1 or more): goal, start state, oracle, solution and all that describes
  // it, but no name, split or state. It carries the seed if its environment generates content. The same arguments give the same task.
  virtual absl::StatusOr<v1::Task> Instantiate(const std::string& template_name, int64_t seed) const = 0;
};

// Accepted tasks, ready for TaskStore::BatchCreateTasks, and what was done to get them (`tasks` not filled in).
struct Proposal {
  std::vector<v1::Task> tasks;
  // So many of them, from the first on, are in the store already.
  int stored = 0;
  v1::ProposeTasksResult result;
};

// `Lineage.source` of instances.
inline constexpr char kTemplateSource[] = "practice_templates";

// Sides by NormalizedGoal.
using GoalSplits = std::map<std::string, v1::Split>;

// Template and goal without case, punctuation and extra space: equal for tasks that ask the same.
std::string NormalizedGoal(const v1::Task& task);

// Makes `request.count` tasks, spread evenly over the templates that `request.templates` chooses. `job` is
// `jobs/{id}` or empty; with a job the tasks have names that follow from it, so that a job that starts again makes the
// same ones. Deterministic.
//
// No content seed is used twice, so splits never share content. Instances with the same goal are on one side, and
// those that also have the same oracle and solution are made once. `taken` are the sides of goals that are stored
// already: instances go there, unless they are held out or the request has no share of that side; then there are none. All tasks of held-out sites and templates are TEST.
// Fewer tasks than asked come back if the templates have no more different instances.
// Errors: INVALID_ARGUMENT for unknown sites or templates and values out of range; DEADLINE_EXCEEDED, CANCELLED.
absl::StatusOr<Proposal> ProposeFromTemplates(const CallContext& context, const v1::ProposeTasksRequest& request,
                                              const std::string& job, const TaskTemplateSource& source,
                                              const GoalSplits& taken = {});

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_TEMPLATE_PROPOSER_H_
