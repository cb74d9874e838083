#include "bench/rewards_bench/room.h"

#include "absl/strings/str_cat.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"
#include "reward/reward_policy.h"

namespace proctor::bench {
namespace {

v1::Reward Pattern() {
  v1::Trajectory trajectory;
  trajectory.set_name("trajectories/pattern");
  trajectory.set_closed(true);
  trajectory.set_end_kind(v1::END_KIND_TERMINATED);
  trajectory.set_end_reason(v1::END_REASON_ANSWERED);
  trajectory.set_step_count(3);
  trajectory.set_environment("environments/practice");
  trajectory.mutable_policy()->set_policy("learner");
  trajectory.mutable_policy()->set_version("1700");
  trajectory.mutable_task()->set_name("tasks/shop-find-warranty-of-product-0a1b2c3d");
  trajectory.mutable_task()->set_site("shop");
  trajectory.mutable_task()->set_template_("shop/find_fact");
  (*trajectory.mutable_client_tags())["worker"] = "17";
  v1::Verdict verdict;
  verdict.set_name("verdicts/0123456789abcdef0123456789abcdef");
  verdict.set_trajectory(trajectory.name());
  verdict.set_outcome(v1::OUTCOME_SUCCESS);
  verdict.set_score(1);
  // Everything in it is valid: it cannot fail.
  return reward::MakeReward({}, trajectory, &verdict).value();
}

}  // namespace

v1::Reward NumberedReward(int64_t number) {
  static const auto& pattern = *new v1::Reward(Pattern());
  v1::Reward reward = pattern;
  reward.set_trajectory(absl::StrCat("trajectories/", absl::Hex(number, absl::kZeroPad16), "0123456789abcdef"));
  reward.set_reward_id(reward::RewardId(reward.trajectory(), 0));
  reward.set_value(static_cast<double>(number));
  return reward;
}

}  // namespace proctor::bench
