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

// The names that a request means: those given, or those that the filter lets through (closed ones; TRAIN only unless it names
// splits), oldest first.
absl::StatusOr<std::vector<std::string>> NamesToExport(const CallContext& context, Archive& archive,
                                                       const v1::ExportTrajectoriesRequest& request);

// Called after each trajectory. Not OK: stops with that status.
using Progress = std::function<absl::Status(int64_t done, int64_t total)>;

// Writes a new folder whole or not at all: it appears under its name at the end. ALREADY_EXISTS: it is there;
// FAILED_PRECONDITION: a trajectory is open; NOT_FOUND; RESOURCE_EXHAUSTED: disk full; DATA_LOSS: a blob is corrupt.
absl::StatusOr<v1::ExportTrajectoriesResult> ExportTrajectories(
    const CallContext& context, Archive& archive, const std::vector<std::string>& names,
    const std::string& folder, const Progress& progress);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_FOLDER_EXPORT_H_
