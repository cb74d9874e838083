// Refuses judges that could not run.
#ifndef PROCTOR_EVALUATOR_JUDGE_VALIDATE_JUDGE_H_
#define PROCTOR_EVALUATOR_JUDGE_VALIDATE_JUDGE_H_

#include "absl/status/status.h"
#include "proctor/v1/judge.pb.h"

namespace proctor::evaluator {

// INVALID_ARGUMENT with the path of what is wrong: "stages[1].slots[key_points].result: there is no earlier stage
// `keypoints`". After it, the judge renders and parses without surprises.
absl::Status ValidateJudge(const v1::Judge& judge);

// The same for a comparison: one question about the whole, answered by grades, with slots of either side.
absl::Status ValidatePairJudge(const v1::PairJudge& judge);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_VALIDATE_JUDGE_H_
