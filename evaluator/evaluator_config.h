// Evaluators as configurations: checks, canonical form, the oracles in them.
#ifndef PROCTOR_EVALUATOR_EVALUATOR_CONFIG_H_
#define PROCTOR_EVALUATOR_EVALUATOR_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/task.pb.h"

namespace proctor::evaluator {

// INVALID_ARGUMENT, with the path of what is wrong: no kind, a threshold outside [0, 1], an oracle that ValidateOracle or a
// judge that ValidateJudge refuses, a panel or cascade without 2 to 9 members, nesting deeper than 4.
absl::Status ValidateEvaluator(const v1::Evaluator& evaluator);

// `evaluators/oracle`: the task's own oracle.
v1::Evaluator TaskOracleEvaluator();

// sha256 (hex) of the evaluator's canonical form (kind and thresholds, not names, descriptions or times, its members' neither)
// and of the rules of this code.
std::string EvaluatorVersion(const v1::Evaluator& evaluator);

// `success_threshold` with its default: 1 for oracles, 0.5 for all others.
double SuccessThreshold(const v1::Evaluator& evaluator);

// An oracle that an evaluation needs.
struct NeededOracle {
  // Borrowed; never null.
  const v1::Oracle* oracle = nullptr;
  // Of the evaluator, or member, that needs it.
  double success_threshold = 1;
};

// The oracles that evaluating `task` needs: the evaluator's own, the task's, those of its members. In order.
std::vector<NeededOracle> OraclesOf(const v1::Evaluator& evaluator, const v1::Task& task);

// The evaluators directly within another: a panel's members, then its escalation; a cascade's tiers. Borrowed.
std::vector<const v1::Evaluator*> MembersOf(const v1::Evaluator& evaluator);

// Whether a model is asked: it, or one of its members, is a judge.
bool AsksModels(const v1::Evaluator& evaluator);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_EVALUATOR_CONFIG_H_
