// Reads a model's list of tasks: JSON, one object a line.
#ifndef PROCTOR_PROPOSER_PROPOSAL_LINES_H_
#define PROCTOR_PROPOSER_PROPOSAL_LINES_H_

#include <string>
#include <string_view>
#include <vector>

#include "proctor/v1/task_service.pb.h"

namespace proctor::proposer {

// A task as a model wrote it: valid UTF-8 on one line, within its limits.
struct ProposedTask {
  // At most 2,000 bytes.
  std::string goal;
  // The part of the site, at most 80 bytes.
  std::string area;
  // One of ModelTaskKinds.
  std::string kind;
  v1::TaskDifficulty difficulty = v1::TASK_DIFFICULTY_UNSPECIFIED;
  // Who asks it, from 1; 0: the model did not say.
  int persona = 0;
  // The demonstration that shows how it is done, from 1; 0: that was not asked.
  int visit = 0;
};

// The kinds that a model may choose from: "find_information", "navigate", "interact".
const std::vector<std::string>& ModelTaskKinds();

// What was asked for.
struct LineRules {
  // Tasks come after it. Never empty.
  std::string tag;
  // Users that were numbered in the question.
  int personas = 0;
  std::vector<v1::TaskDifficulty> difficulties;
  int max_tasks = 0;
  // Demonstrations that were numbered in the question (as visits): each task must name one. 0: it is not asked.
  int visits = 0;
  // The reply reached its longest length: its last line may be half a line.
  bool cut_off = false;
};

struct ProposalLines {
  std::vector<ProposedTask> tasks;
  // In the order of the reply; `batch` is not set.
  std::vector<v1::BadLine> bad;
};

// Reads what follows the last line that consists of the tag: every line by itself, so that a bad one costs one task.
// Blank lines and the lines of a code fence are no lines. What stands before the tag, such as a page's text that the
// model quotes, is never a task. Any input gives a result; a reply of more than 1 MiB is one bad line.
ProposalLines ReadProposals(std::string_view reply, const LineRules& rules);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_PROPOSAL_LINES_H_
