// A verdict's own replies as a model.
#ifndef PROCTOR_EVALUATOR_JUDGE_STORED_REPLIES_H_
#define PROCTOR_EVALUATOR_JUDGE_STORED_REPLIES_H_

#include <memory>

#include "evaluator/judge/judge_run.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// Answers each question with the reply that the verdict, or one of its members, keeps for the same prompt, read again from its raw
// bytes; the replies to the same prompt in the order in which they came. A question that was not asked then is UNREACHABLE.
std::unique_ptr<JudgeModel> StoredReplies(const v1::Verdict& verdict);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_STORED_REPLIES_H_
