// What evaluators need from the live world, declared before it is collected.
#ifndef PROCTOR_EVALUATOR_EVIDENCE_H_
#define PROCTOR_EVALUATOR_EVIDENCE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evaluator/webarena.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/oracle.pb.h"
#include "proctor/v1/task.pb.h"

namespace proctor::evaluator {

// INVALID_ARGUMENT, naming the place, for what can never be evaluated: empty lists, weights that
// are not positive, regexes that do not compile, requests that no world can answer, unknown WebArena types, more than 256 nodes or 32
// levels.
absl::Status ValidateOracle(const v1::Oracle& oracle);

// What to collect at the episode's end (before the world is released): each thing once, in the
// oracle's order; ids are derived from the content, so the same oracle always gives the same ids.
// Empty for what looks at the answer only. `oracle` is valid.
std::vector<v1::EvidenceRequest> RequiredEvidence(const v1::Oracle& oracle,
                                                  const WebArenaFunctions& functions = {});

// What to collect before the first action for the already-solved guard. Empty where the oracle
// cannot hold without an answer: then nothing has to be collected. `success_threshold` as in
// Evaluator (0 means 1).
std::vector<v1::EvidenceRequest> RequiredStartEvidence(const v1::Oracle& oracle,
                                                       double success_threshold = 1,
                                                       const WebArenaFunctions& functions = {});

// The oracle that `evaluator`, which is one, uses for `task`; null if it has none.
const v1::Oracle* OracleOf(const v1::Evaluator& evaluator, const v1::Task& task);

// EvidenceRequest.id of what each kind of leaf needs.
std::string FinalUrlId();
std::string PageId(const v1::PageCheck& check);
std::string SiteStateId(const v1::SiteStateCheck& check);
std::string FileId(const v1::FileCheck& check);
// What another kind of leaf asks for has that leaf's id: it is collected once.
std::string StateId(const v1::StateCheck& check);
// Derived from `program_html` alone: the same whatever functions are configured.
std::string WebArenaPagesId(const v1::WebArenaEval& eval);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_EVIDENCE_H_
