// Does a demonstration again, to see whether it can still be done.
#ifndef PROCTOR_PROPOSER_DEMONSTRATION_REPLAY_H_
#define PROCTOR_PROPOSER_DEMONSTRATION_REPLAY_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/task.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proposer/site_explorer.h"

namespace proctor::proposer {

// Why tasks are dropped whose demonstration fails: keys of `rejected_by_reason`.
inline constexpr char kCannotBeReplayed[] = "its demonstration cannot be replayed";
inline constexpr char kEndsOtherwise[] = "its demonstration ends otherwise now";

struct DemonstrationReplay {
  // Empty: all of it was done, and it ended as it was recorded.
  std::string reason;
  // For people: the step, and what is wrong.
  std::string detail;
};

// Begins as tasks like `start` do (its environment, start state and seed), goes to where the demonstration began if that is
// another page, and does the recorded actions: all but those that could not be done then either, and the answer.
// Elements are found again by role, name and place among their like, whatever their marks are now; a point is one of
// the element that was there, where the record knows it. The end must be the recorded page: the same URL, or one that
// differs in nothing but its query and has the same title. It must still show the answer if the record shows it there.
// What was not recorded is not compared.
//
// Costs a reset, an action and an observation a step; at most 10 minutes. Errors, which tell nothing of the
// demonstration: those of `context`; what else the explorer gives.
absl::StatusOr<DemonstrationReplay> ReplayDemonstration(const CallContext& context, SiteExplorer& explorer,
                                                        const v1::Task& start, const v1::Trajectory& demonstration);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_DEMONSTRATION_REPLAY_H_
