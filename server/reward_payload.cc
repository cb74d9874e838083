#include "server/reward_payload.h"

#include <string>

#include "common/status.h"

namespace proctor::server {

v1::TrajectoryPayload MakePayload(const v1::Trajectory& trajectory) {
  v1::TrajectoryPayload payload;
  payload.set_goal(trajectory.task().goal());
  std::string before = trajectory.initial_observation().screenshot().digest();
  for (const v1::Step& step : trajectory.steps()) {
    v1::TrajectoryPayload::Step& out = *payload.add_steps();
    out.set_index(step.index());
    out.set_screenshot_digest(before);
    if (step.has_action()) *out.mutable_action() = step.action();
    if (step.has_agent_text()) *out.mutable_agent_text() = step.agent_text();
    if (step.has_agent_data()) *out.mutable_agent_data() = step.agent_data();
    out.set_action_error(step.observation().action_error());
    before = step.observation().screenshot().digest();
  }
  return payload;
}

reward::PayloadLoader PayloadLoaderOf(trajectory::TrajectoryStore& trajectories) {
  return [&trajectories](const CallContext& context,
                         const std::string& name) -> absl::StatusOr<v1::TrajectoryPayload> {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Trajectory trajectory, trajectories.Get(context, name));
    return MakePayload(trajectory);
  };
}

}  // namespace proctor::server
