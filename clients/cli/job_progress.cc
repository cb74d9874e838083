#include "clients/cli/job_progress.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "clients/cli/interrupt.h"
#include "clients/cli/text.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

constexpr int kBarWidth = 24;

std::string HowToWatch(const std::string& job) {
  return absl::StrCat("the job goes on; follow it with: proctor job watch ", ShortName(job));
}

}  // namespace

std::vector<Flag> JobFlags() {
  return {{.name = "detach", .help = "do not wait: print the job and leave it running"},
          {.name = "wait",
           .kind = ValueKind::kDuration,
           .value = "TIME",
           .help = "how long to wait for the job's end; default 24h"}};
}

std::string ProgressLine(const v1::Job& job, absl::Duration elapsed) {
  std::string state = EnumLabel(v1::JobState_descriptor(), job.state());
  if (job.state() == v1::JOB_STATE_RUNNING) state.clear();
  std::string line;
  if (job.total() > 0) {
    const double share =
        std::clamp(static_cast<double>(job.done()) / static_cast<double>(job.total()), 0.0, 1.0);
    const int filled = static_cast<int>(share * kBarWidth);
    line = absl::StrFormat("[%s%s] %3d%%  %d/%d", std::string(filled, '#'),
                           std::string(kBarWidth - filled, '-'), static_cast<int>(share * 100),
                           job.done(), job.total());
  } else {
    line = absl::StrCat(job.done(), " done");
  }
  for (const std::string& part :
       {DurationText(absl::Trunc(elapsed, absl::Seconds(1))), state, job.message()}) {
    if (!part.empty()) absl::StrAppend(&line, "  ", part);
  }
  return line;
}

bool HasEnded(const v1::Job& job) {
  return job.state() == v1::JOB_STATE_SUCCEEDED || job.state() == v1::JOB_STATE_FAILED || job.state() == v1::JOB_STATE_CANCELLED;
}

void PrintJob(Output& output, const v1::Job& job, std::set<std::string> leave_out) {
  if (HasEnded(job)) leave_out.insert("message");
  output.Message(job, leave_out);
}

absl::Status JobStatus(const v1::Job& job) {
  if (job.state() == v1::JOB_STATE_CANCELLED)
    return absl::AbortedError(absl::StrCat(job.name(), " was cancelled"));
  if (job.state() != v1::JOB_STATE_FAILED) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat(job.name(), " failed: ", job.error_message()));
}

absl::Status WatchFailure(const absl::Status& failure, const std::string& job, absl::Duration patience) {
  if (absl::IsDeadlineExceeded(failure)) {
    return absl::DeadlineExceededError(absl::StrCat("not done after ", DurationText(patience), "; ", HowToWatch(job)));
  }
  if (absl::IsUnavailable(failure)) return absl::UnavailableError(absl::StrCat(failure.message(), "; ", HowToWatch(job)));
  return failure;
}

absl::StatusOr<v1::Job> AwaitJob(Call& call, const v1::Job& started) {
  Output& output = call.output();
  PROCTOR_ASSIGN_OR_RETURN(client::Client * client, call.Connect());
  const OnInterrupt leave_running([&] { output.Note(HowToWatch(started.name())); });
  const absl::Time begin = absl::Now();
  const absl::Duration patience = call.arguments().Duration("wait", absl::Hours(24));
  if (!Output::ProgressIsShown()) output.Note(absl::StrCat("started ", started.name()));
  auto ended = client->WaitJob(
      started.name(), patience, [&](const v1::Job& job) { output.Progress(ProgressLine(job, absl::Now() - begin)); },
      [&](const absl::Status& failure) { output.Note(AwayNote(failure, client->options().watch_patience)); });
  output.Progress("");
  if (!ended.ok()) return WatchFailure(ended.status(), started.name(), patience);
  return ended;
}

absl::Status FollowJob(Call& call, const v1::Job& started) {
  if (call.arguments().Has("detach")) {
    call.output().Message(started);
    return absl::OkStatus();
  }
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job ended, AwaitJob(call, started));
  PrintJob(call.output(), ended, {"request"});
  return JobStatus(ended);
}

}  // namespace proctor::cli
