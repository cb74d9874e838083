// proctor trajectory
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/export_summary.h"
#include "clients/cli/interrupt.h"
#include "clients/cli/job_progress.h"
#include "clients/cli/steps.h"
#include "clients/cli/text.h"
#include "clients/cli/trajectory_filter.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

const std::vector<Column<v1::Trajectory>>& Columns() {
  using T = v1::Trajectory;
  static const auto& columns = *new std::vector<Column<T>>{
      {"NAME", [](const T& t) { return ShortName(t.name()); }},
      {"ENV", [](const T& t) { return ShortName(t.environment()); }},
      {"END",
       [](const T& t) {
         return t.closed() ? EnumLabel(v1::EndReason_descriptor(), t.end_reason()) : "(open)";
       }},
      {"STEPS", [](const T& t) { return absl::StrCat(t.step_count()); }, Align::kRight},
      {"POLICY",
       [](const T& t) {
         return absl::StrCat(t.policy().policy(), t.policy().version().empty() ? "" : "@",
                             t.policy().version());
       }},
      {"STARTED", [](const T& t) { return TimeText(t.start_time()); }},
      {"GOAL", [](const T& t) { return t.task().goal(); }}};
  return columns;
}

absl::Status List(Call& call) {
  v1::ListTrajectoriesRequest request;
  *request.mutable_filter() = TrajectoryFilterOf(call);
  return call.List(request, &v1::ListTrajectoriesResponse::trajectories, Columns());
}

absl::Status Show(Call& call) {
  v1::GetTrajectoryRequest request;
  request.set_name(call.Name("trajectories"));
  auto trajectory = call.Send<v1::Trajectory>(request);
  if (!trajectory.ok()) return trajectory.status();
  if (call.output().json()) {
    call.output().Message(*trajectory);
    return absl::OkStatus();
  }
  // The task's solution and the first observation in full would bury what happened.
  call.output().Message(*trajectory, {"steps", "initial_observation", "evidence", "task"});
  call.output().Raw(absl::StrCat("goal: ", OneLine(trajectory->task().goal()), "\nstarted at: ",
                                 OneLine(PlaceText(trajectory->initial_observation())), "\n\n"));
  call.output().Print(StepTable(*trajectory));
  return absl::OkStatus();
}

v1::TrajectoryFormat Format(const Call& call) {
  return static_cast<v1::TrajectoryFormat>(
      EnumNumber(v1::TrajectoryFormat_descriptor(), call.arguments().Text("format")));
}

absl::Status Export(Call& call) {
  const std::vector<std::string>& words = call.arguments().words();
  v1::ExportTrajectoriesRequest request;
  request.set_folder(words[0]);
  for (size_t i = 1; i < words.size(); ++i) request.add_names(call.Name("trajectories", i));
  *request.mutable_filter() = TrajectoryFilterOf(call);
  request.set_format(Format(call));
  auto job = call.Send<v1::Job>(request);
  if (!job.ok()) return job.status();
  if (call.arguments().Has("detach")) return FollowJob(call, *job);
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job ended, AwaitJob(call, *job));
  call.output().Message(ended, {"request"});
  if (const std::string line = LeftOutLine(ended); !line.empty()) call.output().Note(line);
  v1::ExportTrajectoriesResult result;
  if (!JobStatus(ended).ok() || !ended.result().UnpackTo(&result) || result.exported() > 0) return JobStatus(ended);
  return absl::FailedPreconditionError(result.failed().empty()
                                           ? "nothing was exported: no closed trajectory is chosen (without names and --split: of the split train)"
                                           : "nothing was exported: none of them can be");
}

absl::Status Import(Call& call) {
  v1::ImportTrajectoriesRequest request;
  request.set_folder(call.arguments().Word(0));
  request.set_format(Format(call));
  request.set_split(
      static_cast<v1::Split>(EnumNumber(v1::Split_descriptor(), call.arguments().Text("split"))));
  auto job = call.Send<v1::Job>(request);
  if (!job.ok()) return job.status();
  return FollowJob<v1::ImportTrajectoriesResult>(call, *job, [](const v1::ImportTrajectoriesResult& result) {
    if (result.imported() + result.unchanged() > 0) return absl::OkStatus();
    return absl::FailedPreconditionError(result.failed().empty() ? "nothing was imported: no run of a known format is there"
                                                                 : "nothing was imported: no run could be read");
  });
}

absl::Status Delete(Call& call) {
  return call.Delete<v1::DeleteTrajectoryRequest, v1::DeleteTrajectoryResponse>("trajectories");
}

// Whole or not at all: written beside the file, then renamed.
absl::Status WriteFile(const std::string& path, const std::string& bytes) {
  const std::string partial = absl::StrCat(path, ".partial-", getpid());
  const OnInterrupt put_away([&] { unlink(partial.c_str()); });
  FILE* file = fopen(partial.c_str(), "wxe");
  if (file == nullptr)
    return absl::PermissionDeniedError(absl::StrCat("cannot write ", path, ": ", strerror(errno)));
  const bool written = fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const bool closed = fclose(file) == 0;
  if (written && closed && rename(partial.c_str(), path.c_str()) == 0) return absl::OkStatus();
  const std::string reason = strerror(errno);
  unlink(partial.c_str());
  return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", reason));
}

absl::Status Blob(Call& call) {
  const std::string path = call.arguments().Text("output");
  if (path.empty() && isatty(STDOUT_FILENO) != 0) {
    return UsageError(
        "a blob is not for a terminal: name a file with --output FILE, or redirect the output");
  }
  PROCTOR_ASSIGN_OR_RETURN(client::Client * client, call.Connect());
  PROCTOR_ASSIGN_OR_RETURN(const std::string bytes, client->ReadBlob(call.arguments().Word(0)));
  if (path.empty()) {
    call.output().Raw(bytes);
    return absl::OkStatus();
  }
  PROCTOR_RETURN_IF_ERROR(WriteFile(path, bytes));
  call.output().Note(
      absl::StrCat("wrote ", BytesText(static_cast<double>(bytes.size())), " to ", path));
  return absl::OkStatus();
}

Flag FormatFlag(const char* help) {
  return {.name = "format",
          .kind = ValueKind::kChoice,
          .value = "FORMAT",
          .help = help,
          .choices = EnumChoices(v1::TrajectoryFormat_descriptor())};
}

Command ExportCommand() {
  return {.name = "trajectory export",
          .summary = "writes trajectories into a new folder, as a job",
          .arguments = {{"FOLDER", "a new folder below the server's exchange_dir, relative to it"},
                        {"NAME", "exactly these; without names: what the flags choose",
                         Presence::kRepeated}},
          .flags = std::vector<Flag>{FormatFlag(
                       "of the new folder (default: proctor, which carries everything)")} +
                   TrajectoryFilterFlags() + JobFlags(),
          .notes =
              "Of the split `train` unless names are given or --split says otherwise. The result "
              "says what\nthe format does not carry (skipped) and which trajectories it cannot "
              "carry at all (failed).\nDamaged ones that the flags choose are left out, and named in "
              "`failed` and on the last line; one that\nis named ends the export. The formats: "
              "docs/formats/.",
          .run = Export};
}

Command ImportCommand() {
  return {
      .name = "trajectory import",
      .summary = "reads recorded trajectories of any known format, as a job",
      .arguments = {{"PATH",
                     "a run, a folder of runs or a file, below the server's exchange_dir, relative "
                     "to it"}},
      .flags = std::vector<Flag>{FormatFlag("only runs of this one (default: all)"),
                                 {.name = "split",
                                  .kind = ValueKind::kChoice,
                                  .value = "SPLIT",
                                  .help = "of tasks of formats that name none (default: test)",
                                  .choices = EnumChoices(v1::Split_descriptor())}} +
               JobFlags(),
      .notes =
          "A run is imported whole or not at all; the result says which failed and why, and what "
          "was skipped.\nThe same run again changes nothing. The formats: docs/formats/.",
      .run = Import};
}

}  // namespace

std::vector<Command> TrajectoryCommands() {
  const Argument name = {"NAME", "the trajectory; its id is the episode's"};
  return {
      {.name = "trajectory list",
       .summary = "lists trajectories, newest first",
       .flags = TrajectoryFilterFlags() + std::vector<Flag>{LimitFlag()},
       .run = List},
      {.name = "trajectory show",
       .summary = "shows a trajectory and its steps",
       .arguments = {name},
       .run = Show},
      {.name = "trajectory get", .summary = "the same as show", .arguments = {name}, .run = Show},
      ExportCommand(),
      ImportCommand(),
      {.name = "trajectory delete",
       .summary = "deletes a closed trajectory",
       .arguments = {name},
       .run = Delete},
      {.name = "trajectory blob",
       .summary = "reads a blob, such as a screenshot",
       .arguments = {{"DIGEST", "its sha256, as steps name it (see show --json)"}},
       .flags = {{.name = "output",
                  .kind = ValueKind::kFile,
                  .value = "FILE",
                  .help = "default: standard output"}},
       .run = Blob}};
}

}  // namespace proctor::cli
