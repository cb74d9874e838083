// Draws tasks for training and remembers how policies fared at them.
#ifndef PROCTOR_PROPOSER_TASK_SAMPLER_H_
#define PROCTOR_PROPOSER_TASK_SAMPLER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/curriculum.h"
#include "storage/database.h"

namespace proctor::proposer {

// How one episode ended. Only for VALID rewards: a masked one says nothing about the policy.
struct Outcome {
  // `tasks/{id}`.
  std::string task = "";
  std::string policy = "";
  std::string policy_version = "";
  // Its id, so that telling twice counts once. Required.
  std::string episode = "";
  bool success = false;
};

// Thread-safe.
class TaskSampler {
 public:
  // The tables are TaskStore's: create one first. Both outlive the sampler.
  TaskSampler(storage::Database& database, Clock& clock, CurriculumOptions options = {})
      : database_(database), clock_(clock), options_(options) {}

  // INVALID_ARGUMENT without task, policy or episode.
  absl::Status RecordOutcome(const CallContext& context, const Outcome& outcome);

  // Forgets what can matter no more: that episodes of before `before` were told (telling them again would count twice), and
  // which of the versions that are 100 and more behind their policy's newest fared how. Of those the sums are kept.
  absl::Status Prune(const CallContext& context, absl::Time before);

  // Draws different tasks, fewer than `count` if there are not so many. Versions of a policy are ranked by when their
  // first outcome came; outcomes of a version count 0.7 times as much as those of the next one, and those of later
  // versions than the given one not at all. Without a version, or with one not met before, all count. Versions that are
  // 100 and more behind the newest count together, and only as tries (Candidate::all_tries).
  // INVALID_ARGUMENT: count out of range, or a filter that CheckFilter refuses.
  absl::StatusOr<v1::SampleTasksResponse> SampleTasks(const CallContext& context,
                                                      const v1::SampleTasksRequest& request) const;

 private:
  storage::Database& database_;
  Clock& clock_;
  const CurriculumOptions options_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_TASK_SAMPLER_H_
