// Deletes and thins trajectories by the rules of the configuration.
#ifndef PROCTOR_SERVER_RETENTION_H_
#define PROCTOR_SERVER_RETENTION_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "evaluator/label_store.h"
#include "proctor/v1/operation.pb.h"
#include "trajectory/episode_store.h"
#include "trajectory/trajectory_store.h"

namespace proctor::server {

struct RetentionStores {
  trajectory::TrajectoryStore& trajectories;
  trajectory::EpisodeStore& episodes;
  evaluator::LabelStore& labels;
};

// Does with every closed trajectory what the first rule that fits it says, and returns how many were deleted or thinned by the name of the
// rule. One whose verdict and reward are still to be made stays, whatever its age, and so does one that is damaged: the log names the first 100
// of these, and of more it tells the number. Reads the header of each trajectory that is older than the youngest rule, so run it seldom and on a
// thread of its own. Safe to stop and to repeat. Errors: the stores', CANCELLED.
absl::StatusOr<std::map<std::string, int64_t>> ApplyRetention(const CallContext& context, const v1::RetentionConfig& config,
                                                              const RetentionStores& stores, absl::Time now);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_RETENTION_H_
