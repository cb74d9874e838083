// Values of the Agent Trajectory Interchange Format. Pure functions.
// The header is heavy (common/json.h): include it in .cc files only.
#ifndef PROCTOR_TRAJECTORY_FORMATS_ATIF_VALUES_H_
#define PROCTOR_TRAJECTORY_FORMATS_ATIF_VALUES_H_

#include <optional>
#include <string>

#include "common/json.h"
#include "google/protobuf/timestamp.pb.h"
#include "proctor/v1/action.pb.h"

namespace proctor::trajectory::formats {

// The names under which the record keeps what has no field of its own.
inline constexpr char kSessionTag[] = "session_id";
inline constexpr char kTrajectoryTag[] = "trajectory_id";
inline constexpr char kModelTag[] = "model_name";
// In AgentData.extra, as JSON text: a call of a tool that is none of our actions.
inline constexpr char kToolCall[] = "tool_call";

// ISO 8601; without a zone: UTC. Nothing for what is none, or out of protobuf's range.
std::optional<google::protobuf::Timestamp> ReadIsoTime(const std::string& text);
std::string WriteIsoTime(const google::protobuf::Timestamp& time);

// One of our actions as a call: `function` is the kind's name ("press_keys"), the arguments are its
// fields.
struct ToolCall {
  std::string function;
  Json arguments;
};
// Without a kind: no action of ours.
v1::Action ActionOfCall(const ToolCall& call);
ToolCall CallOfAction(const v1::Action& action);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_ATIF_VALUES_H_
