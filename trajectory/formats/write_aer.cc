// Datasets of Autonomous Evaluation and Refinement (docs/formats/aer.md).
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "trajectory/formats/run.h"
#include "trajectory/formats/run_files.h"
#include "trajectory/formats/run_writer.h"
#include "trajectory/formats/webarena_text.h"

namespace proctor::trajectory::formats {
namespace {

constexpr char kFile[] = "trajectory_log.json";
constexpr std::string_view kImages = "images/";

// The text of a last step that answers.
std::string Response(const v1::Trajectory& trajectory) {
  if (trajectory.steps().empty()) return "";
  return trajectory.steps().rbegin()->action().answer().text();
}

// How many steps have entries of their own: an answer without a screenshot is the response alone.
int Entries(const v1::Trajectory& trajectory) {
  const int last = trajectory.steps_size() - 1;
  const bool bare =
      last >= 0 && !Response(trajectory).empty() && !SeenBefore(trajectory, last).has_screenshot();
  return bare ? last : last + 1;
}

class AerWriter final : public RunWriter {
 public:
  using RunWriter::RunWriter;

  absl::StatusOr<std::string> Add(const CallContext& context,
                                  const v1::Trajectory& trajectory) override {
    PROCTOR_RETURN_IF_ERROR(CheckCanBeCarried(trajectory));
    const std::string uid = Unique(ExternalId(trajectory));
    const std::string prefix =
        Unique(absl::StrCat(ToAbsl(kImages), FileNameOf(uid))).substr(kImages.size());
    Json entry = EntryOf(trajectory, uid, prefix);
    PROCTOR_ASSIGN_OR_RETURN(const std::string text, TextOf(entry));
    if (bytes_ + static_cast<int64_t>(text.size()) > kMaxJsonBytes / 2) {
      return absl::FailedPreconditionError("the dataset's log is full: export fewer at once");
    }
    bytes_ += static_cast<int64_t>(text.size());
    if (log_.empty()) PROCTOR_RETURN_IF_ERROR(folder().AddFolder("images"));
    for (int i = 0; i < Entries(trajectory); ++i) {
      const v1::Observation& seen = SeenBefore(trajectory, i);
      PROCTOR_RETURN_IF_ERROR(
          AddPicture(context, seen, absl::StrCat(ToAbsl(kImages), PictureName(prefix, i, seen))));
    }
    log_.push_back(std::move(entry));
    return absl::StrCat(kFile, "#", uid);
  }

  absl::Status Finish() override {
    PROCTOR_ASSIGN_OR_RETURN(const std::string text, TextOf(log_));
    return folder().AddFile(kFile, text);
  }

 private:
  static absl::Status CheckCanBeCarried(const v1::Trajectory& trajectory) {
    if (trajectory.task().goal().empty()) {
      return absl::FailedPreconditionError("AER needs a task, which is empty");
    }
    for (int i = 0; i < Entries(trajectory); ++i) {
      if (SeenBefore(trajectory, i).has_screenshot()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("AER needs a screenshot before step ", i, ", which there is none"));
    }
    return absl::OkStatus();
  }

  static std::string PictureName(const std::string& prefix, int index,
                                 const v1::Observation& seen) {
    return absl::StrCat(prefix, "_", index, ExtensionOf(seen));
  }

  static Json EntryOf(const v1::Trajectory& trajectory, const std::string& uid,
                      const std::string& prefix) {
    Json steps = Json::array();
    for (int i = 0; i < Entries(trajectory); ++i) {
      const v1::Observation& seen = SeenBefore(trajectory, i);
      Json step = {{"img", PictureName(prefix, i, seen)}, {"other", Json::object()}};
      const std::string action = WriteWebArenaAction(trajectory.steps(i), seen);
      if (!action.empty()) step["other"]["raw_action"] = action;
      if (!seen.url().empty()) step["url"] = seen.url();
      if (!seen.accessibility_tree().text().empty()) {
        step["accessibility_tree"] = seen.accessibility_tree().text();
      }
      steps.push_back(std::move(step));
    }
    Json other = Json::object();
    const v1::Task& task = trajectory.task();
    if (!task.start_state().start_url().empty())
      other["start_url"] = task.start_state().start_url();
    return {{"uid", uid},
            {"intent", task.goal()},
            {"response", Response(trajectory)},
            {"other", std::move(other)},
            {"steps", std::move(steps)}};
  }

  Json log_ = Json::array();
  int64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<RunWriter> NewAerWriter(WriterParts parts) {
  return std::make_unique<AerWriter>(parts);
}

}  // namespace proctor::trajectory::formats
