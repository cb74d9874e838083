#include "evaluator/evaluate.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/evidence.h"
#include "evaluator/oracle.h"
#include "evaluator/score.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kVerdictIdDigits = 32;

// The version with the task's own oracle, which is no part of the evaluator.
std::string VersionWithOracle(const v1::Evaluator& evaluator, const v1::Task& task) {
  const std::vector<NeededOracle> oracles = OraclesOf(evaluator, task);
  if (oracles.empty() && !evaluator.has_task_oracle()) return EvaluatorVersion(evaluator);
  std::string identity = absl::StrCat(EvaluatorVersion(evaluator), "\n");
  for (const NeededOracle& needed : oracles) absl::StrAppend(&identity, ProtoCanonicalBytes(*needed.oracle));
  return Sha256Hex(identity);
}

std::string Digest(const v1::Trajectory& trajectory) {
  if (!trajectory.digest().empty()) return trajectory.digest();
  return Sha256Hex(ProtoCanonicalBytes(trajectory));
}

// What is known of the moment before the first action.
struct Start {
  // The oracle held.
  bool held = false;
  // Whether it held cannot be told, because this evidence was asked for and could not be collected; null: it can, or nothing was asked for.
  const v1::Evidence* lost = nullptr;
};

// An expression that threw, in the agent's page or in one that the oracle names, has an error and its value, null: it was collected.
bool Lost(const v1::Evidence* evidence) {
  return evidence != nullptr && !evidence->error().empty() && evidence->json_values().empty();
}

Start LookAtStart(const v1::Oracle& oracle, double threshold, const v1::Trajectory& trajectory) {
  Start start;
  Facts facts = FactsAtStart(trajectory);
  facts.evidence = [&start, recorded = facts.evidence](std::string_view id) {
    const v1::Evidence* evidence = recorded(id);
    if (Lost(evidence)) start.lost = evidence;
    return evidence;
  };
  std::vector<v1::CheckResult> ignored;
  const Score score = EvaluateOracle(oracle, facts, &ignored);
  start.held = score.determined && Reaches(score.value, threshold);
  if (score.determined) start.lost = nullptr;
  return start;
}

void Judge(const v1::Oracle& oracle, double threshold, const v1::Trajectory& trajectory,
           v1::Verdict* verdict) {
  const Start start = LookAtStart(oracle, threshold, trajectory);
  verdict->set_already_solved(start.held);
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
  } else if (Reaches(score.value, threshold) && start.lost != nullptr) {
    SetUndetermined(v1::UNDETERMINED_REASON_EVIDENCE_MISSING,
                    absl::StrCat("the task is solved, but whether it was before the first action cannot be known: ", start.lost->error()),
                    verdict);
  } else {
    SetDecided(Reaches(score.value, threshold) ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE, score.value,
               score.detail, verdict);
  }
}

}  // namespace

v1::Verdict VerdictHead(const v1::Evaluator& evaluator, const v1::Trajectory& trajectory) {
  v1::Verdict verdict;
  verdict.set_trajectory(trajectory.name());
  verdict.set_evaluator(evaluator.name());
  verdict.set_evaluator_version(VersionWithOracle(evaluator, trajectory.task()));
  verdict.set_trajectory_digest(Digest(trajectory));
  const std::string identity = absl::StrJoin({verdict.trajectory(), verdict.trajectory_digest(), verdict.evaluator(),
                                              verdict.evaluator_version()},
                                             "\n");
  verdict.set_name(ResourceName("verdicts", Sha256Hex(identity).substr(0, kVerdictIdDigits)));
  return verdict;
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

bool SetInterrupted(const v1::Trajectory& trajectory, v1::Verdict* verdict) {
  if (trajectory.end_kind() != v1::END_KIND_INTERRUPTED) return false;
  SetUndetermined(v1::UNDETERMINED_REASON_INTERRUPTED,
                  absl::StrCat("the episode was interrupted: ", v1::EndReason_Name(trajectory.end_reason())), verdict);
  return true;
}

bool SetNotLoaded(const v1::Trajectory& trajectory, v1::Verdict* verdict) {
  if (trajectory.steps_size() > 0 || trajectory.step_count() == 0) return false;
  SetUndetermined(v1::UNDETERMINED_REASON_NOTHING_TO_JUDGE,
                  absl::StrCat("its ", trajectory.step_count(), " steps are too large to be judged"), verdict);
  return true;
}

absl::Status CheckClosed(const v1::Trajectory& trajectory) {
  if (trajectory.closed()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(trajectory.name(), " is not closed: it cannot be judged yet"));
}

absl::StatusOr<v1::Verdict> Evaluate(const v1::Evaluator& evaluator, const v1::Trajectory& trajectory) {
  PROCTOR_RETURN_IF_ERROR(ValidateEvaluator(evaluator));
  PROCTOR_RETURN_IF_ERROR(CheckClosed(trajectory));
  if (!evaluator.has_task_oracle() && !evaluator.has_oracle()) {
    return absl::InvalidArgumentError(absl::StrCat(evaluator.name(), " is no oracle: Assess evaluates it"));
  }
  const v1::Oracle* oracle = OracleOf(evaluator, trajectory.task());
  if (oracle != nullptr) PROCTOR_RETURN_IF_ERROR(ValidateOracle(*oracle));
  v1::Verdict verdict = VerdictHead(evaluator, trajectory);
  if (SetInterrupted(trajectory, &verdict)) return verdict;
  if (oracle == nullptr) {
    SetUndetermined(v1::UNDETERMINED_REASON_NO_EVALUATOR, "the task has no oracle", &verdict);
  } else {
    Judge(*oracle, SuccessThreshold(evaluator), trajectory, &verdict);
  }
  return verdict;
}

}  // namespace proctor::evaluator
