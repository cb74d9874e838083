// Finds recorded runs in folders by what their files are called.
#ifndef PROCTOR_TRAJECTORY_FORMATS_FIND_RUNS_H_
#define PROCTOR_TRAJECTORY_FORMATS_FIND_RUNS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/formats/run_files.h"
#include "trajectory/formats/skip_list.h"

namespace proctor::trajectory::formats {

// A file or folder that holds a run, or several.
struct Place {
  v1::TrajectoryFormat format = v1::TRAJECTORY_FORMAT_UNSPECIFIED;
  // Relative to where the search began; empty: there.
  std::string folder;
  // The file in it that says so.
  std::string file;
};

struct FoundRuns {
  // In the order of their names.
  std::vector<Place> places;
  // Folders without a run, if there are runs beside them.
  SkipList skips;
};

// Looks into `root`; if no run is there, into its folders, and into theirs. `format`: only of this
// one, UNSPECIFIED: of all. Errors: NOT_FOUND: none, with what was looked for; INVALID_ARGUMENT:
// too many entries.
absl::StatusOr<FoundRuns> FindRuns(const CallContext& context, const RunFiles& root,
                                   v1::TrajectoryFormat format);
// The same for one file of `root`.
absl::StatusOr<FoundRuns> FindRunsInFile(const CallContext& context, const RunFiles& root,
                                         const std::string& file, v1::TrajectoryFormat format);

// "webvoyager": as people write it.
std::string FormatLabel(v1::TrajectoryFormat format);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_FIND_RUNS_H_
