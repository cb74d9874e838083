#include "evaluator/evaluate.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "evaluator/evidence.h"
#include "evaluator/oracle.h"

namespace proctor::evaluator {
namespace {

// Part of every version: raise it when a rule of this folder changes what a trajectory scores.
constexpr int kRulesVersion = 1;
constexpr size_t kVerdictIdDigits = 32;

double Threshold(const v1::Evaluator& evaluator) {
  return evaluator.success_threshold() > 0 ? evaluator.success_threshold() : 1;
}

// The version with the oracle that was used: the task's own is no part of the evaluator.
std::string VersionWithOracle(const v1::Evaluator& evaluator, const v1::Oracle* oracle) {
  return Sha256Hex(absl::StrCat(EvaluatorVersion(evaluator), "\n",
                                oracle == nullptr ? "" : ProtoCanonicalBytes(*oracle)));
}

std::string Digest(const v1::Trajectory& trajectory) {
  if (!trajectory.digest().empty()) return trajectory.digest();
  return Sha256Hex(ProtoCanonicalBytes(trajectory));
}

void SetUndetermined(v1::UndeterminedReason reason, std::string rationale, v1::Verdict* verdict) {
  verdict->set_outcome(v1::OUTCOME_UNDETERMINED);
  verdict->set_undetermined_reason(reason);
  verdict->set_rationale(std::move(rationale));
}

void SetDecided(v1::Outcome outcome, double score, std::string rationale, v1::Verdict* verdict) {
  verdict->set_outcome(outcome);
  verdict->set_score(score);
  verdict->set_confidence(1);
  verdict->set_rationale(std::move(rationale));
}

// The oracle held before the first action. What cannot be told of the start is no proof.
bool HeldAtStart(const v1::Oracle& oracle, double threshold, const v1::Trajectory& trajectory) {
  std::vector<v1::CheckResult> ignored;
  const Score score = EvaluateOracle(oracle, FactsAtStart(trajectory), &ignored);
  return score.determined && score.value >= threshold;
}

void Judge(const v1::Oracle& oracle, double threshold, const v1::Trajectory& trajectory,
           v1::Verdict* verdict) {
  verdict->set_already_solved(HeldAtStart(oracle, threshold, trajectory));
  if (!trajectory.steps().empty()) verdict->add_cited_steps(trajectory.steps().rbegin()->index());
  const Facts facts = FactsAtEnd(trajectory);
  std::vector<v1::CheckResult> checks;
  const Score score = EvaluateOracle(oracle, facts, &checks);
  for (v1::CheckResult& check : checks) *verdict->add_checks() = std::move(check);
  if (facts.gave_up && !facts.impossible) {
    SetDecided(v1::OUTCOME_FAILURE, 0,
               "gave up or answered \"N/A\", but the task is not known to be impossible", verdict);
  } else if (!score.determined) {
    SetUndetermined(score.reason, score.detail, verdict);
  } else {
    SetDecided(score.value >= threshold ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE, score.value,
               score.detail, verdict);
  }
}

}  // namespace

absl::Status ValidateEvaluator(const v1::Evaluator& evaluator) {
  if (!(evaluator.success_threshold() >= 0 && evaluator.success_threshold() <= 1)) {
    return absl::InvalidArgumentError("success_threshold must be in (0, 1], or 0 for 1");
  }
  switch (evaluator.kind_case()) {
    case v1::Evaluator::kTaskOracle:
      return absl::OkStatus();
    case v1::Evaluator::kOracle:
      return ValidateOracle(evaluator.oracle());
    case v1::Evaluator::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("an evaluator needs a kind: task_oracle or oracle");
}

v1::Evaluator TaskOracleEvaluator() {
  v1::Evaluator evaluator;
  evaluator.set_name("evaluators/oracle");
  evaluator.set_description("The task's own oracle.");
  evaluator.mutable_task_oracle();
  evaluator.set_success_threshold(1);
  evaluator.set_version(EvaluatorVersion(evaluator));
  return evaluator;
}

std::string EvaluatorVersion(const v1::Evaluator& evaluator) {
  v1::Evaluator content = evaluator;
  content.clear_name();
  content.clear_description();
  content.clear_version();
  content.clear_create_time();
  content.set_success_threshold(Threshold(evaluator));
  return Sha256Hex(
      absl::StrCat("proctor oracle rules ", kRulesVersion, "\n", ProtoCanonicalBytes(content)));
}

absl::StatusOr<v1::Verdict> Evaluate(const v1::Evaluator& evaluator,
                                     const v1::Trajectory& trajectory) {
  PROCTOR_RETURN_IF_ERROR(ValidateEvaluator(evaluator));
  if (!trajectory.closed()) {
    return absl::FailedPreconditionError(
        absl::StrCat(trajectory.name(), " is not closed: it cannot be judged yet"));
  }
  const v1::Oracle* oracle = OracleOf(evaluator, trajectory.task());
  if (oracle != nullptr) PROCTOR_RETURN_IF_ERROR(ValidateOracle(*oracle));
  v1::Verdict verdict;
  verdict.set_trajectory(trajectory.name());
  verdict.set_evaluator(evaluator.name());
  verdict.set_evaluator_version(VersionWithOracle(evaluator, oracle));
  verdict.set_trajectory_digest(Digest(trajectory));
  const std::string identity = absl::StrJoin({verdict.trajectory(), verdict.trajectory_digest(),
                                              verdict.evaluator(), verdict.evaluator_version()},
                                             "\n");
  verdict.set_name(ResourceName("verdicts", Sha256Hex(identity).substr(0, kVerdictIdDigits)));
  if (trajectory.end_kind() == v1::END_KIND_INTERRUPTED) {
    SetUndetermined(
        v1::UNDETERMINED_REASON_INTERRUPTED,
        absl::StrCat("the episode was interrupted: ", v1::EndReason_Name(trajectory.end_reason())),
        &verdict);
  } else if (oracle == nullptr) {
    SetUndetermined(v1::UNDETERMINED_REASON_NO_EVALUATOR, "the task has no oracle", &verdict);
  } else {
    Judge(*oracle, Threshold(evaluator), trajectory, &verdict);
  }
  return verdict;
}

}  // namespace proctor::evaluator
