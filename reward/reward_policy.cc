#include "reward/reward_policy.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::reward {
namespace {

constexpr size_t kRewardIdDigits = 32;

struct Mask {
  v1::MaskReason reason;
  std::string message;
};

// Whose doing the interruption was.
v1::MaskReason ReasonOfInterruption(v1::EndReason reason) {
  switch (reason) {
    case v1::END_REASON_CANCELLED:
    case v1::END_REASON_LEASE_EXPIRED:
      return v1::MASK_REASON_CLIENT;
    case v1::END_REASON_WORLD_FAULT:
      return v1::MASK_REASON_WORLD_FAULT;
    default:
      return v1::MASK_REASON_SERVER_FAULT;
  }
}

std::optional<Mask> FindMask(const v1::Trajectory& trajectory, const v1::Verdict* verdict) {
  if (trajectory.end_kind() == v1::END_KIND_INTERRUPTED) {
    const std::string reason = v1::EndReason_Name(trajectory.end_reason());
    return Mask{ReasonOfInterruption(trajectory.end_reason()),
                trajectory.end_message().empty()
                    ? reason
                    : absl::StrCat(reason, ": ", trajectory.end_message())};
  }
  // A recording that was made elsewhere names no shares: no server of ours held anything.
  if (trajectory.end_reason() == v1::END_REASON_TIME_LIMIT && trajectory.server_seconds() > 0 &&
      trajectory.agent_seconds() <= trajectory.server_seconds()) {
    return Mask{v1::MASK_REASON_SERVER_SLOW,
                absl::StrFormat("time limit; the server held %.1f s, the agent %.1f s",
                                trajectory.server_seconds(), trajectory.agent_seconds())};
  }
  if (verdict != nullptr && verdict->already_solved()) {
    return Mask{v1::MASK_REASON_TRIVIAL, "the oracle held before the first action"};
  }
  if (verdict == nullptr) return Mask{v1::MASK_REASON_UNDETERMINED, "there is no verdict"};
  if (verdict->outcome() != v1::OUTCOME_SUCCESS && verdict->outcome() != v1::OUTCOME_FAILURE) {
    return Mask{v1::MASK_REASON_UNDETERMINED,
                absl::StrCat(v1::UndeterminedReason_Name(verdict->undetermined_reason()), ": ",
                             verdict->rationale())};
  }
  return std::nullopt;
}

double MapScore(const v1::ScoreMap& map, const v1::Verdict& verdict) {
  switch (map.kind_case()) {
    case v1::ScoreMap::kThreshold:
      return verdict.score() >= map.threshold() ? 1 : 0;
    case v1::ScoreMap::kIdentity:
      return verdict.score();
    case v1::ScoreMap::kPower:
      return std::pow(verdict.score(), map.power());
    case v1::ScoreMap::kLogistic:
      return 1 /
             (1 + std::exp(-map.logistic().slope() * (verdict.score() - map.logistic().centre())));
    case v1::ScoreMap::KIND_NOT_SET:
      break;
  }
  return verdict.outcome() == v1::OUTCOME_SUCCESS ? 1 : 0;
}

void SetValue(const v1::RewardPolicy& policy, const v1::Trajectory& trajectory,
              const v1::Verdict& verdict, v1::Reward* reward) {
  const double share = MapScore(policy.score_map(), verdict);
  const double success_reward = policy.has_success_reward() ? policy.success_reward() : 1;
  const int steps = trajectory.step_count();
  double value = 0;
  const auto add = [&](const char* name, double part) {
    (*reward->mutable_components())[name] = part;
    value += part;
  };
  add("success", share * success_reward);
  if (policy.failure_reward() != 0) add("failure", (1 - share) * policy.failure_reward());
  if (policy.step_cost() != 0) add("step_cost", -policy.step_cost() * steps);
  const int optimal = trajectory.task().optimal_steps();
  if (policy.shortest_success_bonus() != 0 && verdict.outcome() == v1::OUTCOME_SUCCESS &&
      optimal > 0 && steps > 0) {
    add("shortest_bonus",
        policy.shortest_success_bonus() * std::min(1.0, static_cast<double>(optimal) / steps));
  }
  if (policy.has_min_value()) value = std::max(value, policy.min_value());
  if (policy.has_max_value()) value = std::min(value, policy.max_value());
  reward->set_value(value);
}

void DescribeEpisode(const v1::Trajectory& trajectory, v1::Reward* reward) {
  reward->set_reward_id(RewardId(trajectory.name(), 0));
  reward->set_trajectory(trajectory.name());
  reward->set_task(trajectory.task().name());
  reward->set_split(trajectory.task().split() == v1::SPLIT_UNSPECIFIED ? v1::SPLIT_TRAIN
                                                                       : trajectory.task().split());
  reward->set_policy(trajectory.policy().policy());
  reward->set_policy_version(trajectory.policy().version());
  reward->set_group(trajectory.group());
  reward->set_step_count(trajectory.step_count());
  *reward->mutable_client_tags() = trajectory.client_tags();
  reward->set_environment(trajectory.environment());
  reward->set_site(trajectory.task().site());
  reward->set_template_(trajectory.task().template_());
}

}  // namespace

absl::Status ValidateRewardPolicy(const v1::RewardPolicy& policy) {
  for (const double number :
       {policy.success_reward(), policy.failure_reward(), policy.step_cost(),
        policy.shortest_success_bonus(), policy.min_value(), policy.max_value(),
        policy.score_map().threshold(), policy.score_map().power(),
        policy.score_map().logistic().slope(), policy.score_map().logistic().centre()}) {
    if (!std::isfinite(number))
      return absl::InvalidArgumentError("reward policy: all numbers must be finite");
  }
  const v1::ScoreMap& map = policy.score_map();
  if (map.has_power() && !(map.power() > 0)) {
    return absl::InvalidArgumentError("reward policy: score_map.power must be greater than 0");
  }
  if (map.has_threshold() && !(map.threshold() >= 0 && map.threshold() <= 1)) {
    return absl::InvalidArgumentError("reward policy: score_map.threshold must be in [0, 1]");
  }
  if (map.has_identity() && !map.identity()) {
    return absl::InvalidArgumentError("reward policy: score_map.identity can only be true");
  }
  if (policy.has_min_value() && policy.has_max_value() && policy.min_value() > policy.max_value()) {
    return absl::InvalidArgumentError("reward policy: min_value is above max_value");
  }
  return absl::OkStatus();
}

std::string RewardPolicyVersion(const v1::RewardPolicy& policy) {
  return Sha256Hex(absl::StrCat("proctor reward policy 1\n", ProtoCanonicalBytes(policy)));
}

std::string RewardId(std::string_view trajectory, int revision) {
  return Sha256Hex(absl::StrCat("reward\n", ToAbsl(trajectory), "\n", revision))
      .substr(0, kRewardIdDigits);
}

absl::StatusOr<v1::Reward> MakeReward(const v1::RewardPolicy& policy,
                                      const v1::Trajectory& trajectory,
                                      const v1::Verdict* verdict) {
  PROCTOR_RETURN_IF_ERROR(ValidateRewardPolicy(policy));
  if (!trajectory.closed()) {
    return absl::FailedPreconditionError(
        absl::StrCat(trajectory.name(), " is not closed: it has no reward yet"));
  }
  if (verdict != nullptr && verdict->trajectory() != trajectory.name()) {
    return absl::InvalidArgumentError(absl::StrCat(
        verdict->name(), " is about ", verdict->trajectory(), ", not about ", trajectory.name()));
  }
  v1::Reward reward;
  DescribeEpisode(trajectory, &reward);
  reward.set_reward_policy_version(RewardPolicyVersion(policy));
  if (verdict != nullptr) {
    reward.set_verdict(verdict->name());
    if (verdict->outcome() != v1::OUTCOME_UNDETERMINED) reward.set_success_score(verdict->score());
  }
  if (std::optional<Mask> mask = FindMask(trajectory, verdict)) {
    reward.set_status(v1::REWARD_STATUS_MASKED);
    reward.set_mask_reason(mask->reason);
    reward.set_mask_message(SanitizeUtf8(TruncateUtf8(mask->message, 1000)));
    return reward;
  }
  reward.set_status(v1::REWARD_STATUS_VALID);
  reward.set_success(verdict->outcome() == v1::OUTCOME_SUCCESS);
  SetValue(policy, trajectory, *verdict, &reward);
  return reward;
}

}  // namespace proctor::reward
