// The questions of a stage: which there are, and what replies make of them. Pure functions.
#ifndef PROCTOR_EVALUATOR_JUDGE_QUESTIONS_H_
#define PROCTOR_EVALUATOR_JUDGE_QUESTIONS_H_

#include <string>
#include <vector>

#include "evaluator/judge/record_view.h"
#include "model/chat.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/judge.pb.h"

namespace proctor::evaluator {

// One for the trajectory, each screenshot or each step, in order; of too many the last ones. Those that `skip_unchanged`
// leaves out are there, marked.
std::vector<v1::JudgeQuestion> PlanQuestions(const v1::JudgeStage& stage, const RecordView& view);

// Samples that are still to be asked for: n less those that say something. At least 1.
int MissingSamples(const v1::JudgeStage& stage, const v1::JudgeQuestion& question);

// Some sample is missing, and the model might do better the next time: not where it has no key, no vision or no room.
bool WorthAskingAgain(const v1::JudgeStage& stage, const v1::JudgeQuestion& question);

// It was asked and has no value: replies failed, could not be read or contradict each other. Neither a question that was skipped nor one
// of which the judge says that it cannot tell.
bool Failed(const v1::JudgeQuestion& question);

// Adds the call and its samples; as many as were asked for, if the call as a whole failed.
void AddReply(const v1::JudgeStage& stage, double success_threshold, const std::string& verdict_tag,
              model::ChatReply reply, v1::JudgeQuestion& question);

// Adds what its calls used. A call that was answered from the cache of replies cost nothing.
void AddUsageOf(const v1::JudgeQuestion& question, v1::Usage& usage);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_QUESTIONS_H_
