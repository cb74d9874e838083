// WebVoyager's result folders (docs/formats/webvoyager.md).
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "trajectory/formats/action_text.h"
#include "trajectory/formats/json_object.h"
#include "trajectory/formats/picture_reader.h"
#include "trajectory/formats/readers.h"
#include "trajectory/formats/webvoyager_messages.h"
#include "trajectory/formats/webvoyager_text.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory::formats {
namespace {

constexpr char kRecorder[] = "webvoyager";
// A placeholder is shorter than any picture.
constexpr size_t kMaxPlaceholder = 100;

class Conversation {
 public:
  Conversation(const RunSource& source, Run& run, Findings& findings)
      : source_(source), run_(run), findings_(findings), pictures_(source.files, run, findings) {}

  void Read(const Json& messages) {
    if (!messages.is_array() || messages.size() < 2) {
      findings_.Fail("the document", "is no array of at least two messages");
      return;
    }
    // Those of the system, of each step, and of a user whom nobody answers.
    if (messages.size() > 2 * kMaxSteps + 2) findings_.Fail("the document", "has too many messages");
    for (size_t i = 0; i < messages.size() && findings_.ok(); ++i) {
      ReadMessage(messages[i], i, i + 1 == messages.size());
    }
    if (!findings_.ok()) return;
    const bool broke_off = messages.size() % 2 == 0;
    SetEnd(run_, broke_off ? v1::END_KIND_INTERRUPTED : v1::END_KIND_TRUNCATED,
           broke_off ? v1::END_REASON_CANCELLED : v1::END_REASON_STEP_LIMIT,
           broke_off ? "the conversation ends before the agent's turn"
                     : "the conversation ends without an answer");
    ReportOtherFiles();
  }

 private:
  void ReadMessage(const Json& json, size_t index, bool last) {
    const std::string where = absl::StrCat("messages[", index, "]");
    JsonObject message(json, where, findings_);
    const char* const expected = index == 0 ? "system" : index % 2 == 1 ? "user" : "assistant";
    if (message.Text("role") != expected) {
      findings_.Fail(message.At("role"), absl::StrCat("is not '", expected, "'"));
    }
    const std::string text = TextOf(message);
    message.ReportRest();
    if (last && index % 2 == 1 && !run_.steps.empty() && run_.steps.back().action().has_answer()) {
      findings_.Fail(where, "follows the answer, which ends a run");
    }
    if (!findings_.ok()) return;
    if (index == 0) {
      findings_.Skip(where, "the system prompt has no place in a trajectory");
    } else if (index % 2 == 1) {
      ReadUser(text, where, (index + 1) / 2);
    } else {
      ReadAgent(text, where);
    }
  }

  // A text, or a list of parts of which the texts count.
  std::string TextOf(JsonObject& message) {
    const Json* const content = message.Any("content");
    if (content != nullptr && content->is_string()) return content->get<std::string>();
    if (content == nullptr || !content->is_array()) {
      findings_.Fail(message.At("content"), "is neither a text nor a list of parts");
      return "";
    }
    std::string text;
    for (size_t i = 0; i < content->size(); ++i) {
      JsonObject part((*content)[i], absl::StrCat(message.At("content"), "[", i, "]"), findings_);
      const std::string type = part.Text("type");
      if (type == "text") {
        text += part.Text("text");
      } else if (type == "image_url") {
        const std::string url = JsonStringOr(part.Object("image_url"), "url");
        if (url.size() > kMaxPlaceholder) {
          findings_.Skip(part.At("image_url"), "the screenshot's file is taken instead");
        }
      } else {
        findings_.Fail(part.At("type"), "is neither 'text' nor 'image_url'");
      }
      part.ReportRest();
    }
    return text;
  }

  // `turn` counts from 1, as the screenshots do.
  void ReadUser(std::string_view text, const std::string& where, size_t turn) {
    v1::Observation& seen = SeenBefore(run_, run_.steps.size());
    if (turn == 1) {
      const auto task = ReadWebVoyagerTask(text);
      if (!task.has_value()) {
        findings_.Fail(where,
                       "does not say 'Now given a task: ... Please interact with ... and "
                       "get the answer.'");
        return;
      }
      run_.header.mutable_task()->set_goal(task->goal);
      if (task->goal.empty()) findings_.Fail(where, "has an empty task");
      if (!task->start_url.empty()) {
        run_.header.mutable_task()->mutable_start_state()->set_start_url(task->start_url);
      }
      text = task->observation;
    }
    const std::string file = absl::StrCat("screenshot", turn, ".png");
    files_read_.insert(file);
    if (ShowsPage(text) || turn == 1) {
      ReadShownPage(text, where, seen, findings_);
      pictures_.Read(file, where, seen);
      seen.mutable_screenshot()->set_marks_drawn(true);
    } else {
      // The loop shows no new page after an action that it could not do.
      seen.set_action_error(ReadActionError(text));
      if (pictures_.ReadIfThere(file, where, seen)) {
        seen.mutable_screenshot()->set_marks_drawn(true);
      }
    }
  }

  void ReadAgent(const std::string& text, const std::string& where) {
    v1::Step step;
    step.set_index(static_cast<int32_t>(run_.steps.size()));
    const v1::Observation& seen = SeenBefore(run_, run_.steps.size());
    WebVoyagerTurn turn = ReadWebVoyagerTurn(text, seen);
    if (turn.action.kind_case() == v1::Action::KIND_NOT_SET) {
      findings_.Skip(where, "no action could be read from it; the text is kept");
    } else {
      *step.mutable_action() = std::move(turn.action);
    }
    step.mutable_agent_data()->set_thought(turn.thought);
    step.mutable_agent_data()->set_raw_output(text);
    SetTargetElement(seen, step);
    run_.steps.push_back(std::move(step));
  }

  void SetTargetElement(const v1::Observation& seen, v1::Step& step) {
    const v1::Action& action = step.action();
    const v1::Target& target = action.has_click()    ? action.click().target()
                               : action.has_type()   ? action.type().target()
                               : action.has_scroll() ? action.scroll().target()
                                                     : v1::Target::default_instance();
    if (target.kind_case() != v1::Target::kMark) return;
    for (const v1::Element& element : seen.elements()) {
      if (element.mark() != target.mark()) continue;
      *step.mutable_target_element() = element;
      return;
    }
  }

  void ReportOtherFiles() {
    const auto entries = source_.files.List();
    if (!entries.ok()) return;
    for (const FolderEntry& entry : *entries) {
      if (entry.name == source_.file || files_read_.count(entry.name) > 0) continue;
      findings_.Skip(entry.name, absl::StartsWith(entry.name, "screenshot")
                                     ? "no turn of the conversation has this number"
                                     : "is not read");
    }
  }

  const RunSource& source_;
  Run& run_;
  Findings& findings_;
  PictureReader pictures_;
  std::set<std::string> files_read_;
};

// "Amazon--0" of "runs/taskAmazon--0".
std::string TaskIdOf(const std::string& label) {
  const std::string folder = SanitizeUtf8(label.substr(label.rfind('/') + 1));
  return absl::StartsWith(folder, "task") ? folder.substr(4) : folder;
}

absl::StatusOr<Run> ReadRun(const RunSource& source) {
  PROCTOR_ASSIGN_OR_RETURN(const Json messages, source.files.ReadJson(source.file));
  Run run{
      .header = ForeignHeader(kRecorder, source.split), .steps = {}, .pictures = {}, .skips = {}};
  const std::string id = TaskIdOf(source.label);
  run.header.mutable_task()->mutable_lineage()->set_external_id(id);
  const size_t site = id.find("--");
  if (site != std::string::npos) run.header.mutable_task()->set_site(id.substr(0, site));
  Findings findings(source.file);
  Conversation(source, run, findings).Read(messages);
  PROCTOR_RETURN_IF_ERROR(findings.status());
  run.skips = findings.skips();
  return run;
}

}  // namespace

absl::Status ReadWebVoyager(const RunSource& source, RunSink& sink) {
  return sink.Take(source.files, source.label, ReadRun(source));
}

}  // namespace proctor::trajectory::formats
