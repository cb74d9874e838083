#include "env/web/settle.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "env/web/settle_script.h"

namespace proctor::env::web {
namespace {

// The page answers this much after its own cap if it can answer at all.
constexpr absl::Duration kGrace = absl::Milliseconds(300);

std::string Name(PageActivity::Busy busy) {
  return busy == PageActivity::Busy::kNavigation ? "navigation" : "requests";
}

}  // namespace

Settler::Settler(Tab& tab, absl::Duration cap)
    : tab_(tab),
      start_(absl::Now()),
      cap_(cap),
      navigations_before_(tab.activity().navigations()),
      changes_before_(tab.activity().changes()) {
  tab_.activity().MarkActionStart();
  // The page notes the time itself: how long a command takes to reach it is not known.
  tab_.devtools().Send({tab_.session_id(), "Runtime.evaluate", {{"expression", MarkExpression()}}});
}

DevToolsCommand Settler::FrameCommand() const {
  return {tab_.session_id(),
          "Runtime.evaluate",
          {{"expression", SettleExpression(std::max(left(), absl::Milliseconds(1)))},
           {"awaitPromise", true},
           {"returnByValue", true}}};
}

SettleOutcome Settler::Wait(const CallContext& context, DevToolsReply frame) {
  SettleOutcome outcome;
  for (;;) {
    const absl::StatusOr<Json> drawn = frame.Await(context.Child(left() + kGrace));
    const bool unanswered = drawn.status().code() == absl::StatusCode::kDeadlineExceeded;
    const PageActivity::Busy busy = tab_.activity().AwaitIdle(context.Child(std::max(left(), absl::ZeroDuration())));
    outcome.navigated = tab_.activity().navigations() != navigations_before_;
    if (busy == PageActivity::Busy::kGone || tab_.devtools().closed() || !context.Check("settling").ok()) {
      outcome.waiting_for = busy == PageActivity::Busy::kGone ? "" : "frame";
      return outcome;
    }
    if (busy != PageActivity::Busy::kIdle) {
      outcome.waiting_for = Name(busy);
      if (unanswered) StopEndlessScript(context, outcome);
      return outcome;
    }
    if (unanswered) {
      outcome.waiting_for = "frame";
      StopEndlessScript(context, outcome);
      return outcome;
    }
    const int64_t changes = tab_.activity().changes();
    if (drawn.ok() && changes == changes_before_) {
      const Json value = drawn->contains("result") ? (*drawn)["result"].value("value", Json::object()) : Json::object();
      const bool timers = value.is_object() && JsonNumberOr(value, "timers") > 0;
      // A DOM that never rests is a page's own animation: reported, not waited for to the cap.
      if (!timers) {
        outcome.settled = !(value.is_object() && JsonBoolOr(value, "mutating"));
        if (!outcome.settled) outcome.waiting_for = "mutations";
        return outcome;
      }
    }
    if (left() <= absl::ZeroDuration()) {
      outcome.waiting_for = "mutations";
      return outcome;
    }
    changes_before_ = changes;
    frame = tab_.devtools().Send(FrameCommand());
  }
}

void Settler::StopEndlessScript(const CallContext& context, SettleOutcome& outcome) {
  const DevToolsReply alive =
      tab_.devtools().SendAll({{tab_.session_id(), "Runtime.terminateExecution", {}},
                               {tab_.session_id(), "Runtime.evaluate", {{"expression", "0"}}}})[1];
  outcome.script_stopped = alive.AwaitText(context.Child(absl::Seconds(1))).ok();
}

}  // namespace proctor::env::web
