// The evaluators that are always there beside the oracle: published judges as configurations.
#ifndef PROCTOR_EVALUATOR_PRESETS_H_
#define PROCTOR_EVALUATOR_PRESETS_H_

#include <vector>

#include "proctor/v1/evaluator.pb.h"

namespace proctor::evaluator {

// Those of the folder presets/, one file each, with name, description and version, in the order of their names. The files are
// part of the program. Prompts are our own wording of what the papers describe.
const std::vector<v1::Evaluator>& Presets();

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_PRESETS_H_
