// From a recorded trajectory to a verdict: oracles.
#ifndef PROCTOR_EVALUATOR_EVALUATE_H_
#define PROCTOR_EVALUATOR_EVALUATE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// Judges a closed trajectory by its record alone: pure, without a world, a clock or a store. The
// same input gives the same bytes. Everything of the verdict is filled in but `create_time` and
// `latency`; `name` is derived from trajectory, evaluator and their versions, so that storing it
// twice is storing it once.
//
// UNDETERMINED: the episode was interrupted, no oracle, evidence missing, a judge or a function
// needed. The guards: `already_solved` if the oracle held on the evidence of the start; an answer
// "N/A" or a give-up is FAILURE unless the task is known to be impossible. Errors:
// FAILED_PRECONDITION trajectory not closed; INVALID_ARGUMENT the oracle can never be evaluated, or the evaluator is none (see
// assess.h).
absl::StatusOr<v1::Verdict> Evaluate(const v1::Evaluator& evaluator,
                                     const v1::Trajectory& trajectory);

// The parts of Evaluate that all kinds of evaluators share.

// Names, versions and digests: what does not depend on what the verdict says.
v1::Verdict VerdictHead(const v1::Evaluator& evaluator, const v1::Trajectory& trajectory);
// UNDETERMINED, and why.
void SetUndetermined(v1::UndeterminedReason reason, std::string rationale, v1::Verdict* verdict);
// Decided, with confidence 1.
void SetDecided(v1::Outcome outcome, double score, std::string rationale, v1::Verdict* verdict);
// Whether the episode was interrupted; if so the verdict says it.
bool SetInterrupted(const v1::Trajectory& trajectory, v1::Verdict* verdict);
// Whether the trajectory came without its steps, which are too large to be loaded; if so the verdict says it.
bool SetNotLoaded(const v1::Trajectory& trajectory, v1::Verdict* verdict);
// FAILED_PRECONDITION.
absl::Status CheckClosed(const v1::Trajectory& trajectory);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_EVALUATE_H_
