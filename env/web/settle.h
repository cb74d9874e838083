// Waits, by events, until a tab came to rest after something was done in it.
#ifndef PROCTOR_ENV_WEB_SETTLE_H_
#define PROCTOR_ENV_WEB_SETTLE_H_

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

// At rest: no navigation, no request that the action started, no short timer that it set, a DOM that did not change for a
// frame, and that frame drawn. Make it before the action.
class Settler {
 public:
  Settler(Tab& tab, absl::Duration cap);

  // The command whose reply the wait begins with: send it in the same write as the input.
  DevToolsCommand FrameCommand() const;

  // Waits. `frame` is the reply to FrameCommand (or a failed one, if it was not sent).
  SettleOutcome Wait(const CallContext& context, DevToolsReply frame);

 private:
  absl::Duration left() const { return start_ + cap_ - absl::Now(); }
  void StopEndlessScript(const CallContext& context, SettleOutcome& outcome);

  Tab& tab_;
  const absl::Time start_;
  const absl::Duration cap_;
  const int64_t navigations_before_;
  int64_t changes_before_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_SETTLE_H_
