// Documents of the Agent Trajectory Interchange Format, version 1.7 (docs/formats/atif.md).
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/ids.h"
#include "common/json.h"
#include "common/status.h"
#include "trajectory/formats/atif_remainder.h"
#include "trajectory/formats/atif_values.h"
#include "trajectory/formats/run.h"
#include "trajectory/formats/run_writer.h"

namespace proctor::trajectory::formats {
namespace {

std::string PicturePath(const v1::Observation& observation, int index) {
  return absl::StrFormat("images/%04d%s", index, ExtensionOf(observation));
}

Json PicturePart(const v1::Observation& observation, int index) {
  const std::string extension = ExtensionOf(observation);
  const char* const type = extension == ".jpg"    ? "image/jpeg"
                           : extension == ".webp" ? "image/webp"
                                                  : "image/png";
  return {{"type", "image"},
          {"source", {{"media_type", type}, {"path", PicturePath(observation, index)}}}};
}

Json TextPart(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

// The name that readers take for none.
std::string OrUnknown(const std::string& text) { return text.empty() ? "unknown" : text; }

// Recorded numbers may be anything.
int64_t Sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// A document that grows step by step.
class AtifDocument {
 public:
  explicit AtifDocument(const v1::Trajectory& trajectory) : trajectory_(trajectory) {
    AddTask();
    AddNotices(trajectory.initial_observation());
    for (int i = 0; i < trajectory.steps_size(); ++i) {
      AddStep(trajectory.steps(i), i + 1);
      AddNotices(trajectory.steps(i).observation());
    }
  }

  Json Take() {
    Json document = {
        {"schema_version", "ATIF-v1.7"}, {"agent", Agent()}, {"final_metrics", Totals()}};
    document["steps"] = std::move(steps_);
    for (const char* const tag : {kSessionTag, kTrajectoryTag}) {
      const auto value = trajectory_.client_tags().find(tag);
      if (value != trajectory_.client_tags().end()) document[tag] = value->second;
    }
    Json rest = HeaderRemainder(trajectory_);
    if (!rest.is_null()) document["extra"] = {{"proctor", std::move(rest)}};
    return document;
  }

 private:
  Json& Add(const char* source, Json message) {
    steps_.push_back(
        {{"step_id", steps_.size() + 1}, {"source", source}, {"message", std::move(message)}});
    return steps_.back();
  }

  void AddTask() {
    const v1::Observation& seen = trajectory_.initial_observation();
    Json message = trajectory_.task().goal();
    if (seen.has_screenshot()) {
      message = Json::array({TextPart(trajectory_.task().goal()), PicturePart(seen, 0)});
    }
    Json& step = Add("user", std::move(message));
    if (trajectory_.has_start_time()) step["timestamp"] = WriteIsoTime(trajectory_.start_time());
  }

  void AddNotices(const v1::Observation& seen) {
    for (const std::string& notice : seen.notices()) Add("user", notice);
  }

  // `picture`: the number of its picture.
  void AddStep(const v1::Step& step, int picture) {
    const v1::AgentData& data = step.agent_data();
    Json& json = Add("agent", data.raw_output());
    const std::string id = absl::StrCat("call_", steps_.size());
    if (step.has_start_time()) json["timestamp"] = WriteIsoTime(step.start_time());
    if (!data.thought().empty()) json["reasoning_content"] = data.thought();
    Json call = Call(step);
    if (!call.is_null()) {
      call["tool_call_id"] = id;
      json["tool_calls"] = Json::array({std::move(call)});
    }
    Json content = Json::array();
    const v1::Observation& seen = step.observation();
    if (!seen.text().text().empty()) content.push_back(TextPart(seen.text().text()));
    if (seen.has_screenshot()) content.push_back(PicturePart(seen, picture));
    if (!content.empty()) {
      Json result = {{"content", std::move(content)}};
      if (json.contains("tool_calls")) result["source_call_id"] = id;
      json["observation"] = {{"results", Json::array({std::move(result)})}};
    }
    Json metrics = Metrics(data);
    if (!metrics.empty()) json["metrics"] = std::move(metrics);
    Json rest = StepRemainder(step);
    if (!rest.is_null()) json["extra"] = {{"proctor", std::move(rest)}};
  }

  // Null for a step without an action.
  static Json Call(const v1::Step& step) {
    if (step.action().kind_case() != v1::Action::KIND_NOT_SET) {
      ToolCall call = CallOfAction(step.action());
      return {{"function_name", call.function}, {"arguments", std::move(call.arguments)}};
    }
    const auto kept = step.agent_data().extra().fields().find(kToolCall);
    if (kept == step.agent_data().extra().fields().end()) return nullptr;
    const absl::StatusOr<Json> call = ParseJson(kept->second.string_value());
    return call.ok() && call->is_object() ? *call : Json(nullptr);
  }

  Json Metrics(const v1::AgentData& data) {
    Json metrics = Json::object();
    if (data.has_usage() && IsPlainUsage(data.usage())) {
      metrics["prompt_tokens"] = data.usage().input_tokens();
      metrics["completion_tokens"] = data.usage().output_tokens();
      metrics["cached_tokens"] = data.usage().cached_input_tokens();
      metrics["cost_usd"] = data.usage().cost_usd();
      total_.set_input_tokens(Sum(total_.input_tokens(), data.usage().input_tokens()));
      total_.set_output_tokens(Sum(total_.output_tokens(), data.usage().output_tokens()));
      total_.set_cached_input_tokens(
          Sum(total_.cached_input_tokens(), data.usage().cached_input_tokens()));
      total_.set_cost_usd(total_.cost_usd() + data.usage().cost_usd());
    }
    if (!data.prompt_token_ids().empty() && AreTokens(data.prompt_token_ids())) metrics["prompt_token_ids"] = data.prompt_token_ids();
    if (!data.token_ids().empty() && AreTokens(data.token_ids())) metrics["completion_token_ids"] = data.token_ids();
    if (!data.log_probs().empty() && AreFinite(data.log_probs())) {
      metrics["logprobs"] = data.log_probs();
    }
    return metrics;
  }

  Json Agent() const {
    Json agent = {{"name", OrUnknown(trajectory_.policy().policy())},
                  {"version", OrUnknown(trajectory_.policy().version())}};
    const auto model = trajectory_.client_tags().find(kModelTag);
    if (model != trajectory_.client_tags().end()) agent["model_name"] = model->second;
    return agent;
  }

  Json Totals() const {
    return {{"total_steps", steps_.size()},
            {"total_prompt_tokens", total_.input_tokens()},
            {"total_completion_tokens", total_.output_tokens()},
            {"total_cached_tokens", total_.cached_input_tokens()},
            {"total_cost_usd", total_.cost_usd()}};
  }

  const v1::Trajectory& trajectory_;
  Json steps_ = Json::array();
  v1::Usage total_;
};

class AtifWriter final : public RunWriter {
 public:
  using RunWriter::RunWriter;

  absl::StatusOr<std::string> Add(const CallContext& context,
                                  const v1::Trajectory& trajectory) override {
    if (trajectory.task().goal().empty()) {
      return absl::FailedPreconditionError("ATIF begins with the task, which is empty");
    }
    PROCTOR_ASSIGN_OR_RETURN(const std::string text, TextOf(AtifDocument(trajectory).Take()));
    PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("trajectories", trajectory.name()));
    PROCTOR_RETURN_IF_ERROR(folder().AddFolder(id));
    PROCTOR_RETURN_IF_ERROR(folder().AddFolder(absl::StrCat(id, "/images")));
    for (int i = 0; i <= trajectory.steps_size(); ++i) {
      const v1::Observation& seen = SeenBefore(trajectory, i);
      if (!seen.has_screenshot()) continue;
      PROCTOR_RETURN_IF_ERROR(
          AddPicture(context, seen, absl::StrCat(id, "/", PicturePath(seen, i))));
    }
    const std::string label = absl::StrCat(id, "/trajectory.json");
    PROCTOR_RETURN_IF_ERROR(folder().AddFile(label, text));
    return label;
  }
};

}  // namespace

std::unique_ptr<RunWriter> NewAtifWriter(WriterParts parts) {
  return std::make_unique<AtifWriter>(parts);
}

}  // namespace proctor::trajectory::formats
