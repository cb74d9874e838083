#include "trajectory/formats/import_runs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"
#include "trajectory/folder_import.h"
#include "trajectory/formats/find_runs.h"
#include "trajectory/formats/read_runs.h"
#include "trajectory/formats/store_run.h"
#include "trajectory/import_outcome.h"

namespace proctor::trajectory::formats {
namespace {

namespace fs = std::filesystem;

// Stores what is read and keeps the account.
class StoringSink final : public RunSink {
 public:
  StoringSink(const CallContext& context, Archive& archive, int64_t places,
              const Progress& progress)
      : context_(context), archive_(archive), progress_(progress), total_(places) {}

  void Expect(int64_t runs) override { total_ += runs - 1; }

  absl::Status Take(const RunFiles& files, const std::string& label,
                    absl::StatusOr<Run> run) override {
    PROCTOR_RETURN_IF_ERROR(context_.Check("import"));
    const absl::StatusOr<StoredRun> stored =
        run.ok() ? StoreRun(context_, archive_, files, *run) : run.status();
    if (!stored.ok() && EndsImport(stored.status())) return stored.status();
    if (!stored.ok()) {
      AddFailed(SanitizeUtf8(label), FailureReason(stored.status()), result_);
    } else {
      stored->is_new ? result_.set_imported(result_.imported() + 1)
                     : result_.set_unchanged(result_.unchanged() + 1);
      AddName(stored->name, result_);
      skips_.AddAll(run->skips, label);
    }
    return Advance();
  }

  void Skip(const std::string& label, const SkipList& skips) override {
    skips_.AddAll(skips, label);
  }

  // Runs of our own format report their own account.
  absl::Status TakeOwn(const std::string& label,
                       const absl::StatusOr<v1::ImportTrajectoriesResult>& own) {
    if (!own.ok() && EndsImport(own.status())) return own.status();
    if (!own.ok()) {
      AddFailed(SanitizeUtf8(label), FailureReason(own.status()), result_);
    } else {
      result_.set_imported(result_.imported() + own->imported());
      result_.set_unchanged(result_.unchanged() + own->unchanged());
      for (const auto& [run, reason] : own->failed()) AddFailed(run, reason, result_);
      result_.set_failed_count(result_.failed_count() + own->failed_count() - own->failed_size());
      for (const std::string& name : own->names()) AddName(name, result_);
    }
    return Advance();
  }

  v1::ImportTrajectoriesResult Result(const SkipList& skips) {
    skips_.CopyTo(*result_.mutable_skipped());
    skips.CopyTo(*result_.mutable_skipped());
    result_.set_skipped_count(skips_.total() + skips.total());
    return result_;
  }

 private:
  absl::Status Advance() {
    ++done_;
    return progress_(done_, std::max(done_, total_));
  }

  const CallContext& context_;
  Archive& archive_;
  const Progress& progress_;
  int64_t total_;
  int64_t done_ = 0;
  v1::ImportTrajectoriesResult result_;
  SkipList skips_;
};

// A file is looked for in its folder.
struct Search {
  std::string folder;
  std::string file;
};

Search SearchOf(const std::string& path) {
  std::error_code error;
  const fs::path whole(path);
  if (fs::is_regular_file(fs::symlink_status(whole, error))) {
    return {.folder = whole.parent_path().string(), .file = whole.filename().string()};
  }
  return {.folder = path, .file = ""};
}

absl::Status ImportOwn(const CallContext& context, Archive& archive, const std::string& folder,
                       const Place& place, StoringSink& sink) {
  const std::string path = absl::StrCat(folder, place.folder.empty() ? "" : "/", place.folder);
  const Progress quiet = [&](int64_t, int64_t) { return context.Check("import"); };
  return sink.TakeOwn(place.folder, ImportTrajectories(context, archive, path, quiet));
}

}  // namespace

absl::StatusOr<v1::ImportTrajectoriesResult> ImportRuns(const CallContext& context,
                                                        Archive& archive, const std::string& path,
                                                        const ImportOptions& options,
                                                        const Progress& progress) {
  if (!v1::TrajectoryFormat_IsValid(options.format) || !v1::Split_IsValid(options.split)) {
    return absl::InvalidArgumentError("format or split is none that this server knows");
  }
  const Search search = SearchOf(path);
  PROCTOR_ASSIGN_OR_RETURN(const RunFiles root, RunFiles::Open(search.folder));
  PROCTOR_ASSIGN_OR_RETURN(const FoundRuns found,
                           search.file.empty()
                               ? FindRuns(context, root, options.format)
                               : FindRunsInFile(context, root, search.file, options.format));
  // An export of our own counts its trajectories itself.
  if (found.places.size() == 1 && found.places[0].folder.empty() &&
      found.places[0].format == v1::TRAJECTORY_FORMAT_PROCTOR) {
    return ImportTrajectories(context, archive, search.folder, progress);
  }
  const v1::Split split = options.split == v1::SPLIT_UNSPECIFIED ? v1::SPLIT_TEST : options.split;
  const std::string root_name = fs::path(search.folder).filename().string();
  StoringSink sink(context, archive, static_cast<int64_t>(found.places.size()), progress);
  for (const Place& place : found.places) {
    PROCTOR_RETURN_IF_ERROR(context.Check("import"));
    PROCTOR_RETURN_IF_ERROR(place.format == v1::TRAJECTORY_FORMAT_PROCTOR
                                ? ImportOwn(context, archive, search.folder, place, sink)
                                : ReadPlace(context, root, place, root_name, split, sink));
  }
  return sink.Result(found.skips);
}

}  // namespace proctor::trajectory::formats
