// Waits, by events, until a tab came to rest after something was done in it.
#ifndef PROCTOR_ENV_WEB_SETTLE_H_
#define PROCTOR_ENV_WEB_SETTLE_H_

#include <optional>
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
  // The reply to an early look that shows the page at rest.
  std::optional<DevToolsReply> early;
};

// At rest: no navigation, no request that the action started, no short timer that it set, a DOM
// (frames and open shadow roots included) that did not change for a frame, and that frame drawn.
// Make it before the action. A page without frames is asked one question a turn; each frame adds a
// question to the same write.
//
// An early look: most actions change the page at once and nothing happens afterwards, but to know
// that takes two frames. A page that says, once it has had the input, that it has nothing left to do is
// looked at meanwhile; if nothing happened until it came to rest, the look shows what a later one
// would. Pages with frames are not looked at early.
class Settler {
 public:
  // `look`: the command of an early look (a screenshot), if one is wanted.
  Settler(Tab& tab, absl::Duration cap, std::optional<DevToolsCommand> look = std::nullopt);

  // The commands whose replies the wait begins with, the top document's first: send them in the
  // same write as the input.
  std::vector<DevToolsCommand> Questions();
  // Sends them by themselves.
  std::vector<DevToolsReply> Ask();

  // Waits. `answers` are the replies to the last Questions.
  SettleOutcome Wait(const CallContext& context, std::vector<DevToolsReply> answers);

  bool looks() const { return look_.has_value(); }
  // Waits, with an early look. Only once the page has had all input, and only for input that it
  // answers to in the same task: not for scrolling, which goes on by itself.
  SettleOutcome WaitAndLook(const CallContext& context);

 private:
  // What the documents said, taken together.
  struct Rest {
    // The top document answered.
    bool known = false;
    // Sessions that did not answer within the cap.
    std::set<std::string> silent;
    bool timers = false;
    bool mutating = false;
    // -1: not known.
    int64_t happened = -1;
  };
  // A look that was sent, and how much had happened before.
  struct Look {
    DevToolsReply reply;
    int64_t happened;
  };

  absl::Duration left() const { return start_ + cap_ - absl::Now(); }
  // Frames whose page has a world to ask in, without the top one.
  std::vector<FrameInfo> ChildFrames() const;
  // How much happened in the page; -1: there is more to come, or not known.
  int64_t AskIfQuiet(const CallContext& context) const;
  // The same; during a navigation of the new document, as soon as it has come. What happened before counts no more then.
  int64_t AwaitQuiet(const CallContext& context);
  // Asks; looks as well if the page is quiet.
  std::vector<DevToolsReply> AskAndLook(const CallContext& context);
  Rest AwaitAnswers(const CallContext& context, const std::vector<DevToolsReply>& answers) const;
  void StopEndlessScripts(const CallContext& context, const std::set<std::string>& sessions,
                          SettleOutcome& outcome);

  Tab& tab_;
  const absl::Time start_;
  const absl::Duration cap_;
  const std::optional<DevToolsCommand> look_;
  const int64_t navigations_before_;
  int64_t changes_before_;
  // Session of each of the last questions.
  std::vector<std::string> asked_;
  bool may_look_ = false;
  std::optional<Look> early_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_SETTLE_H_
