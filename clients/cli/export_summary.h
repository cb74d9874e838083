// What `proctor trajectory export` says last.
#ifndef PROCTOR_CLIENTS_CLI_EXPORT_SUMMARY_H_
#define PROCTOR_CLIENTS_CLI_EXPORT_SUMMARY_H_

#include <string>

#include "proctor/v1/job.pb.h"

namespace proctor::cli {

// Of an ended export: how many of the chosen trajectories it lacks, the first three of them and why, on one line. Empty if it lacks none, or
// the job did not succeed.
std::string LeftOutLine(const v1::Job& job);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_EXPORT_SUMMARY_H_
