// From a verdict to a reward. Pure functions.
#ifndef PROCTOR_REWARD_REWARD_POLICY_H_
#define PROCTOR_REWARD_REWARD_POLICY_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/v1/reward.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::reward {

// INVALID_ARGUMENT: numbers that are not finite, an exponent that is not positive, min_value above
// max_value, ...
absl::Status ValidateRewardPolicy(const v1::RewardPolicy& policy);

// sha256 (hex) of the canonical form.
std::string RewardPolicyVersion(const v1::RewardPolicy& policy);

// Stable for a trajectory and revision, so that appending again after a crash appends nothing.
std::string RewardId(std::string_view trajectory, int revision);

// The reward of a closed trajectory; `verdict` may be null (interrupted, or no evaluator could be
// run). Everything is filled in but offset, time and payload; revision 0.
//
// MASKED, first reason that fits:
//   CLIENT         cancelled, or the lease was lost
//   WORLD_FAULT    browser, device or network failed
//   SERVER_FAULT   the server stopped or crashed (and every other interruption)
//   SERVER_SLOW    the time limit cut it and the agent did not hold most of the time
//   TRIVIAL        the oracle held before the first action
//   UNDETERMINED   no verdict, or the evaluator could not tell
// Everything else is VALID: a step limit is judged as it stands. A masked reward has the value 0,
// which means nothing. Errors: FAILED_PRECONDITION not closed; INVALID_ARGUMENT the policy, or a
// verdict of another trajectory.
absl::StatusOr<v1::Reward> MakeReward(const v1::RewardPolicy& policy,
                                      const v1::Trajectory& trajectory, const v1::Verdict* verdict);

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_REWARD_POLICY_H_
