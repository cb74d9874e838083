// Waiting for jobs in front of a terminal.
#ifndef PROCTOR_CLIENTS_CLI_JOB_PROGRESS_H_
#define PROCTOR_CLIENTS_CLI_JOB_PROGRESS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/cli/call.h"
#include "proctor/v1/job.pb.h"

namespace proctor::cli {

// --detach and --wait, for commands that start jobs.
std::vector<Flag> JobFlags();

// Waits for a job that was just started, with a progress bar on stderr, and prints it once it has
// ended; with --detach prints it at once. ABORTED: the job failed or was cancelled;
// DEADLINE_EXCEEDED: --wait is over (the job goes on, and the message says how to watch it). Ctrl-C
// leaves the job running and says so.
absl::Status FollowJob(Call& call, const v1::Job& started);

// As FollowJob without --detach, but prints nothing and hands the ended job over.
absl::StatusOr<v1::Job> AwaitJob(Call& call, const v1::Job& started);

// "[######------]  50%  5/10  1m30s  crawling". Without a known total: "5 done  1m30s  crawling".
std::string ProgressLine(const v1::Job& job, absl::Duration elapsed);

// OK, or ABORTED with the job's own error.
absl::Status JobStatus(const v1::Job& job);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_JOB_PROGRESS_H_
