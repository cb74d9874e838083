#include "reward/reward_policy.h"

#include <string>

#include "common/proto_json.h"
#include "gtest/gtest.h"

namespace proctor::reward {
namespace {

v1::Trajectory Closed(v1::EndKind kind = v1::END_KIND_TERMINATED,
                      v1::EndReason reason = v1::END_REASON_ANSWERED) {
  v1::Trajectory trajectory;
  trajectory.set_name("trajectories/t");
  trajectory.set_closed(true);
  trajectory.set_end_kind(kind);
  trajectory.set_end_reason(reason);
  trajectory.set_step_count(4);
  trajectory.mutable_task()->set_optimal_steps(3);
  trajectory.mutable_policy()->set_policy("p");
  return trajectory;
}

v1::Verdict Judged(v1::Outcome outcome, double score = 1) {
  v1::Verdict verdict;
  verdict.set_name("verdicts/v");
  verdict.set_trajectory("trajectories/t");
  verdict.set_outcome(outcome);
  verdict.set_score(score);
  return verdict;
}

v1::Reward Make(const v1::Trajectory& trajectory, const v1::Verdict* verdict,
                const std::string& policy_json = "{}") {
  v1::RewardPolicy policy;
  EXPECT_TRUE(ProtoFromJson(policy_json, policy).ok()) << policy_json;
  const absl::StatusOr<v1::Reward> reward = MakeReward(policy, trajectory, verdict);
  EXPECT_TRUE(reward.ok()) << reward.status();
  return reward.value_or(v1::Reward());
}

struct ValueCase {
  const char* policy;
  v1::Outcome outcome;
  double score;
  double value;
};

TEST(MakeRewardTest, ComputesValuesByThePolicy) {
  const ValueCase kCases[] = {
      {"{}", v1::OUTCOME_SUCCESS, 1, 1},
      {"{}", v1::OUTCOME_FAILURE, 0.7, 0},
      {"{}", v1::OUTCOME_SUCCESS, 0.7, 1},  // the evaluator's threshold decided
      {R"({"success_reward":5})", v1::OUTCOME_SUCCESS, 1, 5},
      {R"({"success_reward":0})", v1::OUTCOME_SUCCESS, 1, 0},
      {R"({"failure_reward":-1})", v1::OUTCOME_FAILURE, 0, -1},
      {R"({"failure_reward":-1})", v1::OUTCOME_SUCCESS, 1, 1},
      {R"({"step_cost":0.1})", v1::OUTCOME_SUCCESS, 1, 0.6},
      {R"({"step_cost":0.1})", v1::OUTCOME_FAILURE, 0, -0.4},
      {R"({"shortest_success_bonus":2})", v1::OUTCOME_SUCCESS, 1, 2.5},
      {R"({"shortest_success_bonus":2})", v1::OUTCOME_FAILURE, 0, 0},
      {R"({"score_map":{"identity":true}})", v1::OUTCOME_FAILURE, 0.7, 0.7},
      {R"({"score_map":{"threshold":0.5}})", v1::OUTCOME_FAILURE, 0.7, 1},
      {R"({"score_map":{"threshold":0.5}})", v1::OUTCOME_FAILURE, 0.4, 0},
      {R"({"score_map":{"power":2}})", v1::OUTCOME_FAILURE, 0.5, 0.25},
      {R"({"score_map":{"logistic":{"slope":4,"centre":0.5}}})", v1::OUTCOME_FAILURE, 0.5, 0.5},
      {R"({"success_reward":3,"failure_reward":1,"score_map":{"identity":true}})",
       v1::OUTCOME_FAILURE, 0.5, 2},
      {R"({"step_cost":1,"min_value":-2})", v1::OUTCOME_FAILURE, 0, -2},
      {R"({"success_reward":9,"max_value":4})", v1::OUTCOME_SUCCESS, 1, 4},
  };
  for (const ValueCase& test : kCases) {
    const v1::Verdict verdict = Judged(test.outcome, test.score);
    const v1::Reward reward = Make(Closed(), &verdict, test.policy);
    EXPECT_EQ(reward.status(), v1::REWARD_STATUS_VALID);
    EXPECT_NEAR(reward.value(), test.value, 1e-12) << test.policy << " " << test.score;
    EXPECT_EQ(reward.success(), test.outcome == v1::OUTCOME_SUCCESS);
    EXPECT_EQ(reward.success_score(), test.score);
  }
}

TEST(MakeRewardTest, ComponentsAddUpToTheValue) {
  const v1::Verdict verdict = Judged(v1::OUTCOME_SUCCESS);
  const v1::Reward reward = Make(
      Closed(), &verdict, R"({"failure_reward":-1,"step_cost":0.1,"shortest_success_bonus":1})");
  double sum = 0;
  for (const auto& [name, part] : reward.components()) sum += part;
  EXPECT_NEAR(sum, reward.value(), 1e-12);
  EXPECT_NEAR(reward.components().at("step_cost"), -0.4, 1e-12);
  EXPECT_NEAR(reward.components().at("shortest_bonus"), 0.75, 1e-12);
}

struct MaskCase {
  v1::EndKind kind;
  v1::EndReason reason;
  v1::MaskReason mask;  // UNSPECIFIED: valid
};

TEST(MakeRewardTest, InterruptionsAreMaskedAndLimitsJudged) {
  const MaskCase kCases[] = {
      {v1::END_KIND_TERMINATED, v1::END_REASON_ANSWERED, v1::MASK_REASON_UNSPECIFIED},
      {v1::END_KIND_TERMINATED, v1::END_REASON_GAVE_UP, v1::MASK_REASON_UNSPECIFIED},
      {v1::END_KIND_TRUNCATED, v1::END_REASON_STEP_LIMIT, v1::MASK_REASON_UNSPECIFIED},
      {v1::END_KIND_INTERRUPTED, v1::END_REASON_CANCELLED, v1::MASK_REASON_CLIENT},
      {v1::END_KIND_INTERRUPTED, v1::END_REASON_LEASE_EXPIRED, v1::MASK_REASON_CLIENT},
      {v1::END_KIND_INTERRUPTED, v1::END_REASON_WORLD_FAULT, v1::MASK_REASON_WORLD_FAULT},
      {v1::END_KIND_INTERRUPTED, v1::END_REASON_SERVER_FAULT, v1::MASK_REASON_SERVER_FAULT},
      {v1::END_KIND_INTERRUPTED, v1::END_REASON_UNSPECIFIED, v1::MASK_REASON_SERVER_FAULT},
  };
  for (const MaskCase& test : kCases) {
    const v1::Verdict verdict = Judged(v1::OUTCOME_FAILURE, 0);
    const v1::Reward reward = Make(Closed(test.kind, test.reason), &verdict);
    EXPECT_EQ(reward.mask_reason(), test.mask) << v1::EndReason_Name(test.reason);
    EXPECT_EQ(reward.status() == v1::REWARD_STATUS_VALID, test.mask == v1::MASK_REASON_UNSPECIFIED);
  }
  EXPECT_EQ(
      Make(Closed(v1::END_KIND_INTERRUPTED, v1::END_REASON_WORLD_FAULT), nullptr).mask_reason(),
      v1::MASK_REASON_WORLD_FAULT);
}

TEST(MakeRewardTest, ATimeLimitIsTheAgentsOnlyIfItHeldMostOfTheTime) {
  v1::Trajectory trajectory = Closed(v1::END_KIND_TRUNCATED, v1::END_REASON_TIME_LIMIT);
  const v1::Verdict verdict = Judged(v1::OUTCOME_FAILURE, 0);
  trajectory.set_agent_seconds(31);
  trajectory.set_server_seconds(29);
  EXPECT_EQ(Make(trajectory, &verdict).status(), v1::REWARD_STATUS_VALID);
  trajectory.set_server_seconds(31);
  EXPECT_EQ(Make(trajectory, &verdict).mask_reason(), v1::MASK_REASON_SERVER_SLOW);
  // Recorded elsewhere, without shares.
  trajectory.clear_agent_seconds();
  trajectory.clear_server_seconds();
  EXPECT_EQ(Make(trajectory, &verdict).status(), v1::REWARD_STATUS_VALID);
}

TEST(MakeRewardTest, UndeterminedAndTrivialAreMaskedNeverZero) {
  EXPECT_EQ(Make(Closed(), nullptr).mask_reason(), v1::MASK_REASON_UNDETERMINED);
  v1::Verdict verdict = Judged(v1::OUTCOME_UNDETERMINED, 0);
  EXPECT_EQ(Make(Closed(), &verdict).mask_reason(), v1::MASK_REASON_UNDETERMINED);
  verdict = Judged(v1::OUTCOME_SUCCESS);
  verdict.set_already_solved(true);
  const v1::Reward reward = Make(Closed(), &verdict);
  EXPECT_EQ(reward.mask_reason(), v1::MASK_REASON_TRIVIAL);
  EXPECT_EQ(reward.status(), v1::REWARD_STATUS_MASKED);
  EXPECT_FALSE(reward.success());
}

TEST(MakeRewardTest, IdsAreStableAndDependOnTrajectoryAndRevision) {
  const v1::Verdict verdict = Judged(v1::OUTCOME_SUCCESS);
  EXPECT_EQ(Make(Closed(), &verdict).reward_id(), Make(Closed(), nullptr).reward_id());
  EXPECT_NE(RewardId("trajectories/a", 0), RewardId("trajectories/a", 1));
  EXPECT_NE(RewardId("trajectories/a", 0), RewardId("trajectories/b", 0));
}

TEST(MakeRewardTest, RefusesOpenTrajectoriesForeignVerdictsAndBadPolicies) {
  v1::Trajectory open = Closed();
  open.set_closed(false);
  EXPECT_EQ(MakeReward({}, open, nullptr).status().code(), absl::StatusCode::kFailedPrecondition);
  v1::Verdict foreign = Judged(v1::OUTCOME_SUCCESS);
  foreign.set_trajectory("trajectories/other");
  EXPECT_EQ(MakeReward({}, Closed(), &foreign).status().code(), absl::StatusCode::kInvalidArgument);
  for (const char* json : {R"({"step_cost":"NaN"})", R"({"score_map":{"power":0}})",
                           R"({"score_map":{"threshold":2}})", R"({"min_value":2,"max_value":1})",
                           R"({"success_reward":"Infinity"})"}) {
    v1::RewardPolicy policy;
    ASSERT_TRUE(ProtoFromJson(json, policy).ok());
    EXPECT_EQ(ValidateRewardPolicy(policy).code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

}  // namespace
}  // namespace proctor::reward
