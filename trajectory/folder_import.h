// Reads folders that ExportTrajectories wrote. Everything in them is untrusted.
#ifndef PROCTOR_TRAJECTORY_FOLDER_IMPORT_H_
#define PROCTOR_TRAJECTORY_FOLDER_IMPORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/archive.h"
#include "trajectory/folder_export.h"

namespace proctor::trajectory {

// `folder` is an export or a single trajectory's folder (docs/formats/trajectory_folder.md). A trajectory is imported whole or
// not at all; those that cannot be read are in `failed` of the result, by id, with the reason, the first 1,000 of them; the rest goes on.
// Re-importing what is there with the same digest changes nothing.
// Errors: INVALID_ARGUMENT, NOT_FOUND: no such folder or no export in it; RESOURCE_EXHAUSTED: disk full; what the
// context or `progress` says.
absl::StatusOr<v1::ImportTrajectoriesResult> ImportTrajectories(const CallContext& context,
                                                                Archive& archive,
                                                                const std::string& folder,
                                                                const Progress& progress);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_FOLDER_IMPORT_H_
