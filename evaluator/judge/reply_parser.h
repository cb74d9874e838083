// Reads a model's reply: a value, or `invalid` with the reason. Never a default (judges.md calls it P4: GroUSE, SAGE-Eval and
// G-Eval's own scripts count what they cannot read as a score, which biases every mean).
#ifndef PROCTOR_EVALUATOR_JUDGE_REPLY_PARSER_H_
#define PROCTOR_EVALUATOR_JUDGE_REPLY_PARSER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "proctor/v1/judge.pb.h"

namespace proctor::evaluator {

// What a reply says.
struct ReadReply {
  // But for `failure` and `success_probability`.
  v1::JudgeSample sample;
  // The text for later stages, the rationale.
  std::string text;
  // Where the number stands in the reply, if it is valid and a number: for log-probabilities.
  size_t value_begin = 0;
  size_t value_end = 0;
};

// `reply` is untrusted: any bytes. `verdict_tag` is the request's.
ReadReply ParseReply(const v1::ReplyParser& parser, std::string_view verdict_tag, std::string_view reply);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_REPLY_PARSER_H_
