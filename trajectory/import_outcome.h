// What importers of all formats say of a run that failed. Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_IMPORT_OUTCOME_H_
#define PROCTOR_TRAJECTORY_IMPORT_OUTCOME_H_

#include <string>

#include "absl/status/status.h"
#include "proctor/v1/trajectory_service.pb.h"

namespace proctor::trajectory {

// True for a failure that concerns the whole import (disk full, cancelled, our own fault), not one
// run.
bool EndsImport(const absl::Status& status);

// Why a run failed, for people: valid UTF-8, of bounded length.
std::string FailureReason(const absl::Status& status);

// A result lists the first 1,000 runs that failed, and the names of the first 1,000 others: the job's record holds them all.
void AddFailed(const std::string& run, const std::string& reason, v1::ImportTrajectoriesResult& result);
void AddName(const std::string& name, v1::ImportTrajectoriesResult& result);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_IMPORT_OUTCOME_H_
