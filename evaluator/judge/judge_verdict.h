// What a judge's questions come to. Pure functions: the same questions give the same verdict, so that stored replies can be
// read again.
#ifndef PROCTOR_EVALUATOR_JUDGE_JUDGE_VERDICT_H_
#define PROCTOR_EVALUATOR_JUDGE_JUDGE_VERDICT_H_

#include <vector>

#include "evaluator/judge/record_view.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/judge.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// Which scores are SUCCESS.
struct SuccessRule {
  // (0, 1].
  double threshold = 0.5;
  // Applied to a score before the threshold, by Calibrate, after the verdict is decided. Null: none.
  const v1::Calibration* calibration = nullptr;
};

// Decides what needs no question: an interrupted episode; giving up or answering "N/A" on a task that is not known to be
// impossible (the anti-guess guard); no answer, where one is required; a last screenshot that is to be shown and could not be had; no
// screenshot at all, where the judge looks at some, nor a page's text or tree that it reads (else the verdict would rest on the agent's own
// words); no step to ask about. False: ask.
bool DecideWithoutQuestions(const v1::Judge& judge, const RecordView& view, v1::Verdict* verdict);

// Outcome, score, confidence, rationale, cited and scored steps and usage from the questions, which move into the verdict.
// UNDETERMINED if there is no value, a stage before the last one is incomplete, or a question of the last stage failed (see Failed)
// whose value, 0 or 1, could have made the outcome another one. Questions that were skipped, or of which the judge cannot tell, are left
// out; but for LAST, where the last one that was asked counts.
void DecideFromQuestions(const v1::Judge& judge, const SuccessRule& rule, const RecordView& view,
                         std::vector<v1::JudgeQuestion> questions, v1::Verdict* verdict);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_JUDGE_VERDICT_H_
