// Reads all runs that were found, whatever their formats.
#ifndef PROCTOR_TRAJECTORY_FORMATS_READ_RUNS_H_
#define PROCTOR_TRAJECTORY_FORMATS_READ_RUNS_H_

#include "absl/status/status.h"
#include "trajectory/formats/find_runs.h"
#include "trajectory/formats/run.h"

namespace proctor::trajectory::formats {

// Reads the runs of a foreign format at `place` below `root`; a run directly in `root` is called
// `root_name` in reports. Errors: the sink's, the context's.
absl::Status ReadPlace(const CallContext& context, const RunFiles& root, const Place& place,
                       const std::string& root_name, v1::Split split, RunSink& sink);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_READ_RUNS_H_
