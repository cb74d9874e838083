// What a model says of a proposed task.
#ifndef PROCTOR_PROPOSER_PROPOSAL_FILTER_H_
#define PROCTOR_PROPOSER_PROPOSAL_FILTER_H_

#include <string>
#include <string_view>

namespace proctor::proposer {

// The reason of tasks whose examination could not be read.
inline constexpr char kUndetermined[] = "undetermined";

// Rejected unless the reply accepts.
struct FilterVerdict {
  bool accepted = false;
  // Why not, the same words for the same cause: "needs a login", "needs a payment", "harmful", "not feasible",
  // "unclear", "not checkable", "rejected without a reason", kUndetermined.
  std::string reason;
  // For people: what the reply says before its verdict (its end), or what is wrong with it; at most 500 bytes.
  std::string detail;
};

// Reads a reply to AskAboutTask. Only what follows `tag` on its line counts, "ACCEPT" or "REJECT" and a reason, and
// nothing after it; all such lines must agree. A reply without such a line, or with an unreadable one, is undetermined.
FilterVerdict ReadFilterVerdict(std::string_view reply, std::string_view tag);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_PROPOSAL_FILTER_H_
