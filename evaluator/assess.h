// From a recorded trajectory to a verdict, by any evaluator: oracles, judges, panels, cascades.
#ifndef PROCTOR_EVALUATOR_ASSESS_H_
#define PROCTOR_EVALUATOR_ASSESS_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "evaluator/judge/judge_run.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

using AssessDone = std::function<void(absl::StatusOr<v1::Verdict>)>;

// Calls `done` once: on this thread where no model is asked, else on `parts.pool`. No thread waits for a model. As Evaluate:
// everything of the verdict is filled in but `create_time` and `latency`, and its name is derived from what it was made of.
//
// Judges: UNDETERMINED where replies cannot be read, the model is not to be had, or it says that it cannot tell. The guards of
// Evaluate hold for judges too. Panels ask their members side by side, cascades one after another.
// Errors: those of Evaluate and RunJudge.
void Assess(const CallContext& context, const v1::Evaluator& evaluator,
            std::shared_ptr<const v1::Trajectory> trajectory, const JudgeParts& parts, AssessDone done);

// Whether nobody judged for this verdict of the evaluator's, but a rule did: the agent gave up, or gave no answer where one is required. Such a
// score is no judge's: calibrations leave it as it is, and are not fitted to it. False for oracles.
bool SettledByRule(const v1::Evaluator& evaluator, const v1::Verdict& verdict);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_ASSESS_H_
