// Which of two recorded trajectories is better.
#ifndef PROCTOR_EVALUATOR_COMPARE_H_
#define PROCTOR_EVALUATOR_COMPARE_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "evaluator/judge/judge_run.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// Asks in both orders, side by side, and calls `done` once, on this thread or `parts.pool`. Only what both orders say counts; a
// contradiction is a TIE that is not consistent. Errors: INVALID_ARGUMENT the evaluator is no PairJudge, the tasks' goals differ;
// FAILED_PRECONDITION a trajectory is not closed; those of RunJudge.
void Compare(const CallContext& context, const v1::Evaluator& evaluator, const std::shared_ptr<const v1::Trajectory>& first,
             const std::shared_ptr<const v1::Trajectory>& second, const JudgeParts& parts,
             std::function<void(absl::StatusOr<v1::Comparison>)> done);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_COMPARE_H_
