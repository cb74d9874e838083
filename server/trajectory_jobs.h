// Imports and exports of trajectories in files, as jobs.
#ifndef PROCTOR_SERVER_TRAJECTORY_JOBS_H_
#define PROCTOR_SERVER_TRAJECTORY_JOBS_H_

#include <string>

#include "server/data_directory.h"
#include "server/job_runner.h"

namespace proctor::server {

inline constexpr char kImportJob[] = "import_trajectories";
inline constexpr char kExportJob[] = "export_trajectories";

// Registers the work of both. Folders are below `exchange_dir` only. All outlive the runner.
void RegisterTrajectoryJobs(JobRunner& jobs, DataDirectory& data, const std::string& exchange_dir);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_TRAJECTORY_JOBS_H_
