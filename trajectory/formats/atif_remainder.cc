#include "trajectory/formats/atif_remainder.h"

#include <algorithm>
#include <cmath>

#include "common/status.h"
#include "trajectory/folder_format.h"
#include "trajectory/formats/action_text.h"
#include "trajectory/formats/atif_values.h"
#include "trajectory/formats/run.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory::formats {
namespace {

constexpr char kRecorder[] = "atif";
constexpr char kNoEnd[] = "the document does not say how the run ended";

// Pictures are files of their own; other blobs are not carried.
void DropBlobs(v1::Observation& observation) {
  observation.clear_screenshot();
  for (v1::Download& download : *observation.mutable_downloads()) download.clear_digest();
}

void DropNative(v1::Trajectory& header) {
  header.clear_name();
  header.clear_format_version();
  header.clear_digest();
  header.clear_steps();
  header.clear_step_count();
  header.clear_start_time();
  header.clear_policy();
  header.mutable_task()->clear_goal();
  for (const char* const tag : {kSessionTag, kTrajectoryTag, kModelTag}) {
    header.mutable_client_tags()->erase(tag);
  }
  if (header.has_initial_observation()) {
    DropBlobs(*header.mutable_initial_observation());
    header.mutable_initial_observation()->clear_notices();
  }
}

void DropNative(v1::AgentData& data) {
  data.clear_thought();
  data.clear_raw_output();
  if (IsPlainUsage(data.usage())) data.clear_usage();
  if (AreTokens(data.prompt_token_ids())) data.clear_prompt_token_ids();
  if (AreTokens(data.token_ids())) data.clear_token_ids();
  if (AreFinite(data.log_probs())) data.clear_log_probs();
  if (data.has_extra()) data.mutable_extra()->mutable_fields()->erase(kToolCall);
  if (data.extra().fields().empty()) data.clear_extra();
}

Json ToJson(const google::protobuf::Message& message) {
  const absl::StatusOr<Json> json = ParseJson(MessageToText(message, JsonLayout::kCompact));
  return json.ok() ? *json : Json(nullptr);
}

bool IsEmpty(const google::protobuf::Message& message) { return message.ByteSizeLong() == 0; }

}  // namespace

bool AreTokens(const google::protobuf::RepeatedField<int32_t>& ids) {
  return std::all_of(ids.begin(), ids.end(), [](int32_t id) { return id >= 0; });
}

bool IsPlainUsage(const v1::Usage& usage) {
  return usage.input_tokens() >= 0 && usage.output_tokens() >= 0 && usage.cached_input_tokens() >= 0 && usage.cost_usd() >= 0 &&
         std::isfinite(usage.cost_usd());
}

bool AreFinite(const google::protobuf::RepeatedField<float>& values) {
  for (const float value : values) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

v1::Trajectory AtifHeader(v1::Split split) {
  v1::Trajectory header = ForeignHeader(kRecorder, split);
  header.set_end_kind(v1::END_KIND_TERMINATED);
  header.set_end_reason(v1::END_REASON_CLIENT_DONE);
  header.set_end_message(kNoEnd);
  return header;
}

Json HeaderRemainder(const v1::Trajectory& trajectory) {
  v1::Trajectory rest = trajectory;
  DropNative(rest);
  if (IsEmpty(rest.initial_observation())) rest.clear_initial_observation();
  // An answer says how the run ended.
  v1::Trajectory plain = AtifHeader(v1::SPLIT_TEST);
  plain.clear_format_version();
  if (rest.end_reason() == v1::END_REASON_ANSWERED && rest.end_message().empty()) {
    plain.set_end_reason(v1::END_REASON_ANSWERED);
    plain.clear_end_message();
  }
  return SameMessage(rest, plain) ? Json(nullptr) : ToJson(rest);
}

absl::StatusOr<v1::Trajectory> HeaderFromRemainder(const Json& json) {
  v1::Trajectory header;
  PROCTOR_RETURN_IF_ERROR(MessageFromText(DumpJson(json), header));
  DropNative(header);
  header.set_format_version(kFormatVersion);
  header.set_closed(true);
  return header;
}

Json StepRemainder(const v1::Step& step) {
  v1::Step rest = step;
  rest.clear_index();
  rest.clear_action();
  rest.clear_start_time();
  if (rest.has_agent_data()) DropNative(*rest.mutable_agent_data());
  if (IsEmpty(rest.agent_data())) rest.clear_agent_data();
  if (rest.has_observation()) {
    v1::Observation& seen = *rest.mutable_observation();
    DropBlobs(seen);
    seen.clear_notices();
    if (seen.has_text()) seen.mutable_text()->clear_text();
    if (IsEmpty(seen.text())) seen.clear_text();
    if (IsEmpty(seen)) rest.clear_observation();
  }
  return IsEmpty(rest) ? Json(nullptr) : ToJson(rest);
}

absl::StatusOr<v1::Step> StepFromRemainder(const Json& json) {
  v1::Step step;
  PROCTOR_RETURN_IF_ERROR(MessageFromText(DumpJson(json), step));
  step.clear_index();
  step.clear_action();
  if (step.has_observation()) DropBlobs(*step.mutable_observation());
  return step;
}

}  // namespace proctor::trajectory::formats
