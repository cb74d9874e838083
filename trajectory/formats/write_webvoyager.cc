// WebVoyager's result folders (docs/formats/webvoyager.md).
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "trajectory/formats/action_text.h"
#include "trajectory/formats/run.h"
#include "trajectory/formats/run_writer.h"
#include "trajectory/formats/webvoyager_messages.h"
#include "trajectory/formats/webvoyager_text.h"

namespace proctor::trajectory::formats {
namespace {

constexpr char kFile[] = "interact_messages.json";
constexpr char kSystem[] =
    "A recorded run of an agent that browses the web, in the form of WebVoyager. Each turn of the "
    "user "
    "shows a page; each turn of the assistant has a Thought and an Action: Click [n], Type [n]; "
    "[text], Scroll [n or WINDOW]; [up or down], Wait, GoBack, Google, ANSWER; [text], or the JSON "
    "of "
    "another action.";
// What the originals leave of a picture.
constexpr char kPicture[] = "data:image/png;base64,{b64_img}";

Json UserMessage(const std::string& text, const v1::Observation& seen) {
  if (seen.elements().empty() && seen.notices().empty())
    return {{"role", "user"}, {"content", text}};
  Json content = Json::array();
  content.push_back({{"type", "text"}, {"text", text}});
  content.push_back({{"type", "image_url"}, {"image_url", {{"url", kPicture}}}});
  return {{"role", "user"}, {"content", std::move(content)}};
}

class WebVoyagerWriter final : public RunWriter {
 public:
  using RunWriter::RunWriter;

  absl::StatusOr<std::string> Add(const CallContext& context,
                                  const v1::Trajectory& trajectory) override {
    PROCTOR_RETURN_IF_ERROR(CheckCanBeCarried(trajectory));
    PROCTOR_ASSIGN_OR_RETURN(const std::string text, TextOf(Conversation(trajectory)));
    PROCTOR_ASSIGN_OR_RETURN(const std::string label, MakeFolder(trajectory));
    for (int turn = 0; turn < Turns(trajectory); ++turn) {
      const v1::Observation& seen = SeenBefore(trajectory, turn);
      if (!seen.has_screenshot()) continue;
      PROCTOR_RETURN_IF_ERROR(
          AddPicture(context, seen, absl::StrCat(label, "/screenshot", turn + 1, ".png")));
    }
    PROCTOR_RETURN_IF_ERROR(folder().AddFile(absl::StrCat(label, "/", kFile), text));
    return label;
  }

 private:
  // Each turn of the agent follows a page; one more page tells that the run broke off, but not where its last word is an answer, which ends it.
  static int Turns(const v1::Trajectory& trajectory) {
    const bool answered = !trajectory.steps().empty() && trajectory.steps().rbegin()->action().has_answer();
    const bool broke_off = trajectory.end_kind() == v1::END_KIND_INTERRUPTED && !answered;
    return trajectory.steps_size() + (broke_off ? 1 : 0);
  }

  static absl::Status CheckCanBeCarried(const v1::Trajectory& trajectory) {
    const int turns = Turns(trajectory);
    if (turns == 0) return absl::FailedPreconditionError("the trajectory has no steps");
    if (Trim(trajectory.task().goal()).empty()) return absl::FailedPreconditionError("WebVoyager needs a task, which is empty");
    for (int turn = 0; turn < turns; ++turn) {
      const v1::Observation& seen = SeenBefore(trajectory, turn);
      if (seen.has_screenshot() || (turn > 0 && !seen.action_error().empty())) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "WebVoyager needs a screenshot before step ", turn, ", which there is none"));
    }
    return absl::OkStatus();
  }

  // The folder is called by the task; a second run of it lies in a folder of its own.
  absl::StatusOr<std::string> MakeFolder(const v1::Trajectory& trajectory) {
    const std::string task = absl::StrCat("task", FileNameOf(ExternalId(trajectory)));
    const int run = ++runs_[task];
    if (run == 1) {
      PROCTOR_RETURN_IF_ERROR(folder().AddFolder(task));
      return task;
    }
    const std::string parent = absl::StrCat("run", run);
    if (parents_.insert(parent).second) PROCTOR_RETURN_IF_ERROR(folder().AddFolder(parent));
    const std::string label = absl::StrCat(parent, "/", task);
    PROCTOR_RETURN_IF_ERROR(folder().AddFolder(label));
    return label;
  }

  static Json Conversation(const v1::Trajectory& trajectory) {
    Json messages = Json::array();
    messages.push_back({{"role", "system"}, {"content", kSystem}});
    for (int turn = 0; turn < Turns(trajectory); ++turn) {
      const v1::Observation& seen = SeenBefore(trajectory, turn);
      messages.push_back(Shown(trajectory, seen, turn));
      if (turn == trajectory.steps_size()) break;
      messages.push_back(
          {{"role", "assistant"}, {"content", WriteWebVoyagerTurn(trajectory.steps(turn), seen)}});
    }
    return messages;
  }

  static Json Shown(const v1::Trajectory& trajectory, const v1::Observation& seen, int turn) {
    if (turn == 0) {
      return UserMessage(WriteWebVoyagerTask(trajectory.task().goal(),
                                             trajectory.task().start_state().start_url()) +
                             WriteShownPage(seen),
                         seen);
    }
    if (!seen.action_error().empty()) {
      return {{"role", "user"}, {"content", WriteActionError(seen.action_error())}};
    }
    return UserMessage(WriteShownPage(seen), seen);
  }

  std::map<std::string, int> runs_;
  std::set<std::string> parents_;
};

}  // namespace

std::unique_ptr<RunWriter> NewWebVoyagerWriter(WriterParts parts) {
  return std::make_unique<WebVoyagerWriter>(parts);
}

}  // namespace proctor::trajectory::formats
