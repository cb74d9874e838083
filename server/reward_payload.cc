#include "server/reward_payload.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/trajectory_payload.pb.h"

namespace proctor::server {
namespace {

// `before` is the screenshot that the agent saw when it acted.
v1::TrajectoryPayload::Step PayloadStep(v1::Step& step, const std::string& before) {
  v1::TrajectoryPayload::Step out;
  out.set_index(step.index());
  out.set_screenshot_digest(before);
  if (step.has_action()) out.mutable_action()->Swap(step.mutable_action());
  if (step.has_agent_text()) out.mutable_agent_text()->Swap(step.mutable_agent_text());
  if (step.has_agent_data()) out.mutable_agent_data()->Swap(step.mutable_agent_data());
  out.set_action_error(step.observation().action_error());
  return out;
}

}  // namespace

reward::PayloadLoader PayloadLoaderOf(trajectory::TrajectoryStore& trajectories) {
  return [&trajectories](const CallContext& context, const std::string& name,
                         int64_t max_bytes) -> absl::StatusOr<v1::TrajectoryPayload> {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Trajectory header, trajectories.GetHeader(context, name));
    v1::TrajectoryPayload payload;
    payload.set_goal(header.task().goal());
    std::string before = header.initial_observation().screenshot().digest();
    int64_t bytes = static_cast<int64_t>(payload.ByteSizeLong());
    PROCTOR_RETURN_IF_ERROR(trajectories.ForEachStep(context, name, [&](v1::Step step) -> absl::Status {
      *payload.add_steps() = PayloadStep(step, before);
      bytes += static_cast<int64_t>(payload.steps().rbegin()->ByteSizeLong());
      if (bytes > max_bytes) return absl::OutOfRangeError(absl::StrCat("the episode of ", name, " has more than ", max_bytes, " bytes"));
      before = step.observation().screenshot().digest();
      return absl::OkStatus();
    }));
    return payload;
  };
}

}  // namespace proctor::server
