// Waits, by events, until a tab came to rest after something was done in it.
#ifndef PROCTOR_ENV_WEB_SETTLE_H_
#define PROCTOR_ENV_WEB_SETTLE_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "env/web/devtools.h"
#include "env/web/tab.h"

namespace proctor::env::web {

struct SettleOutcome {
  bool settled = false;
  // As in SettleReport: "navigation", "requests", "mutations", "frame".
  std::string waiting_for;
  bool navigated = false;
  // A script ran past the cap and was stopped.
  bool script_stopped = false;
};

// At rest: no navigation, no request that the action started, no short timer that it set, a DOM
// (frames and open shadow roots included) that did not change for a frame, and that frame drawn.
// Make it before the action. A page without frames is asked one question a turn; each frame adds a
// question to the same write.
class Settler {
 public:
  Settler(Tab& tab, absl::Duration cap);

  // The commands whose replies the wait begins with, the top document's first: send them in the
  // same write as the input.
  std::vector<DevToolsCommand> Questions();
  // Sends them by themselves.
  std::vector<DevToolsReply> Ask();

  // Waits. `answers` are the replies to the last Questions.
  SettleOutcome Wait(const CallContext& context, std::vector<DevToolsReply> answers);

 private:
  // What the documents said, taken together.
  struct Rest {
    // The top document answered.
    bool known = false;
    // Sessions that did not answer within the cap.
    std::set<std::string> silent;
    bool timers = false;
    bool mutating = false;
  };

  absl::Duration left() const { return start_ + cap_ - absl::Now(); }
  // Frames whose page has a world to ask in, without the top one.
  std::vector<FrameInfo> ChildFrames() const;
  Rest AwaitAnswers(const CallContext& context, const std::vector<DevToolsReply>& answers) const;
  void StopEndlessScripts(const CallContext& context, const std::set<std::string>& sessions,
                          SettleOutcome& outcome);

  Tab& tab_;
  const absl::Time start_;
  const absl::Duration cap_;
  const int64_t navigations_before_;
  int64_t changes_before_;
  // Session of each of the last questions.
  std::vector<std::string> asked_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_SETTLE_H_
