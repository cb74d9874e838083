// Trajectories that calls have judged, in a memory that is bounded.
#ifndef PROCTOR_SERVER_JUDGED_TRAJECTORIES_H_
#define PROCTOR_SERVER_JUDGED_TRAJECTORIES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/trajectory.pb.h"
#include "server/byte_budget.h"
#include "trajectory/record_form.h"
#include "trajectory/trajectory_store.h"

namespace proctor::server {

// Of the trajectories that are judged at once, as they are stored: two of the largest, which may be compared. Calls, closed episodes and each
// rescore have so much of their own; others wait.
inline constexpr int64_t kJudgedBytes = 2 * (trajectory::kMaxAllStepsBytes + trajectory::kMaxBesideSteps);

// Reads trajectories whole for those that hold them while models are asked, which takes minutes. By how many bytes they have as they are
// stored; what they take as messages can be several times that. Thread-safe.
class JudgedTrajectories {
 public:
  using Ptr = std::shared_ptr<const v1::Trajectory>;

  // `store` outlives it; what was read may outlive both.
  explicit JudgedTrajectories(trajectory::TrajectoryStore& store) : store_(store) {}

  // One by its name. Its memory is free again when nobody has it any more. RESOURCE_EXHAUSTED: others take the memory, with a hint when to try
  // again; else as TrajectoryStore::Get.
  absl::StatusOr<Ptr> Load(const CallContext& context, const std::string& name) const;
  // The same of several, in their order: all or none, so that two calls do not wait for what the other one has. They are free again together.
  absl::StatusOr<std::vector<Ptr>> LoadAll(const CallContext& context, const std::vector<std::string>& names) const;

 private:
  trajectory::TrajectoryStore& store_;
  const std::shared_ptr<ByteBudget> memory_ = std::make_shared<ByteBudget>(kJudgedBytes, "trajectories that calls have judged", "a fixed share");
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JUDGED_TRAJECTORIES_H_
