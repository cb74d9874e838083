// Online-Mind2Web submissions, version 2 (docs/formats/online_mind2web.md).
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "re2/re2.h"
#include "trajectory/end_kind.h"
#include "trajectory/formats/action_text.h"
#include "trajectory/formats/json_object.h"
#include "trajectory/formats/mind2web_text.h"
#include "trajectory/formats/picture_reader.h"
#include "trajectory/formats/readers.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory::formats {
namespace {

constexpr char kRecorder[] = "online_mind2web";
constexpr char kVersion[] = "online-mind2web-v2";
constexpr char kFolder[] = "trajectory";
// What is known of an action that failed.
constexpr char kFailed[] = "FAILED";

// Without the white space that the format does not count.
std::string Squeezed(const std::string& text) {
  std::string squeezed = text;
  static const RE2 space(R"(\s+)");
  RE2::GlobalReplace(&squeezed, space, " ");
  return std::string(Trim(squeezed));
}

class Submission {
 public:
  Submission(const RunSource& source, Run& run, Findings& findings)
      : source_(source), run_(run), findings_(findings), pictures_(source.files, run, findings) {}

  void Read(const Json& json) {
    JsonObject document(json, "", findings_);
    if (document.Text("schema_version") != kVersion) {
      findings_.Fail("schema_version", absl::StrCat("is not ", kVersion));
      return;
    }
    ReadTask(document);
    final_answer_ = document.OptionalText("agent_final_answer");
    const Json& history = document.Array("action_history");
    document.ReportRest();
    if (history.empty()) findings_.Fail("action_history", "has no steps");
    // An end without an answer is no step.
    if (history.size() > kMaxSteps + 1) findings_.Fail("action_history", "has too many steps");
    for (size_t i = 0; i < history.size() && findings_.ok(); ++i) {
      ReadStep(history[i], i, i + 1 == history.size());
    }
    if (findings_.ok()) ReportOtherFiles();
  }

 private:
  void ReadTask(JsonObject& document) {
    static const RE2 id_form(R"([A-Za-z0-9_-]+)");
    v1::Task& task = *run_.header.mutable_task();
    task.set_goal(document.Text("task"));
    if (task.goal().empty()) findings_.Fail("task", "is empty");
    const std::string id = document.Text("task_id");
    if (!RE2::FullMatch(id, id_form))
      findings_.Fail("task_id", "is not of the form [A-Za-z0-9_-]+");
    task.mutable_lineage()->set_external_id(id);
    const int64_t length = document.Integer("reference_length");
    if (length < 1 || length > std::numeric_limits<int32_t>::max()) {
      findings_.Fail("reference_length", "is no number of steps");
      return;
    }
    task.set_optimal_steps(static_cast<int32_t>(length));
  }

  void ReadStep(const Json& json, size_t index, bool last) {
    JsonObject step(json, absl::StrCat("action_history[", index, "]"), findings_);
    if (step.Integer("step") != static_cast<int64_t>(index)) {
      findings_.Fail(step.At("step"), absl::StrCat("is not ", index));
    }
    if (!step.Has("thought")) findings_.Fail(step.At("thought"), "is missing");
    const std::string thought = step.OptionalText("thought").value_or("");
    const std::string url = step.OptionalText("url").value_or("");
    const std::string action = step.Text("action");
    if (action.empty()) findings_.Fail(step.At("action"), "is empty");
    ReadScreenshot(step);
    const std::optional<std::string> status = step.OptionalText("action_status");
    step.ReportRest();
    if (!findings_.ok()) return;
    v1::Observation& seen = SeenBefore(run_, run_.steps.size());
    const std::optional<Mind2WebEnd> end = ReadMind2WebEnd(action, final_answer_);
    if (end.has_value() != last) {
      findings_.Fail(step.At("action"), last ? "does not begin with TASK_COMPLETE"
                                             : "begins with TASK_COMPLETE before the last step");
    } else if (last) {
      seen.set_url(url);
      if (status.has_value()) findings_.Skip(step.At("action_status"), "an end has none");
      ReadEnd(*end, action, thought, step);
    } else {
      ReadAction(action, thought, url, status, step);
    }
  }

  void ReadScreenshot(JsonObject& step) {
    const std::string name = step.Text("screenshot");
    if (name.empty() || name.find('/') != std::string::npos) {
      findings_.Fail(step.At("screenshot"), absl::StrCat("is no file name in ", kFolder, "/"));
    }
    if (!findings_.ok()) return;
    files_read_.insert(name);
    pictures_.Read(absl::StrCat(kFolder, "/", name), step.At("screenshot"),
                   SeenBefore(run_, run_.steps.size()));
  }

  void ReadAction(const std::string& action, const std::string& thought, const std::string& url,
                  const std::optional<std::string>& status, const JsonObject& step) {
    v1::Observation& seen = SeenBefore(run_, run_.steps.size());
    const Mind2WebAction read = ReadMind2WebAction(action, url, seen);
    const char* const said = read.status == ActionStatus::kSuccess  ? "SUCCESS"
                             : read.status == ActionStatus::kFailed ? kFailed
                                                                    : "";
    if (status.has_value() && *status != "SUCCESS" && *status != kFailed) {
      findings_.Fail(step.At("action_status"), "is neither SUCCESS nor FAILED");
    } else if (status.has_value() && *said != '\0' && *status != said) {
      findings_.Fail(step.At("action_status"), absl::StrCat("is not what the action says: ", said));
    }
    if (read.action.kind_case() == v1::Action::KIND_NOT_SET) {
      findings_.Skip(step.At("action"), "no action could be read from it; the text is kept");
    }
    // The URL of a navigation is where it leads to.
    if (!IsNavigation(read.action)) seen.set_url(url);
    v1::Step& added = AddStep(read.action, action, thought);
    const bool failed = read.status == ActionStatus::kFailed || status == kFailed;
    if (failed) added.mutable_observation()->set_action_error(kFailed);
  }

  v1::Step& AddStep(const v1::Action& action, const std::string& text, const std::string& thought) {
    v1::Step step;
    step.set_index(static_cast<int32_t>(run_.steps.size()));
    if (action.kind_case() != v1::Action::KIND_NOT_SET) *step.mutable_action() = action;
    step.mutable_agent_data()->set_thought(thought);
    step.mutable_agent_data()->set_raw_output(text);
    return run_.steps.emplace_back(std::move(step));
  }

  void ReadEnd(const Mind2WebEnd& end, const std::string& text, const std::string& thought,
               const JsonObject& step) {
    if (end.action.kind_case() != v1::Action::KIND_NOT_SET) {
      const std::string answer = end.action.answer().text();
      if (final_answer_.has_value() && Squeezed(*final_answer_) != Squeezed(answer)) {
        findings_.Fail("agent_final_answer", "is not what the last action says");
      }
      AddStep(end.action, text, thought);
    } else if (!thought.empty()) {
      findings_.Skip(step.At("thought"), "an end without an answer is no step");
    }
    SetEnd(run_, EndKindOf(end.reason), end.reason, end.message);
  }

  void ReportOtherFiles() {
    Report(source_.files, "", {source_.file, kFolder});
    const auto pictures = source_.files.Below(kFolder);
    if (pictures.ok()) Report(*pictures, absl::StrCat(kFolder, "/"), files_read_);
  }

  void Report(const RunFiles& files, const std::string& prefix, const std::set<std::string>& read) {
    const auto entries = files.List();
    if (!entries.ok()) return;
    for (const FolderEntry& entry : *entries) {
      if (read.count(entry.name) == 0) findings_.Skip(prefix + entry.name, "no step names it");
    }
  }

  const RunSource& source_;
  Run& run_;
  Findings& findings_;
  PictureReader pictures_;
  std::optional<std::string> final_answer_;
  std::set<std::string> files_read_;
};

absl::StatusOr<Run> ReadRun(const RunSource& source) {
  PROCTOR_ASSIGN_OR_RETURN(const Json json, source.files.ReadJson(source.file));
  Run run{
      .header = ForeignHeader(kRecorder, source.split), .steps = {}, .pictures = {}, .skips = {}};
  Findings findings(source.file);
  Submission(source, run, findings).Read(json);
  PROCTOR_RETURN_IF_ERROR(findings.status());
  run.skips = findings.skips();
  return run;
}

}  // namespace

absl::Status ReadOnlineMind2Web(const RunSource& source, RunSink& sink) {
  return sink.Take(source.files, source.label, ReadRun(source));
}

}  // namespace proctor::trajectory::formats
