// Verdicts of several evaluators as one. Pure functions.
#ifndef PROCTOR_EVALUATOR_JUDGE_VOTE_H_
#define PROCTOR_EVALUATOR_JUDGE_VOTE_H_

#include <vector>

#include "evaluator/judge/judge_verdict.h"
#include "proctor/v1/evaluator.pb.h"
#include "proctor/v1/verdict.pb.h"

namespace proctor::evaluator {

// SUCCESS or FAILURE.
bool Decided(const v1::Verdict& verdict);

// UNDETERMINED because a model could not be reached, refused, or failed: another time it may decide.
bool ModelWasUnavailable(const v1::Verdict& verdict);

// UNDETERMINED because a model was not to be had or not to be understood: asked again, it may decide.
bool WorthAnotherTry(const v1::Verdict& verdict);

// Fills outcome, score, confidence and rationale of `verdict` from one verdict a member, in the members' order. Those without
// a decision have no vote; but where no quorum is given, MAJORITY and MEAN are UNDETERMINED if members that a fault kept from deciding
// (a model, a reply, evidence) could have made the outcome another one; so is any vote whose score `rule` calibrates, if they could have
// made the calibrated outcome another one. The score stays as it is. Confidence is the share of the decided weight that says what the panel says.
// Where it is UNDETERMINED, the reason is DISAGREEMENT, or that of all members, if none decided and all have the same one. `members` is not empty.
void Vote(const v1::Panel& panel, const SuccessRule& rule, const std::vector<v1::Verdict>& members, v1::Verdict* verdict);

// Whether the panel's escalation is to be asked.
bool Escalates(const v1::Panel& panel, const std::vector<v1::Verdict>& members, const v1::Verdict& verdict);

// Whether a tier's verdict is good enough.
bool SureEnough(const v1::CascadeTier& tier, const v1::Verdict& verdict);

// Takes over what `from` says: outcome, score, confidence, rationale, cited and scored steps, guards. Not its names.
void TakeOver(const v1::Verdict& from, v1::Verdict* verdict);

// Adds the usage of all members.
void AddUsageOf(const std::vector<v1::Verdict>& members, v1::Verdict* verdict);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_VOTE_H_
