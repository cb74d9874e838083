// Imports trajectories of any format. Everything in the files is untrusted.
#ifndef PROCTOR_TRAJECTORY_FORMATS_IMPORT_RUNS_H_
#define PROCTOR_TRAJECTORY_FORMATS_IMPORT_RUNS_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/archive.h"
#include "trajectory/folder_export.h"

namespace proctor::trajectory::formats {

struct ImportOptions {
  // UNSPECIFIED: found out, run by run.
  v1::TrajectoryFormat format = v1::TRAJECTORY_FORMAT_UNSPECIFIED;
  // Of tasks of formats that name none; UNSPECIFIED: TEST.
  v1::Split split = v1::SPLIT_UNSPECIFIED;
};

// `path`: a run, a folder of runs at most two levels deep, or a file that holds runs. A run is read
// and checked whole, then stored in one go; one that cannot be read is in `failed` of the result,
// which has the first 1,000 of them, and the rest goes on. The same run again changes nothing. Errors: NOT_FOUND: no such path, or no
// run in it, with what was looked for; INVALID_ARGUMENT; RESOURCE_EXHAUSTED: disk full; what the
// context or `progress` says.
absl::StatusOr<v1::ImportTrajectoriesResult> ImportRuns(const CallContext& context,
                                                        Archive& archive, const std::string& path,
                                                        const ImportOptions& options,
                                                        const Progress& progress);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_IMPORT_RUNS_H_
