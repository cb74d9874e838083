// From the samples of one question to its value.
#ifndef PROCTOR_EVALUATOR_JUDGE_AGGREGATE_H_
#define PROCTOR_EVALUATOR_JUDGE_AGGREGATE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/chat.h"
#include "proctor/v1/judge.pb.h"

namespace proctor::evaluator {

// Reads one choice of a model's reply as a stage asks, with the expectation over the scale in place of the number where
// LOGPROB_EXPECTATION is asked and log-probabilities came. Of stages that ask for a text a sample is valid if there is one.
v1::JudgeSample ReadSample(const v1::JudgeStage& stage, std::string_view verdict_tag, double success_threshold,
                           const model::Choice& choice);

// G-Eval (Liu et al. 2023, equation 1): the mean of the scale's integers weighted by the probabilities of the token that
// begins at `offset` of the text, renormalised over the scale. Tokens that read as the same number (" 4", "4", "4.") count
// together, all others not at all. Nothing if no alternatives are known there, none is on the scale, or the number goes on
// in the next token.
struct Expectation {
  // On the scale, min to max.
  double value = 0;
  // Of numbers at or above the success threshold, of the probability on the scale.
  double success_probability = 0;
};
std::optional<Expectation> ExpectationAt(const std::vector<model::GeneratedToken>& tokens, size_t begin, size_t end,
                                         const v1::NumberParser& scale, double success_threshold);

// Fills value, score, grade, confidence, text, `valid` and `undetermined` of `question` from its samples.
// What is invalid is left out; a question is invalid if no sample is valid, if a majority is a tie, or if more samples say that they
// cannot tell than are valid. It is undetermined if, moreover, they are more than those that failed: else the failures are why it has no
// value (see Failed). `success_threshold` on scores, (0, 1].
void Aggregate(const v1::JudgeStage& stage, double success_threshold, v1::JudgeQuestion& question);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_AGGREGATE_H_
