#include "trajectory/formats/find_runs.h"

#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"
#include "common/strings.h"
#include "trajectory/folder_format.h"

namespace proctor::trajectory::formats {
namespace {

constexpr int kMaxDepth = 2;
constexpr size_t kMaxPlaces = 100'000;

// What tells a format, for error texts, too.
struct Mark {
  v1::TrajectoryFormat format;
  const char* file;
  const char* looked_for;
};
constexpr Mark kMarks[] = {
    {v1::TRAJECTORY_FORMAT_WEBVOYAGER, "interact_messages.json", "interact_messages.json"},
    {v1::TRAJECTORY_FORMAT_ONLINE_MIND2WEB, "result.json", "result.json"},
    {v1::TRAJECTORY_FORMAT_AER, "trajectory_log.json", "trajectory_log.json"},
};
constexpr char kProctorLookedFor[] = "export.json, or trajectory.json with steps.jsonl";
constexpr char kAtifLookedFor[] = "a .json file with a schema_version ATIF-v1.x";

bool Wanted(v1::TrajectoryFormat wanted, v1::TrajectoryFormat format) {
  return wanted == v1::TRAJECTORY_FORMAT_UNSPECIFIED || wanted == format;
}

// The whole document is parsed later; this only tells it from other JSON files.
bool LooksLikeAtif(const RunFiles& files, const std::string& name) {
  if (!absl::EndsWith(name, ".json")) return false;
  const auto text = files.Read(name, kMaxJsonBytes);
  return text.ok() && text->find("\"ATIF-v1.") != std::string::npos;
}

class Finder {
 public:
  Finder(const CallContext& context, v1::TrajectoryFormat wanted)
      : context_(context), wanted_(wanted) {}

  absl::Status Look(const RunFiles& files, const std::string& folder, int depth) {
    PROCTOR_RETURN_IF_ERROR(context_.Check("looking for runs"));
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<FolderEntry> entries, files.List());
    const size_t before = found_.places.size();
    LookHere(files, folder, entries);
    if (found_.places.size() > kMaxPlaces) {
      return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxPlaces, " runs"));
    }
    if (found_.places.size() > before || depth == kMaxDepth) return absl::OkStatus();
    for (const FolderEntry& entry : entries) {
      if (entry.kind != EntryKind::kFolder) continue;
      const std::string path = absl::StrCat(folder, folder.empty() ? "" : "/", entry.name);
      const auto below = files.Below(entry.name);
      if (!below.ok()) {
        found_.skips.Add(path, "the folder", ToStd(below.status().message()));
        continue;
      }
      const size_t runs = found_.places.size();
      PROCTOR_RETURN_IF_ERROR(Look(*below, path, depth + 1));
      if (found_.places.size() == runs && depth == 0) empty_.insert(path);
    }
    return absl::OkStatus();
  }

  void LookHere(const RunFiles& files, const std::string& folder,
                const std::vector<FolderEntry>& entries) {
    std::set<std::string> names;
    for (const FolderEntry& entry : entries) {
      if (entry.kind == EntryKind::kFile) names.insert(entry.name);
    }
    const bool own_folder = names.count(kHeaderFile) > 0 && names.count(kStepsFile) > 0;
    if (own_folder || names.count(kExportFile) > 0) {
      Add(v1::TRAJECTORY_FORMAT_PROCTOR, folder, own_folder ? kHeaderFile : kExportFile);
      return;
    }
    for (const Mark& mark : kMarks) {
      if (names.erase(mark.file) > 0) Add(mark.format, folder, mark.file);
    }
    if (!Wanted(wanted_, v1::TRAJECTORY_FORMAT_ATIF)) return;
    for (const std::string& name : names) {
      if (LooksLikeAtif(files, name)) Add(v1::TRAJECTORY_FORMAT_ATIF, folder, name);
    }
  }

  FoundRuns Take() {
    for (const std::string& folder : empty_) found_.skips.Add(folder, "the folder", "holds no run");
    return std::move(found_);
  }
  bool found_any() const { return !found_.places.empty(); }

 private:
  void Add(v1::TrajectoryFormat format, const std::string& folder, const std::string& file) {
    if (Wanted(wanted_, format)) found_.places.push_back({format, folder, file});
  }

  const CallContext& context_;
  const v1::TrajectoryFormat wanted_;
  FoundRuns found_;
  std::set<std::string> empty_;
};

absl::Status NothingFound(v1::TrajectoryFormat format, const std::string& where) {
  std::vector<std::string> looked_for;
  const auto add = [&](v1::TrajectoryFormat one, const char* what) {
    if (Wanted(format, one)) looked_for.push_back(absl::StrCat(what, " (", FormatLabel(one), ")"));
  };
  add(v1::TRAJECTORY_FORMAT_PROCTOR, kProctorLookedFor);
  for (const Mark& mark : kMarks) add(mark.format, mark.looked_for);
  add(v1::TRAJECTORY_FORMAT_ATIF, kAtifLookedFor);
  return absl::NotFoundError(
      absl::StrCat("no recorded run ", where, "; looked for ", absl::StrJoin(looked_for, ", ")));
}

}  // namespace

std::string FormatLabel(v1::TrajectoryFormat format) {
  constexpr size_t kPrefix = sizeof("TRAJECTORY_FORMAT_") - 1;
  const std::string name = v1::TrajectoryFormat_Name(format);
  return name.size() <= kPrefix ? absl::StrCat(static_cast<int>(format))
                                : absl::AsciiStrToLower(name.substr(kPrefix));
}

absl::StatusOr<FoundRuns> FindRuns(const CallContext& context, const RunFiles& root,
                                   v1::TrajectoryFormat format) {
  Finder finder(context, format);
  PROCTOR_RETURN_IF_ERROR(finder.Look(root, "", 0));
  if (!finder.found_any()) return NothingFound(format, "in the folder nor two levels below it");
  return finder.Take();
}

absl::StatusOr<FoundRuns> FindRunsInFile(const CallContext& context, const RunFiles& root,
                                         const std::string& file, v1::TrajectoryFormat format) {
  Finder finder(context, format);
  finder.LookHere(root, "", {{file, EntryKind::kFile}});
  if (!finder.found_any()) return NothingFound(format, "in the file");
  return finder.Take();
}

}  // namespace proctor::trajectory::formats
