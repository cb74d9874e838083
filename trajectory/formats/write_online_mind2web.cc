// Online-Mind2Web submissions, version 2 (docs/formats/online_mind2web.md).
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/json.h"
#include "common/status.h"
#include "trajectory/formats/action_text.h"
#include "trajectory/formats/mind2web_text.h"
#include "trajectory/formats/run.h"
#include "trajectory/formats/run_writer.h"

namespace proctor::trajectory::formats {
namespace {

Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// True if the last step is what the format's last string says; else a string of its own tells the
// end.
bool EndsByItself(const v1::Trajectory& trajectory) {
  if (trajectory.steps().empty()) return false;
  const v1::Action& last = trajectory.steps().rbegin()->action();
  return last.has_answer() || last.has_give_up();
}

std::string EndText(const v1::Trajectory& trajectory, const v1::Step* last) {
  if (last == nullptr) {
    return WriteMind2WebEnd(
        {.action = {}, .reason = trajectory.end_reason(), .message = trajectory.end_message()});
  }
  const std::string& raw = last->agent_data().raw_output();
  const std::optional<std::string> answer =
      last->action().has_answer() ? std::optional(last->action().answer().text()) : std::nullopt;
  const auto said = ReadMind2WebEnd(raw, answer);
  if (said.has_value() && SameMessage(said->action, last->action())) return raw;
  return WriteMind2WebEnd({.action = last->action(), .reason = {}, .message = {}});
}

// Its own text where that reads as the step says.
std::string ActionText(const v1::Step& step, const v1::Observation& seen, const std::string& url) {
  const bool failed = !step.observation().action_error().empty();
  const std::string& raw = step.agent_data().raw_output();
  const Mind2WebAction read = ReadMind2WebAction(raw, url, seen);
  // A text without a status leaves it to the entry's own field.
  const bool fits =
      read.status == ActionStatus::kNone || (read.status == ActionStatus::kFailed) == failed;
  if (!raw.empty() && fits && !ReadMind2WebEnd(raw, {}).has_value() &&
      SameMessage(read.action, step.action())) {
    return raw;
  }
  return WriteMind2WebAction(step.action(), seen, failed);
}

class OnlineMind2WebWriter final : public RunWriter {
 public:
  using RunWriter::RunWriter;

  absl::StatusOr<std::string> Add(const CallContext& context,
                                  const v1::Trajectory& trajectory) override {
    PROCTOR_RETURN_IF_ERROR(CheckCanBeCarried(trajectory));
    const std::string task_id = PlainNameOf(ExternalId(trajectory));
    PROCTOR_ASSIGN_OR_RETURN(const std::string text, TextOf(Document(trajectory, task_id)));
    const std::string label = Unique(task_id);
    PROCTOR_RETURN_IF_ERROR(folder().AddFolder(label));
    PROCTOR_RETURN_IF_ERROR(folder().AddFolder(absl::StrCat(label, "/trajectory")));
    for (int i = 0; i < Entries(trajectory); ++i) {
      const v1::Observation& seen = SeenBefore(trajectory, i);
      PROCTOR_RETURN_IF_ERROR(
          AddPicture(context, seen, absl::StrCat(label, "/trajectory/", PictureName(seen, i))));
    }
    PROCTOR_RETURN_IF_ERROR(folder().AddFile(absl::StrCat(label, "/result.json"), text));
    return label;
  }

 private:
  static int Entries(const v1::Trajectory& trajectory) {
    return trajectory.steps_size() + (EndsByItself(trajectory) ? 0 : 1);
  }

  static absl::Status CheckCanBeCarried(const v1::Trajectory& trajectory) {
    for (int i = 0; i < Entries(trajectory); ++i) {
      if (SeenBefore(trajectory, i).has_screenshot()) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "Online-Mind2Web needs a screenshot before step ", i, ", which there is none"));
    }
    if (trajectory.task().goal().empty()) {
      return absl::FailedPreconditionError("Online-Mind2Web needs a task, which is empty");
    }
    return absl::OkStatus();
  }

  static std::string PictureName(const v1::Observation& seen, int index) {
    return absl::StrFormat("%04d%s", index, ExtensionOf(seen));
  }

  static Json Document(const v1::Trajectory& trajectory, const std::string& task_id) {
    Json history = Json::array();
    const int entries = Entries(trajectory);
    for (int i = 0; i < entries; ++i) {
      const v1::Observation& seen = SeenBefore(trajectory, i);
      Json entry =
          i + 1 == entries ? EndEntry(trajectory, seen) : StepEntry(trajectory.steps(i), seen);
      entry["step"] = i;
      entry["screenshot"] = PictureName(seen, i);
      history.push_back(std::move(entry));
    }
    return {{"schema_version", "online-mind2web-v2"},
            {"task", trajectory.task().goal()},
            {"task_id", task_id},
            {"reference_length", std::max(1, trajectory.task().optimal_steps())},
            {"agent_final_answer", FinalAnswer(trajectory)},
            {"action_history", std::move(history)}};
  }

  static Json FinalAnswer(const v1::Trajectory& trajectory) {
    const bool answered =
        EndsByItself(trajectory) && trajectory.steps().rbegin()->action().has_answer();
    return answered ? Json(trajectory.steps().rbegin()->action().answer().text()) : Json(nullptr);
  }

  static Json EndEntry(const v1::Trajectory& trajectory, const v1::Observation& seen) {
    const v1::Step* const last = EndsByItself(trajectory) ? &*trajectory.steps().rbegin() : nullptr;
    return {
        {"url", TextOrNull(seen.url())},
        {"action", EndText(trajectory, last)},
        {"action_status", nullptr},
        {"thought", last == nullptr ? Json(nullptr) : TextOrNull(last->agent_data().thought())}};
  }

  static Json StepEntry(const v1::Step& step, const v1::Observation& seen) {
    const std::string url = IsNavigation(step.action()) ? step.action().goto_().url() : seen.url();
    const std::string text = ActionText(step, seen, url);
    const ActionStatus status = ReadMind2WebAction(text, url, seen).status;
    const bool failed = !step.observation().action_error().empty();
    return {{"url", TextOrNull(url)},
            {"action", text},
            {"action_status", failed                             ? Json("FAILED")
                              : status == ActionStatus::kSuccess ? Json("SUCCESS")
                                                                 : Json(nullptr)},
            {"thought", TextOrNull(step.agent_data().thought())}};
  }
};

}  // namespace

std::unique_ptr<RunWriter> NewOnlineMind2WebWriter(WriterParts parts) {
  return std::make_unique<OnlineMind2WebWriter>(parts);
}

}  // namespace proctor::trajectory::formats
