// Readers of the foreign formats, one a format (docs/formats/).
#ifndef PROCTOR_TRAJECTORY_FORMATS_READERS_H_
#define PROCTOR_TRAJECTORY_FORMATS_READERS_H_

#include "absl/status/status.h"
#include "trajectory/formats/run.h"

namespace proctor::trajectory::formats {

// Each hands the runs of `source` to `sink`, those that cannot be read with the reason, and stops
// when the sink says so. Fails only with the sink's status or the context's. Pure but for reading
// files; never fails on hostile input.
absl::Status ReadAer(const RunSource& source, RunSink& sink);
absl::Status ReadAtif(const RunSource& source, RunSink& sink);
absl::Status ReadOnlineMind2Web(const RunSource& source, RunSink& sink);
absl::Status ReadWebVoyager(const RunSource& source, RunSink& sink);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_READERS_H_
