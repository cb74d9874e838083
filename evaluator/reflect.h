// From a failed attempt to a plan for the next one.
#ifndef PROCTOR_EVALUATOR_REFLECT_H_
#define PROCTOR_EVALUATOR_REFLECT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "evaluator/judge/judge_run.h"
#include "proctor/v1/reflection.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// What there is to reflect on.
struct ReflectWork {
  // Closed.
  std::shared_ptr<const v1::Trajectory> trajectory;
  // On it; not SUCCESS.
  v1::Verdict verdict;
  // What earlier attempts had taught, oldest first.
  std::vector<std::string> earlier;
};

// Asks the default model once, and once more if it says nothing, and calls `done` on `parts.pool` with `text` and `calls` filled in
// (Shinn et al. 2023, "Reflexion"; in AER, Pan et al. 2024, section 4.2, the evaluator takes the place of the reward). The last three
// earlier reflections are shown. Errors: UNAVAILABLE the model was not to be had or said nothing; those of RunJudge.
void Reflect(const CallContext& context, const ReflectWork& work, const JudgeParts& parts,
             std::function<void(absl::StatusOr<v1::Reflection>)> done);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_REFLECT_H_
