// Datasets of Autonomous Evaluation and Refinement (docs/formats/aer.md).
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "trajectory/formats/json_object.h"
#include "trajectory/formats/picture_reader.h"
#include "trajectory/formats/readers.h"
#include "trajectory/formats/webarena_text.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory::formats {
namespace {

constexpr char kRecorder[] = "aer";
constexpr char kImages[] = "images/";
constexpr char kNoEnd[] = "the log does not say how the run ended";
constexpr char kCaptions[] =
    "is not read: a record has no place for captions, which judges ask for themselves";
constexpr char kEvals[] =
    "is not read: people's verdicts are labels, to be given to LabelTrajectory";
constexpr size_t kMaxRuns = 100'000;

// One entry of the log.
class Entry {
 public:
  Entry(const RunSource& source, Run& run, Findings& findings)
      : run_(run), findings_(findings), pictures_(source.files, run, findings) {}

  void Read(const Json& json, const std::string& uid) {
    JsonObject entry(json, "", findings_);
    entry.Ignore("uid");
    v1::Task& task = *run_.header.mutable_task();
    task.mutable_lineage()->set_external_id(uid);
    task.set_goal(entry.Text("intent"));
    if (task.goal().empty()) findings_.Fail("intent", "is empty");
    const std::string response = entry.OptionalText("response").value_or("");
    ReadOther(entry, task);
    const Json& steps = entry.Array("steps");
    entry.ReportRest();
    if (steps.size() > kMaxSteps) findings_.Fail("steps", "are too many");
    for (size_t i = 0; i < steps.size() && findings_.ok(); ++i) ReadStep(steps[i], i);
    if (!findings_.ok()) return;
    ReadResponse(response);
    SetEnd(run_, v1::END_KIND_TERMINATED, v1::END_REASON_CLIENT_DONE, kNoEnd);
  }

 private:
  void ReadOther(JsonObject& entry, v1::Task& task) {
    const Json* const other = entry.OptionalObject("other");
    if (other == nullptr) return;
    JsonObject fields(*other, "other", findings_);
    const std::optional<std::string> url = fields.OptionalText("start_url");
    if (url.has_value()) task.mutable_start_state()->set_start_url(*url);
    fields.ReportRest();
  }

  void ReadStep(const Json& json, size_t index) {
    JsonObject entry(json, absl::StrCat("steps[", index, "]"), findings_);
    v1::Observation& seen = SeenBefore(run_, index);
    const std::string image = entry.Text("img");
    seen.set_url(entry.OptionalText("url").value_or(""));
    const std::string tree = entry.OptionalText("accessibility_tree").value_or("");
    if (!tree.empty()) seen.mutable_accessibility_tree()->set_text(tree);
    if (findings_.ok()) pictures_.Read(kImages + image, entry.At("img"), seen);
    const std::string text = ActionText(entry);
    entry.ReportRest();
    v1::Step& step = run_.steps.emplace_back();
    step.set_index(static_cast<int32_t>(index));
    if (!text.empty()) step.mutable_agent_data()->set_raw_output(text);
    v1::Action action = ReadWebArenaAction(text, SeenBefore(run_, index));
    if (action.kind_case() != v1::Action::KIND_NOT_SET) {
      *step.mutable_action() = std::move(action);
    } else {
      findings_.Skip(entry.At("other"), "no action could be read from it; its text is kept");
    }
  }

  // The web's name of it, Android's and iOS's.
  std::string ActionText(JsonObject& entry) {
    const Json* const other = entry.OptionalObject("other");
    if (other == nullptr) return "";
    JsonObject fields(*other, entry.At("other"), findings_);
    std::string text;
    for (const char* const key : {"raw_action", "action", "translated_action"}) {
      if (text.empty() && fields.Has(key)) text = fields.OptionalText(key).value_or("");
    }
    fields.ReportRest();
    return text;
  }

  // The answer, if no step gave one.
  void ReadResponse(const std::string& response) {
    const bool answered = !run_.steps.empty() && run_.steps.back().action().has_answer();
    if (answered && !response.empty() && run_.steps.back().action().answer().text() != response) {
      findings_.Skip("response", "the last action gives another answer, which counts");
    }
    if (answered || response.empty()) return;
    v1::Step& step = run_.steps.emplace_back();
    step.set_index(static_cast<int32_t>(run_.steps.size()) - 1);
    step.mutable_action()->mutable_answer()->set_text(response);
  }

  Run& run_;
  Findings& findings_;
  PictureReader pictures_;
};

// A text or a whole number; empty for anything else.
std::string UidOf(const Json& entry) {
  if (!entry.is_object() || !entry.contains("uid")) return "";
  const Json& uid = entry["uid"];
  if (uid.is_string()) return uid.get<std::string>();
  return uid.is_number_integer() ? uid.dump() : "";
}

absl::StatusOr<Run> ReadRun(const RunSource& source, const Json& json, const std::string& uid,
                            bool is_new) {
  Run run{
      .header = ForeignHeader(kRecorder, source.split), .steps = {}, .pictures = {}, .skips = {}};
  Findings findings(source.file);
  if (uid.empty()) findings.Fail("uid", "is missing, or neither a text nor a whole number");
  if (!is_new) findings.Fail("uid", "is another entry's, too");
  if (findings.ok()) Entry(source, run, findings).Read(json, uid);
  PROCTOR_RETURN_IF_ERROR(findings.status());
  run.skips = findings.skips();
  return run;
}

// The dataset's other folders: what captioners and annotators said of its runs.
void ReportOtherFolders(const RunSource& source, RunSink& sink) {
  const auto entries = source.files.List();
  if (!entries.ok()) return;
  SkipList skips;
  for (const FolderEntry& entry : *entries) {
    if (entry.kind != EntryKind::kFolder || entry.name + "/" == kImages) continue;
    const char* reason = "is not read";
    if (entry.name == "captions") reason = kCaptions;
    if (entry.name == "evals") reason = kEvals;
    skips.Add(source.file, entry.name + "/", reason);
  }
  sink.Skip(source.label, skips);
}

}  // namespace

absl::Status ReadAer(const RunSource& source, RunSink& sink) {
  const absl::StatusOr<Json> log = source.files.ReadJson(source.file);
  if (!log.ok()) return sink.Take(source.files, source.label, log.status());
  if (!log->is_array() || log->size() > kMaxRuns) {
    return sink.Take(source.files, source.label,
                     absl::InvalidArgumentError(absl::StrCat(
                         source.file, ": is no array of at most ", kMaxRuns, " runs")));
  }
  sink.Expect(static_cast<int64_t>(log->size()));
  ReportOtherFolders(source, sink);
  std::set<std::string> seen;
  for (size_t i = 0; i < log->size(); ++i) {
    PROCTOR_RETURN_IF_ERROR(source.context.Check("import"));
    const std::string uid = UidOf((*log)[i]);
    const bool is_new = seen.insert(uid).second;
    const std::string name = uid.empty() || !is_new ? absl::StrCat("entry ", i) : uid;
    PROCTOR_RETURN_IF_ERROR(sink.Take(source.files, absl::StrCat(source.label, "#", name),
                                      ReadRun(source, (*log)[i], uid, is_new)));
  }
  return absl::OkStatus();
}

}  // namespace proctor::trajectory::formats
