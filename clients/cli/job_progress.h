// Waiting for jobs in front of a terminal.
#ifndef PROCTOR_CLIENTS_CLI_JOB_PROGRESS_H_
#define PROCTOR_CLIENTS_CLI_JOB_PROGRESS_H_

#include <functional>
#include <set>
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
// ended; with --detach prints it at once. ABORTED: the job failed or was cancelled; those of WatchFailure.
// Ctrl-C leaves the job running and says so.
absl::Status FollowJob(Call& call, const v1::Job& started);

// The same, then what `judge` says of the result of a job that succeeded: whether it did what was asked, such as to export anything at all.
template <typename Result>
absl::Status FollowJob(Call& call, const v1::Job& started, const std::function<absl::Status(const Result&)>& judge);

// As FollowJob without --detach, but prints nothing and hands the ended job over.
absl::StatusOr<v1::Job> AwaitJob(Call& call, const v1::Job& started);

// "[######------]  50%  5/10  1m30s  crawling". Without a known total: "5 done  1m30s  crawling".
std::string ProgressLine(const v1::Job& job, absl::Duration elapsed);

// Why a job's end was not seen, for people. DEADLINE_EXCEEDED: `patience` (--wait) is over; UNAVAILABLE:
// the server is away. Both say how to follow the job, which goes on; others stay as they are.
absl::Status WatchFailure(const absl::Status& failure, const std::string& job, absl::Duration patience);

// Prints a job; for people without `leave_out` and, once it has ended, without what it was last at.
void PrintJob(Output& output, const v1::Job& job, std::set<std::string> leave_out = {});

// Whether nothing more comes of it.
bool HasEnded(const v1::Job& job);

// OK, or ABORTED with the job's own error.
absl::Status JobStatus(const v1::Job& job);

template <typename Result>
absl::Status FollowJob(Call& call, const v1::Job& started, const std::function<absl::Status(const Result&)>& judge) {
  if (call.arguments().Has("detach")) return FollowJob(call, started);
  const absl::StatusOr<v1::Job> ended = AwaitJob(call, started);
  if (!ended.ok()) return ended.status();
  PrintJob(call.output(), *ended, {"request"});
  Result result;
  if (ended->state() != v1::JOB_STATE_SUCCEEDED || !ended->result().UnpackTo(&result)) return JobStatus(*ended);
  return judge(result);
}

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_JOB_PROGRESS_H_
