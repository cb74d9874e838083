// Exports trajectories in any format.
#ifndef PROCTOR_TRAJECTORY_FORMATS_EXPORT_RUNS_H_
#define PROCTOR_TRAJECTORY_FORMATS_EXPORT_RUNS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/archive.h"
#include "trajectory/folder_export.h"

namespace proctor::trajectory::formats {

// Writes a new folder whole or not at all. What was written is read back with the importer of the
// format before the folder appears: the result's `skipped` says what an import would not give back.
// Trajectories that the format cannot carry, or that its importer would refuse, are in `failed`, beside those that are left out.
// UNSPECIFIED is PROCTOR. Errors: as ExportTrajectories; FAILED_PRECONDITION: the format can carry none of them; INTERNAL: nothing of what was
// written could be read. `written` as there.
absl::StatusOr<v1::ExportTrajectoriesResult> ExportRuns(
    const CallContext& context, Archive& archive, const ExportChoice& choice,
    const std::string& folder, v1::TrajectoryFormat format, const Progress& progress, const Written& written = nullptr);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_EXPORT_RUNS_H_
