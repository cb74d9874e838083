// proctor evaluator and proctor rescore
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/input_file.h"
#include "clients/cli/job_progress.h"
#include "clients/cli/measurement_text.h"
#include "clients/cli/text.h"
#include "clients/cli/trajectory_filter.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

absl::Status List(Call& call) {
  using E = v1::Evaluator;
  auto response = call.Send<v1::ListEvaluatorsResponse>(v1::ListEvaluatorsRequest());
  if (!response.ok()) return response.status();
  call.PrintAll(
      std::vector<Column<E>>{{"NAME", [](const E& e) { return ShortName(e.name()); }},
                             {"VERSION", [](const E& e) { return e.version().substr(0, 12); }},
                             {"DESCRIPTION", [](const E& e) { return e.description(); }}},
      response->evaluators());
  return absl::OkStatus();
}

absl::Status Get(Call& call) {
  v1::GetEvaluatorRequest request;
  request.set_name(call.Name("evaluators"));
  return call.SendAndPrint<v1::Evaluator>(request);
}

absl::Status Apply(Call& call) {
  const std::string path = call.arguments().Text("file");
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, ReadInput(path));
  v1::CreateEvaluatorRequest request;
  PROCTOR_RETURN_IF_ERROR(ParseInput(text, path, *request.mutable_evaluator()));
  return call.SendAndPrint<v1::Evaluator>(request);
}

absl::Status Rescore(Call& call) {
  const Arguments& arguments = call.arguments();
  v1::RescoreRequest request;
  for (const std::string& name : arguments.Texts("evaluator")) {
    request.add_evaluators(client::FullName("evaluators", name));
  }
  for (size_t i = 0; i < arguments.words().size(); ++i) request.add_trajectories(call.Name("trajectories", i));
  *request.mutable_filter() = TrajectoryFilterOf(call);
  request.set_concurrency(static_cast<int32_t>(arguments.Integer("concurrency")));
  request.set_failed_only(arguments.Has("failed-only"));
  request.set_dry_run(arguments.Has("dry-run"));
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job job, call.Send<v1::Job>(request));
  return FollowJob<v1::RescoreResult>(call, job, [](const v1::RescoreResult& result) {
    if (result.evaluated() + result.planned() + result.skipped() + result.failed() == 0) {
      return absl::FailedPreconditionError("nothing was scored: no closed trajectory is chosen");
    }
    // Some failures are verdicts too (UNDETERMINED), others are not.
    const int64_t decided = result.evaluated() - result.undetermined();
    if (result.failed() > 0 && decided + result.planned() + result.skipped() == 0) {
      return absl::AbortedError("no evaluation came to a verdict that decides: see `failures`");
    }
    return absl::OkStatus();
  });
}

// Starts a measurement, waits for it and prints its tables. Errors of MeasurementStatus.
absl::Status FollowMeasurement(Call& call, const v1::MeasureEvaluatorRequest& request) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job started, call.Send<v1::Job>(request));
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job ended, AwaitJob(call, started));
  PROCTOR_RETURN_IF_ERROR(JobStatus(ended));
  v1::EvaluatorMeasurement result;
  if (!ended.result().UnpackTo(&result)) return absl::InternalError("the job's result is of another kind");
  if (call.output().json()) {
    call.output().Message(result);
  } else if (result.measures().episodes() > 0) {
    call.output().Raw(MeasurementText(result));
  }
  return MeasurementStatus(result);
}

v1::MeasureEvaluatorRequest MeasureRequest(Call& call) {
  const Arguments& arguments = call.arguments();
  v1::MeasureEvaluatorRequest request;
  request.set_evaluator(call.Name("evaluators"));
  *request.mutable_filter() = TrajectoryFilterOf(call);
  request.set_truth(static_cast<v1::TruthSource>(EnumNumber(v1::TruthSource_descriptor(), arguments.Text("truth"))));
  for (const std::string& tag : arguments.Texts("by")) request.add_slice_by(tag);
  request.set_seed(arguments.Integer("seed"));
  return request;
}

absl::Status Measure(Call& call) { return FollowMeasurement(call, MeasureRequest(call)); }

absl::Status Compare(Call& call) {
  v1::MeasureEvaluatorRequest request = MeasureRequest(call);
  request.set_compare_with(call.Name("evaluators", 1));
  return FollowMeasurement(call, request);
}

std::vector<Flag> MeasureFlags() {
  return std::vector<Flag>{{.name = "truth",
                            .kind = ValueKind::kChoice,
                            .value = "SOURCE",
                            .help = "against people's labels or the oracle; default: labels if there are any",
                            .choices = EnumChoices(v1::TruthSource_descriptor())},
                           {.name = "by",
                            .kind = ValueKind::kChoice,
                            .value = "TAG",
                            .help = "a table for each value of this tag too",
                            .choices = {"environment", "site", "kind", "difficulty", "policy", "split"},
                            .repeated = true},
                           {.name = "seed", .kind = ValueKind::kInteger, .value = "N", .help = "of bootstrap intervals"}} +
         TrajectoryFilterFlags();
}

absl::Status Calibrate(Call& call) {
  const Arguments& arguments = call.arguments();
  v1::CalibrateEvaluatorRequest request;
  request.set_evaluator(call.Name("evaluators"));
  request.set_new_name(client::FullName("evaluators", arguments.Text("as")));
  request.set_method(static_cast<v1::CalibrationMethod>(
      EnumNumber(v1::CalibrationMethod_descriptor(), arguments.Text("method"))));
  request.set_precision(static_cast<double>(arguments.Integer("precision")) / 100);
  request.set_truth(static_cast<v1::TruthSource>(EnumNumber(v1::TruthSource_descriptor(), arguments.Text("truth"))));
  request.set_seed(arguments.Integer("seed"));
  *request.mutable_filter() = TrajectoryFilterOf(call);
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job started, call.Send<v1::Job>(request));
  PROCTOR_ASSIGN_OR_RETURN(const v1::Job ended, AwaitJob(call, started));
  PROCTOR_RETURN_IF_ERROR(JobStatus(ended));
  v1::CalibrationResult result;
  if (!ended.result().UnpackTo(&result)) return absl::InternalError("the job's result is of another kind");
  if (call.output().json()) {
    call.output().Message(result);
  } else {
    call.output().Raw(CalibrationText(result));
  }
  return absl::OkStatus();
}

Command CalibrateCommand() {
  return {.name = "evaluator calibrate",
          .summary = "fits an evaluator's scores to labels or the oracle and stores the result as a new evaluator",
          .arguments = {{"NAME", "the evaluator"}},
          .flags = std::vector<Flag>{{.name = "as",
                                      .kind = ValueKind::kText,
                                      .value = "NEW",
                                      .help = "name of the new evaluator",
                                      .required = true},
                                     {.name = "method",
                                      .kind = ValueKind::kChoice,
                                      .value = "METHOD",
                                      .help = "how",
                                      .choices = EnumChoices(v1::CalibrationMethod_descriptor()),
                                      .required = true},
                                     {.name = "precision",
                                      .kind = ValueKind::kInteger,
                                      .value = "PERCENT",
                                      .help = "with --method precision: the one that is wanted",
                                      .low = 1,
                                      .high = 100}} +
                   std::vector<Flag>{MeasureFlags()[0], MeasureFlags()[2]} + TrajectoryFilterFlags() +
                   std::vector<Flag>{JobFlags()[1]},
          .notes = "What it prints as \"after\" is out of fold: each verdict is calibrated by a fit to others.",
          .run = Calibrate};
}

Command RescoreCommand() {
  return {.name = "rescore",
          .summary = "evaluates recorded trajectories again, by one or more evaluators",
          .arguments = {{"TRAJECTORY", "these trajectories; default: all that the flags leave", Presence::kRepeated}},
          .flags = std::vector<Flag>{{.name = "evaluator",
                                      .kind = ValueKind::kText,
                                      .value = "NAME",
                                      .help = "who judges",
                                      .repeated = true,
                                      .required = true},
                                     {.name = "concurrency",
                                      .kind = ValueKind::kInteger,
                                      .value = "N",
                                      .help = "evaluations at once; default 64",
                                      .low = 1,
                                      .high = 1000},
                                     {.name = "failed-only", .help = "only those whose judge could not be had or understood"},
                                     {.name = "dry-run", .help = "ask nothing: count, and estimate the cost"}} +
                   TrajectoryFilterFlags() + JobFlags(),
          .notes = "What has a verdict already is not evaluated again. Stopped or crashed, it goes on where it was.",
          .run = Rescore};
}

}  // namespace

std::vector<Command> EvaluatorCommands() {
  return {RescoreCommand(),
          {.name = "evaluator measure",
           .summary = "measures an evaluator's verdicts against people's labels or the oracle",
           .arguments = {{"NAME", "the evaluator"}},
           .flags = MeasureFlags() + std::vector<Flag>{JobFlags()[1]},
           .run = Measure},
          {.name = "evaluator compare",
           .summary = "two evaluators on the same trajectories: who is right more often, and where they differ",
           .arguments = {{"NAME", "the evaluator"}, {"OTHER", "the other one"}},
           .flags = MeasureFlags() + std::vector<Flag>{JobFlags()[1]},
           .run = Compare},
          CalibrateCommand(),
          {.name = "evaluator list", .summary = "lists the evaluators, presets among them", .run = List},
          {.name = "evaluator get",
           .summary = "shows an evaluator",
           .arguments = {{"NAME", "the evaluator"}},
           .run = Get},
          {.name = "evaluator apply",
           .summary = "stores an evaluator from a file; the same one again changes nothing",
           .flags = {{.name = "file",
                      .letter = 'f',
                      .kind = ValueKind::kFile,
                      .value = "FILE",
                      .help = "YAML or JSON (proto/proctor/v1/evaluator.proto); - is standard input",
                      .required = true}},
           .run = Apply}};
}

}  // namespace proctor::cli
