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

// INVALID_ARGUMENT: no kind, a threshold outside [0, 1], an oracle that ValidateOracle refuses.
absl::Status ValidateEvaluator(const v1::Evaluator& evaluator);

// `evaluators/oracle`: the task's own oracle.
v1::Evaluator TaskOracleEvaluator();

// sha256 (hex) of the evaluator's canonical form (kind and threshold, not name, description or
// times) and of the rules of this code.
std::string EvaluatorVersion(const v1::Evaluator& evaluator);

// Judges a closed trajectory by its record alone: pure, without a world, a clock or a store. The
// same input gives the same bytes. Everything of the verdict is filled in but `create_time` and
// `latency`; `name` is derived from trajectory, evaluator and their versions, so that storing it
// twice is storing it once.
//
// UNDETERMINED: the episode was interrupted, no oracle, evidence missing, a judge or a function
// needed. The guards: `already_solved` if the oracle held on the evidence of the start; an answer
// "N/A" or a give-up is FAILURE unless the task is known to be impossible. Errors:
// FAILED_PRECONDITION trajectory not closed; INVALID_ARGUMENT the oracle can never be evaluated.
absl::StatusOr<v1::Verdict> Evaluate(const v1::Evaluator& evaluator,
                                     const v1::Trajectory& trajectory);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_EVALUATE_H_
