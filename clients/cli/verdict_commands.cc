// proctor verdict
#include "absl/strings/str_cat.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/text.h"
#include "clients/cli/verdict_trace.h"
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

absl::Status Show(Call& call) {
  v1::Verdict verdict;
  if (call.arguments().Has("replay")) {
    v1::ReplayVerdictRequest request;
    request.set_name(call.Name("verdicts"));
    PROCTOR_ASSIGN_OR_RETURN(verdict, call.Send<v1::Verdict>(request));
  } else {
    v1::GetVerdictRequest request;
    request.set_name(call.Name("verdicts"));
    PROCTOR_ASSIGN_OR_RETURN(verdict, call.Send<v1::Verdict>(request));
  }
  if (call.output().json()) {
    call.output().Message(verdict);
  } else {
    call.output().Raw(VerdictTrace(verdict));
  }
  return absl::OkStatus();
}

constexpr absl::Duration kJudging = absl::Minutes(10);

// A judge may ask many questions: how long the call may take beyond the common deadline, unless the user said how long.
absl::Duration TimeToJudge(const Call& call) { return call.arguments().Has("timeout") ? absl::ZeroDuration() : kJudging - call.timeout(); }

absl::Status Evaluate(Call& call) {
  v1::EvaluateTrajectoryRequest request;
  request.set_trajectory(call.Name("trajectories"));
  request.set_evaluator(call.FlagName("evaluators", "evaluator"));
  request.set_dry_run(call.arguments().Has("dry-run"));
  return call.SendAndPrint<v1::Verdict>(request, TimeToJudge(call));
}

absl::Status Compare(Call& call) {
  v1::CompareTrajectoriesRequest request;
  request.set_first(call.Name("trajectories"));
  request.set_second(call.Name("trajectories", 1));
  request.set_evaluator(call.FlagName("evaluators", "evaluator"));
  PROCTOR_ASSIGN_OR_RETURN(const v1::Comparison comparison, call.Send<v1::Comparison>(request, TimeToJudge(call)));
  if (call.output().json()) {
    call.output().Message(comparison);
    return absl::OkStatus();
  }
  call.output().Message(comparison, {"questions"});
  return absl::OkStatus();
}

constexpr char kWaits[] = "A judge may ask many questions: it has 10m, unless --timeout says otherwise.";

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
      {.name = "verdict show",
       .summary = "prints a verdict's trace: what was asked, what was replied, how it was read, what it cost",
       .arguments = {{"NAME", "the verdict"}},
       .flags = {{.name = "replay", .help = "judge again from the stored replies; asks no model"}},
       .run = Show},
      {.name = "verdict evaluate",
       .summary = "evaluates a closed trajectory from its record; changes no reward",
       .arguments = {{"TRAJECTORY", "the trajectory"}},
       .flags = {NameFlag("evaluator", "who judges; default oracle: the task's own"),
                 {.name = "dry-run", .help = "do not store the verdict"}},
       .notes = kWaits,
       .run = Evaluate},
      {.name = "verdict compare",
       .summary = "asks which of two trajectories of one task is better, in both orders",
       .arguments = {{"FIRST", "a trajectory"}, {"SECOND", "the other one"}},
       .flags = {NameFlag("evaluator", "who compares; default pairwise")},
       .notes = kWaits,
       .run = Compare}};
}

}  // namespace proctor::cli
