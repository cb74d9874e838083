// Action dialects: what an agent's model wrote, as one typed action.
#ifndef PROCTOR_ENV_DIALECTS_DIALECT_H_
#define PROCTOR_ENV_DIALECTS_DIALECT_H_

#include <string>

#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::dialects {

// A longer text is refused unread.
inline constexpr int kMaxAgentTextBytes = 65536;

// The outcome of parsing. Exactly one of `error` and the action's kind is set.
struct ParsedAgentText {
  v1::Action action;
  // What the model wrote before the action; also filled when the action does not parse. Empty if
  // there is none.
  std::string thought;
  // What is wrong and how to write it, for the agent. Empty: parsed.
  std::string error;
};

// Parses `text` by its dialect. `last` is what the agent saw: distances like "a window's height"
// are taken from its viewport and boxes (1280 x 720 if it has none); marks are not checked against
// it. Pure, thread-safe, linear in the text's length; never fails on hostile input.
ParsedAgentText ParseAgentText(const v1::AgentText& text, const v1::Observation& last);

}  // namespace proctor::env::dialects

#endif  // PROCTOR_ENV_DIALECTS_DIALECT_H_
