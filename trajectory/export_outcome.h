// What exports of all formats do with trajectories that they cannot read. Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_EXPORT_OUTCOME_H_
#define PROCTOR_TRAJECTORY_EXPORT_OUTCOME_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/archive.h"
#include "trajectory/folder_export.h"
#include "trajectory/folder_writer.h"

namespace proctor::trajectory {

// The bytes of a blob that `trajectory`, as it was read, names. DATA_LOSS: corrupt or missing; NOT_FOUND, ABORTED: the trajectory was deleted
// or thinned meanwhile.
absl::StatusOr<std::string> ReadNamedBlob(const CallContext& context, Archive& archive, const v1::Trajectory& trajectory,
                                          const std::string& digest);

// Collects what an export leaves out, in its result and in Archive::unreadable.
class LeftOut {
 public:
  // All outlive it. Begins with what could not be chosen.
  LeftOut(Archive& archive, const ExportChoice& choice, v1::ExportTrajectoriesResult& result);

  // True: nothing but this trajectory cannot be exported, and it was not asked for by its name; it is noted, and the rest goes on.
  bool Take(const std::string& name, const absl::Status& status);
  int64_t count() const { return count_; }

 private:
  void Add(const std::string& name, const absl::Status& status);

  Archive& archive_;
  const ExportChoice& choice_;
  v1::ExportTrajectoriesResult& result_;
  int64_t count_ = 0;
};

// Lets the folder of an export appear; `result`, which gets path and size, lacks nothing else.
absl::Status CompleteExport(const std::string& folder, FolderWriter& writer, const Written& written, v1::ExportTrajectoriesResult& result);

// Tells the log of an export, once it is there, if it lacks some of what was chosen.
void LogLeftOut(const ExportChoice& choice, const v1::ExportTrajectoriesResult& result);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_EXPORT_OUTCOME_H_
