// Writes records as self-contained folders (docs/formats/trajectory_folder.md).
#ifndef PROCTOR_TRAJECTORY_FOLDER_EXPORT_H_
#define PROCTOR_TRAJECTORY_FOLDER_EXPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/archive.h"

namespace proctor::trajectory {

// The absolute path of `given`, which is relative to `exchange_dir` or an absolute path below it. INVALID_ARGUMENT: empty, elsewhere,
// with "..", "." or empty components, or a name that cannot be; FAILED_PRECONDITION: a folder on the way is a link.
absl::StatusOr<std::string> ResolveExchangePath(const std::string& exchange_dir,
                                                const std::string& given);

// What is to be exported.
struct ExportChoice {
  // `trajectories/{id}`. The same one twice is one.
  std::vector<std::string> names;
  // What a damaged one of `names` does: ends the export, since somebody asked for it, or is left out.
  enum class Damaged { kEnd, kLeftOut };
  Damaged damaged = Damaged::kEnd;
  // Chosen too, but their headers cannot be read; never both here and in `names`.
  std::vector<std::string> unreadable = {};
};

// What a request means: the names given, or those that the filter lets through (closed ones; TRAIN only unless it names
// splits), oldest first. Of the latter, damaged ones are left out.
absl::StatusOr<ExportChoice> ChooseForExport(const CallContext& context, Archive& archive,
                                             const v1::ExportTrajectoriesRequest& request);

// Called after each trajectory; `total` counts those that are left out, too. Not OK: stops with that status.
using Progress = std::function<absl::Status(int64_t done, int64_t total)>;
// Called once all is written, just before the folder appears, with what the export returns then. Not OK: stops with that status.
using Written = std::function<absl::Status(const v1::ExportTrajectoriesResult& result)>;

// Writes a new folder whole or not at all: it appears under its name at the end, unless nothing is exported: then there is none, and no path.
// `written` may be null. What is left out is noted in Archive::unreadable, told to the
// log, and in the result's `failed`, with the reason, the first 1,000 of them. ALREADY_EXISTS: the folder is there; FAILED_PRECONDITION: a
// trajectory is open; RESOURCE_EXHAUSTED: disk full. Of those asked for by name: NOT_FOUND; DATA_LOSS: it, or a blob that it names, is corrupt or
// missing; ABORTED: retention thinned it meanwhile.
absl::StatusOr<v1::ExportTrajectoriesResult> ExportTrajectories(
    const CallContext& context, Archive& archive, const ExportChoice& choice,
    const std::string& folder, const Progress& progress, const Written& written = nullptr);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_FOLDER_EXPORT_H_
