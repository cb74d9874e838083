// proctor verdict
#include "absl/strings/str_cat.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/input_file.h"
#include "clients/cli/text.h"
#include "common/status.h"

namespace proctor::cli {
namespace {

// An undetermined verdict has no score.
std::string Score(const v1::Verdict& verdict) {
  return verdict.outcome() == v1::OUTCOME_UNDETERMINED ? "" : NumberText(verdict.score());
}

std::string Outcome(const v1::Verdict& verdict) {
  const std::string outcome = EnumLabel(v1::Outcome_descriptor(), verdict.outcome());
  const std::string reason =
      EnumLabel(v1::UndeterminedReason_descriptor(), verdict.undetermined_reason());
  return reason.empty() ? outcome : absl::StrCat(outcome, ": ", reason);
}

const std::vector<Column<v1::Verdict>>& Columns() {
  using V = v1::Verdict;
  static const auto& columns = *new std::vector<Column<V>>{
      {"NAME", [](const V& v) { return ShortName(v.name()); }},
      {"TRAJECTORY", [](const V& v) { return ShortName(v.trajectory()); }},
      {"OUTCOME", Outcome},
      {"SCORE", Score, Align::kRight},
      {"EVALUATOR", [](const V& v) { return ShortName(v.evaluator()); }},
      {"MADE", [](const V& v) { return TimeText(v.create_time()); }},
      {"RATIONALE", [](const V& v) { return v.rationale(); }}};
  return columns;
}

absl::Status List(Call& call) {
  v1::ListVerdictsRequest request;
  request.set_trajectory(call.FlagName("trajectories", "trajectory"));
  request.set_evaluator(call.FlagName("evaluators", "evaluator"));
  return call.List(request, &v1::ListVerdictsResponse::verdicts, Columns());
}

absl::Status Get(Call& call) {
  v1::GetVerdictRequest request;
  request.set_name(call.Name("verdicts"));
  return call.SendAndPrint<v1::Verdict>(request);
}

absl::Status Evaluate(Call& call) {
  v1::EvaluateTrajectoryRequest request;
  request.set_trajectory(call.Name("trajectories"));
  request.set_evaluator(call.FlagName("evaluators", "evaluator"));
  request.set_dry_run(call.arguments().Has("dry-run"));
  return call.SendAndPrint<v1::Verdict>(request);
}

absl::Status ListEvaluators(Call& call) {
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

absl::Status GetEvaluator(Call& call) {
  v1::GetEvaluatorRequest request;
  request.set_name(call.Name("evaluators"));
  return call.SendAndPrint<v1::Evaluator>(request);
}

absl::Status CreateEvaluator(Call& call) {
  const std::string path = call.arguments().Word(0);
  PROCTOR_ASSIGN_OR_RETURN(const std::string text, ReadInput(path));
  v1::CreateEvaluatorRequest request;
  PROCTOR_RETURN_IF_ERROR(ParseInput(text, path, *request.mutable_evaluator()));
  return call.SendAndPrint<v1::Evaluator>(request);
}

Flag NameFlag(const char* name, const char* help) {
  return {.name = name, .kind = ValueKind::kText, .value = "NAME", .help = help};
}

}  // namespace

std::vector<Command> VerdictCommands() {
  return {
      {.name = "verdict list",
       .summary = "lists verdicts, newest first",
       .flags = {NameFlag("trajectory", "on this trajectory"),
                 NameFlag("evaluator", "by this evaluator"), LimitFlag()},
       .run = List},
      {.name = "verdict get",
       .summary = "shows a verdict and what it rests on",
       .arguments = {{"NAME", "the verdict"}},
       .run = Get},
      {.name = "verdict evaluate",
       .summary = "evaluates a closed trajectory from its record; changes no reward",
       .arguments = {{"TRAJECTORY", "the trajectory"}},
       .flags = {NameFlag("evaluator", "who judges; default oracle: the task's own"),
                 {.name = "dry-run", .help = "do not store the verdict"}},
       .run = Evaluate},
      {.name = "verdict evaluator list", .summary = "lists the evaluators", .run = ListEvaluators},
      {.name = "verdict evaluator get",
       .summary = "shows an evaluator",
       .arguments = {{"NAME", "the evaluator"}},
       .run = GetEvaluator},
      {.name = "verdict evaluator create",
       .summary = "stores an evaluator from a file",
       .arguments = {{"FILE",
                      "YAML or JSON (proto/proctor/v1/evaluator.proto); - is standard input",
                      Presence::kRequired, ValueKind::kFile}},
       .run = CreateEvaluator}};
}

}  // namespace proctor::cli
