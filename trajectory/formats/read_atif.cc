// Documents of the Agent Trajectory Interchange Format, version 1 (docs/formats/atif.md).
#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "re2/re2.h"
#include "trajectory/formats/atif_parts.h"
#include "trajectory/formats/atif_remainder.h"
#include "trajectory/formats/atif_values.h"
#include "trajectory/formats/json_object.h"
#include "trajectory/formats/picture_reader.h"
#include "trajectory/formats/readers.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory::formats {
namespace {

constexpr char kOwn[] = "proctor";
constexpr char kUnknown[] = "unknown";

class Document {
 public:
  Document(const RunSource& source, Run& run, Findings& findings)
      : run_(run), findings_(findings), pictures_(source.files, run, findings) {}

  void Read(const Json& json) {
    static const RE2 version(R"(ATIF-v1\.\d{1,3})");
    JsonObject document(json, "", findings_);
    if (!RE2::FullMatch(document.Text("schema_version"), version)) {
      findings_.Fail("schema_version", "is not ATIF-v1.x");
      return;
    }
    ReadRest(document);
    ReadAgent(document);
    for (const auto& [key, tag] :
         {std::pair{"session_id", kSessionTag}, std::pair{"trajectory_id", kTrajectoryTag}}) {
      SetTag(tag, document.OptionalText(key));
    }
    ReadTotals(document);
    const Json& steps = document.Array("steps");
    document.ReportRest();
    for (size_t i = 0; i < steps.size() && findings_.ok(); ++i) ReadStep(steps[i], i);
    if (findings_.ok()) Finish();
  }

 private:
  void SetTag(const char* tag, const std::optional<std::string>& value) {
    if (value.has_value()) (*run_.header.mutable_client_tags())[tag] = *value;
  }

  // Our own part of an `extra`; the rest of it is reported.
  const Json* OwnPart(JsonObject& parent) {
    const Json* const extra = parent.OptionalObject("extra");
    if (extra == nullptr) return nullptr;
    JsonObject fields(*extra, parent.At("extra"), findings_);
    const Json* const own = fields.OptionalObject(kOwn);
    fields.ReportRest();
    return own;
  }

  void ReadRest(JsonObject& document) {
    const Json* const own = OwnPart(document);
    if (own == nullptr) return;
    absl::StatusOr<v1::Trajectory> header = HeaderFromRemainder(*own);
    if (!header.ok()) {
      findings_.Fail("extra.proctor", header.status());
      return;
    }
    run_.header = *std::move(header);
    is_ours_ = true;
  }

  void ReadAgent(JsonObject& document) {
    JsonObject agent(document.Object("agent"), "agent", findings_);
    const std::string name = agent.Text("name");
    const std::string version = agent.OptionalText("version").value_or("");
    if (name != kUnknown && !name.empty()) run_.header.mutable_policy()->set_policy(name);
    if (version != kUnknown && !version.empty()) run_.header.mutable_policy()->set_version(version);
    const std::optional<std::string> model = agent.OptionalText("model_name");
    model_ = model.value_or("");
    SetTag(kModelTag, model);
    agent.ReportRest();
  }

  // They follow from the steps.
  void ReadTotals(JsonObject& document) {
    const Json* const totals = document.OptionalObject("final_metrics");
    if (totals == nullptr) return;
    JsonObject fields(*totals, "final_metrics", findings_);
    for (const char* const key : {"total_prompt_tokens", "total_completion_tokens",
                                  "total_cached_tokens", "total_cost_usd", "total_steps"}) {
      fields.Ignore(key);
    }
    fields.ReportRest();
  }

  void ReadStep(const Json& json, size_t index) {
    JsonObject step(json, absl::StrCat("steps[", index, "]"), findings_);
    if (step.Integer("step_id") != static_cast<int64_t>(index) + 1) {
      findings_.Fail(step.At("step_id"), absl::StrCat("is not ", index + 1));
    }
    const std::string source = step.Text("source");
    const std::optional<std::string> time = step.OptionalText("timestamp");
    std::optional<google::protobuf::Timestamp> when;
    if (time.has_value()) when = ReadIsoTime(*time);
    if (time.has_value() && !when.has_value())
      findings_.Fail(step.At("timestamp"), "is no ISO 8601 time");
    const AtifContent message = ReadAtifContent(step.Any("message"), step.At("message"), findings_);
    if (source == "agent") {
      ReadAgentStep(step, message, when);
    } else if (source == "user") {
      ReadUserStep(step, message, when);
    } else if (source == "system") {
      findings_.Skip(step.At("message"), "a system message has no place in a trajectory");
    } else {
      findings_.Fail(step.At("source"), "is neither system, user nor agent");
    }
    step.ReportRest();
  }

  // The first picture; an observation has one.
  void SetPicture(const std::vector<std::string>& pictures, const std::string& where,
                  v1::Observation& observation) {
    for (const std::string& path : pictures) {
      if (!findings_.ok()) return;
      if (observation.has_screenshot()) {
        findings_.Skip(where, "an observation has one picture, the first");
      } else {
        pictures_.Read(path, where, observation);
      }
    }
  }

  void ReadUserStep(JsonObject& step, const AtifContent& message,
                    const std::optional<google::protobuf::Timestamp>& when) {
    v1::Task& task = *run_.header.mutable_task();
    const bool is_goal = task.goal().empty() && run_.steps.empty();
    if (is_goal) {
      task.set_goal(message.text);
      if (task.goal().empty())
        findings_.Fail(step.At("message"), "has no text: the task is missing");
      if (when.has_value()) *run_.header.mutable_start_time() = *when;
    } else if (message.has_text) {
      SeenBefore(run_, run_.steps.size()).add_notices(message.text);
    }
    if (!is_goal && when.has_value()) {
      findings_.Skip(step.At("timestamp"), "a notice has no time of its own");
    }
    if (!message.pictures.empty()) {
      SetPicture(message.pictures, step.At("message"), SeenBefore(run_, run_.steps.size()));
    }
  }

  // One step of ours for each call; the first has what the model said.
  void ReadAgentStep(JsonObject& json, const AtifContent& message,
                     const std::optional<google::protobuf::Timestamp>& when) {
    if (run_.header.task().goal().empty()) {
      findings_.Fail(json.At("source"), "is agent before a user's step has told the task");
      return;
    }
    v1::Step first = RestOf(json);
    const std::string thought = json.OptionalText("reasoning_content").value_or("");
    if (!thought.empty()) first.mutable_agent_data()->set_thought(thought);
    if (!message.text.empty()) first.mutable_agent_data()->set_raw_output(message.text);
    if (!message.pictures.empty()) {
      findings_.Skip(json.At("message"), "a picture in an agent's message has no place");
    }
    v1::AgentData measured = first.agent_data();
    ReadAtifMetrics(json, findings_, measured);
    if (measured.ByteSizeLong() > 0) *first.mutable_agent_data() = measured;
    const std::optional<std::string> model = json.OptionalText("model_name");
    if (model.has_value() && *model != model_) {
      findings_.Skip(json.At("model_name"), "a run has one model, the agent's");
    }
    const size_t begin = run_.steps.size();
    const Json& calls = json.OptionalArray("tool_calls");
    std::map<std::string, size_t> step_of_call;
    for (size_t i = 0; i < std::max<size_t>(calls.size(), 1) && findings_.ok(); ++i) {
      v1::Step& step = run_.steps.emplace_back(std::exchange(first, v1::Step()));
      step.set_index(static_cast<int32_t>(run_.steps.size()) - 1);
      if (when.has_value()) *step.mutable_start_time() = *when;
      if (calls.empty()) break;
      const std::string where = absl::StrCat(json.At("tool_calls"), "[", i, "]");
      const std::string id = ReadCall(calls[i], where, step);
      if (!step_of_call.emplace(id, begin + i).second) {
        findings_.Fail(where, "has the tool_call_id of another call");
      }
    }
    if (run_.steps.size() > kMaxSteps) findings_.Fail(json.At("tool_calls"), "make too many steps");
    last_has_call_ = !calls.empty();
    ReadObservation(json, step_of_call);
  }

  v1::Step RestOf(JsonObject& json) {
    const Json* const own = OwnPart(json);
    if (own == nullptr) return {};
    absl::StatusOr<v1::Step> step = StepFromRemainder(*own);
    if (step.ok()) return *std::move(step);
    findings_.Fail(json.At("extra.proctor"), step.status());
    return {};
  }

  // The call's id.
  std::string ReadCall(const Json& json, const std::string& where, v1::Step& step) {
    JsonObject call(json, where, findings_);
    std::string id = call.Text("tool_call_id");
    const ToolCall read{.function = call.Text("function_name"),
                        .arguments = call.Object("arguments")};
    call.ReportRest();
    v1::Action action = ActionOfCall(read);
    if (action.kind_case() != v1::Action::KIND_NOT_SET) {
      *step.mutable_action() = std::move(action);
    } else {
      KeepCall(read, step);
    }
    return id;
  }

  static void KeepCall(const ToolCall& call, v1::Step& step) {
    const Json json = {{"function_name", call.function}, {"arguments", call.arguments}};
    (*step.mutable_agent_data()->mutable_extra()->mutable_fields())[kToolCall].set_string_value(
        DumpJson(json));
  }

  void ReadObservation(JsonObject& json, const std::map<std::string, size_t>& step_of_call) {
    const Json* const object = json.OptionalObject("observation");
    if (object == nullptr || !findings_.ok()) return;
    JsonObject observation(*object, json.At("observation"), findings_);
    const Json& results = observation.Array("results");
    observation.ReportRest();
    for (size_t i = 0; i < results.size() && findings_.ok(); ++i) {
      JsonObject result(results[i], absl::StrCat(observation.At("results"), "[", i, "]"),
                        findings_);
      const std::optional<std::string> id = result.OptionalText("source_call_id");
      size_t step = run_.steps.size() - 1;
      if (id.has_value()) {
        const auto call = step_of_call.find(*id);
        if (call == step_of_call.end()) {
          findings_.Fail(result.At("source_call_id"), "is none of the step's tool calls");
          return;
        }
        step = call->second;
      }
      const AtifContent content =
          ReadAtifContent(result.Any("content"), result.At("content"), findings_);
      result.ReportRest();
      AddResult(content, result.At("content"), run_.steps[step]);
    }
  }

  void AddResult(const AtifContent& content, const std::string& where, v1::Step& step) {
    if (!content.text.empty()) {
      std::string& text = *step.mutable_observation()->mutable_text()->mutable_text();
      absl::StrAppend(&text, text.empty() ? "" : "\n", content.text);
    }
    if (!content.pictures.empty()) SetPicture(content.pictures, where, *step.mutable_observation());
  }

  void Finish() {
    if (run_.header.task().goal().empty()) {
      findings_.Fail("steps", "hold no user's step that tells the task");
      return;
    }
    if (is_ours_ && run_.header.end_kind() != v1::END_KIND_UNSPECIFIED) return;
    for (size_t i = 0; i + 1 < run_.steps.size(); ++i) KeepRunning(run_.steps[i]);
    if (!run_.steps.empty() && !last_has_call_) {
      // The last word of an agent that calls no tool is its answer.
      v1::Step& last = run_.steps.back();
      last.mutable_action()->mutable_answer()->set_text(last.agent_data().raw_output());
    }
    const std::string message = std::exchange(*run_.header.mutable_end_message(), "");
    SetEnd(run_, v1::END_KIND_TERMINATED, v1::END_REASON_CLIENT_DONE, message);
  }

  // An answer ends a run, unless a record of ours says how that ended; a tool of that name may not.
  void KeepRunning(v1::Step& step) {
    if (!step.action().has_answer() && !step.action().has_give_up()) return;
    KeepCall(CallOfAction(step.action()), step);
    step.clear_action();
    findings_.Skip(absl::StrCat("steps[", step.index(), "] (answer)"),
                   "it is not the last step: kept as the call of a tool");
  }

  Run& run_;
  Findings& findings_;
  PictureReader pictures_;
  std::string model_;
  bool last_has_call_ = false;
  // It holds a record's header.
  bool is_ours_ = false;
};

absl::StatusOr<Run> ReadRun(const RunSource& source) {
  PROCTOR_ASSIGN_OR_RETURN(const Json json, source.files.ReadJson(source.file));
  Run run{.header = AtifHeader(source.split), .steps = {}, .pictures = {}, .skips = {}};
  Findings findings(source.file);
  Document(source, run, findings).Read(json);
  PROCTOR_RETURN_IF_ERROR(findings.status());
  run.skips = findings.skips();
  return run;
}

}  // namespace

absl::Status ReadAtif(const RunSource& source, RunSink& sink) {
  return sink.Take(source.files, source.label, ReadRun(source));
}

}  // namespace proctor::trajectory::formats
