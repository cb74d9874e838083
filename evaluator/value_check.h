// Checks of values that were collected: what stands at a pointer, and what a file says.
#ifndef PROCTOR_EVALUATOR_VALUE_CHECK_H_
#define PROCTOR_EVALUATOR_VALUE_CHECK_H_

#include <string>
#include <string_view>

#include "evaluator/score.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::evaluator {

// `text` in quotes, cut at 400 bytes.
std::string Shown(std::string_view text);

// The score of what stands at `pointer` of a JSON text; not determined (EVIDENCE_MISSING) if `json` is malformed. `what` names it
// in the detail.
Score ScoreValueAt(std::string_view what, std::string_view json, std::string_view pointer, const v1::JsonMatch& match);

// FileCheck over the value of its evidence (EvidenceRequest.file). 0 where the file is not there (but for `absent` without
// pointer) or does not read as the format says; not determined where it was too large to be recorded and its content matters.
Score ScoreFile(const v1::FileCheck& check, std::string_view evidence_json);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_VALUE_CHECK_H_
