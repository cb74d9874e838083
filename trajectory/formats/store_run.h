// Puts a run that was read into the archive.
#ifndef PROCTOR_TRAJECTORY_FORMATS_STORE_RUN_H_
#define PROCTOR_TRAJECTORY_FORMATS_STORE_RUN_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "trajectory/archive.h"
#include "trajectory/formats/run.h"

namespace proctor::trajectory::formats {

struct StoredRun {
  // `trajectories/import-{recorder}-{26 hex digits of its content's digest}`: the same run has the
  // same name.
  std::string name;
  bool is_new = false;
};

// Checks the whole record, then stores pictures and rows; the record appears whole or not at all.
// Errors: INVALID_ARGUMENT: a limit of records is exceeded, or a picture changed since it was read;
// as those of Recorder otherwise.
absl::StatusOr<StoredRun> StoreRun(const CallContext& context, Archive& archive,
                                   const RunFiles& files, const Run& run);

// The record as it would be stored: with name, step count, steps and digest.
v1::Trajectory RecordOf(const Run& run);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_STORE_RUN_H_
