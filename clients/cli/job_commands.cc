// proctor job
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/job_progress.h"
#include "clients/cli/text.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

std::string Progress(const v1::Job& job) {
  return job.total() > 0 ? absl::StrCat(job.done(), "/", job.total()) : absl::StrCat(job.done());
}

// What a job is at, or why it failed. What it was last at before it ended is no news.
std::string News(const v1::Job& job) {
  return HasEnded(job) || !job.error_message().empty() ? job.error_message() : job.message();
}

const std::vector<Column<v1::Job>>& Columns() {
  using J = v1::Job;
  static const auto& columns = *new std::vector<Column<J>>{
      {"NAME", [](const J& j) { return ShortName(j.name()); }},
      {"KIND", [](const J& j) { return j.kind(); }},
      {"STATE", [](const J& j) { return EnumLabel(v1::JobState_descriptor(), j.state()); }},
      {"DONE", Progress, Align::kRight},
      {"CREATED", [](const J& j) { return TimeText(j.create_time()); }},
      {"MESSAGE", News}};
  return columns;
}

absl::Status List(Call& call) {
  return call.List(v1::ListJobsRequest(), &v1::ListJobsResponse::jobs, Columns());
}

template <typename Request>
absl::Status Verb(Call& call) {
  Request request;
  request.set_name(call.Name("jobs"));
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job job, call.Send<v1::Job>(request));
  PrintJob(call.output(), job);
  return absl::OkStatus();
}

absl::Status Watch(Call& call) {
  Output& output = call.output();
  const absl::Duration patience = call.arguments().Duration("wait", absl::Hours(24));
  PROCTOR_ASSIGN_OR_RETURN(client::Client * client, call.Connect());
  const absl::Time begin = absl::Now();
  const auto ended = client->WaitJob(
      call.Name("jobs"), patience,
      [&](const v1::Job& job) {
        if (output.json()) return output.Message(job);
        const absl::Time start = job.has_start_time() ? FromProto(job.start_time()) : begin;
        output.Progress(ProgressLine(job, absl::Now() - start));
      },
      [&](const absl::Status& failure) { output.Note(AwayNote(failure, client->options().watch_patience)); });
  output.Progress("");
  if (!ended.ok()) return WatchFailure(ended.status(), call.Name("jobs"), patience);
  if (!output.json()) PrintJob(output, *ended, {"request"});
  return JobStatus(*ended);
}

}  // namespace

std::vector<Command> JobCommands() {
  const Argument name = {"NAME", "the job"};
  return {{.name = "job list",
           .summary = "lists jobs, newest first",
           .flags = {LimitFlag()},
           .run = List},
          {.name = "job get",
           .summary = "shows a job",
           .arguments = {name},
           .run = Verb<v1::GetJobRequest>},
          {.name = "job watch",
           .summary = "follows a job to its end",
           .arguments = {name},
           .flags = {JobFlags()[1]},
           .notes = "With --json one object after every change. Exit code 1 if the job failed or "
                    "was cancelled.",
           .run = Watch},
          {.name = "job pause",
           .summary = "pauses a job at its next safe point",
           .arguments = {name},
           .run = Verb<v1::PauseJobRequest>},
          {.name = "job resume",
           .summary = "resumes a paused job",
           .arguments = {name},
           .run = Verb<v1::ResumeJobRequest>},
          {.name = "job cancel",
           .summary = "cancels a job",
           .arguments = {name},
           .run = Verb<v1::CancelJobRequest>}};
}

}  // namespace proctor::cli
