// A verdict's trace for people.
#ifndef PROCTOR_CLIENTS_CLI_VERDICT_TRACE_H_
#define PROCTOR_CLIENTS_CLI_VERDICT_TRACE_H_

#include <string>

#include "proctor/v1/verdict.pb.h"

namespace proctor::cli {

// What it says and why, and for each question of a judge what was asked of which model, what came back, how it was read and what it
// cost. Members of panels and cascades are indented below. Ends with a line break.
std::string VerdictTrace(const v1::Verdict& verdict);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_VERDICT_TRACE_H_
