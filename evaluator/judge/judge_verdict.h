// What a judge's questions come to. Pure functions: the same questions give the same verdict, so that stored replies can be
// read again.
#ifndef PROCTOR_EVALUATOR_JUDGE_JUDGE_VERDICT_H_
#define PROCTOR_EVALUATOR_JUDGE_JUDGE_VERDICT_H_

#include <vector>

#include "evaluator/judge/record_view.h"
#include "proctor/v1/judge.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// Decides what needs no question: an interrupted episode; giving up or answering "N/A" on a task that is not known to be
// impossible (the anti-guess guard); no answer, where one is required; no screenshot or step to ask about. False: ask.
bool DecideWithoutQuestions(const v1::Judge& judge, const RecordView& view, v1::Verdict* verdict);

// Outcome, score, confidence, rationale, cited and scored steps and usage from the questions, which move into the verdict.
// `success_threshold` on scores, (0, 1].
void DecideFromQuestions(const v1::Judge& judge, double success_threshold, const RecordView& view,
                         std::vector<v1::JudgeQuestion> questions, v1::Verdict* verdict);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_JUDGE_VERDICT_H_
