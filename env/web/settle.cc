#include "env/web/settle.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "env/web/settle_script.h"

namespace proctor::env::web {
namespace {

// The page answers this much after its own cap if it can answer at all.
constexpr absl::Duration kGrace = absl::Milliseconds(300);
// What a page that is not drawn takes to answer a question, and some more (settle_script.cc, FRAME_MS twice).
constexpr absl::Duration kSlowestAnswer = absl::Milliseconds(600);
// Frames beyond these are not asked.
constexpr size_t kMaxFrames = 64;

std::string Name(PageActivity::Busy busy) {
  return busy == PageActivity::Busy::kNavigation ? "navigation" : "requests";
}

DevToolsCommand Evaluate(const FrameInfo& frame, std::string expression) {
  return {frame.session_id,
          "Runtime.evaluate",
          {{"expression", std::move(expression)},
           {"uniqueContextId", frame.main_context_id},
           {"awaitPromise", true},
           {"returnByValue", true}}};
}

}  // namespace

Settler::Settler(Tab& tab, absl::Duration cap, std::optional<DevToolsCommand> look)
    : tab_(tab),
      start_(absl::Now()),
      cap_(cap),
      look_(std::move(look)),
      navigations_before_(tab.activity().navigations()),
      changes_before_(tab.activity().changes()) {
  tab_.activity().MarkActionStart();
  // The page notes the time itself: how long a command takes to reach it is not known.
  std::vector<DevToolsCommand> marks = {
      {tab_.session_id(), "Runtime.evaluate", {{"expression", MarkExpression()}}}};
  for (const FrameInfo& frame : ChildFrames()) marks.push_back(Evaluate(frame, MarkExpression()));
  tab_.devtools().SendAll(std::move(marks));
}

std::vector<FrameInfo> Settler::ChildFrames() const {
  std::vector<FrameInfo> frames = tab_.frames().Frames();
  std::erase_if(frames, [](const FrameInfo& frame) {
    return frame.parent_frame_id.empty() || frame.main_context_id.empty();
  });
  if (frames.size() > kMaxFrames) frames.resize(kMaxFrames);
  return frames;
}

std::vector<DevToolsCommand> Settler::Questions() {
  const absl::Duration cap = std::max(left(), absl::Milliseconds(1));
  // The top document's world is whichever is there when the question arrives: the action may have
  // navigated.
  std::vector<DevToolsCommand> questions = {
      {tab_.session_id(),
       "Runtime.evaluate",
       {{"expression", SettleExpression(cap)}, {"awaitPromise", true}, {"returnByValue", true}}}};
  for (const FrameInfo& frame : ChildFrames())
    questions.push_back(Evaluate(frame, FrameSettleExpression(cap)));
  asked_.clear();
  for (const DevToolsCommand& question : questions) asked_.push_back(question.session_id);
  return questions;
}

std::vector<DevToolsReply> Settler::Ask() { return tab_.devtools().SendAll(Questions()); }

int64_t Settler::AskIfQuiet(const CallContext& context) const {
  const absl::StatusOr<Json> answer = tab_.devtools().Call(
      context.Child(std::max(left() + kGrace, absl::ZeroDuration())), tab_.session_id(), "Runtime.evaluate",
      {{"expression", QuietExpression(std::max(left(), absl::ZeroDuration()))}, {"returnByValue", true}});
  if (!answer.ok() || !answer->contains("result")) return -1;
  return JsonIntegerOr(JsonMember(*answer, "result"), "value", -1);
}

int64_t Settler::AwaitQuiet(const CallContext& context) {
  PageActivity& activity = tab_.activity();
  const int64_t navigations = activity.navigations();
  int64_t happened = AskIfQuiet(context);
  if (activity.busy() == PageActivity::Busy::kNavigation) {
    const std::optional<int64_t> arrival =
        activity.AwaitArrival(context.Child(std::max(left() - kSlowestAnswer, absl::ZeroDuration())));
    if (!arrival) return -1;
    happened = AskIfQuiet(context);
    if (happened < 0) return -1;
    const std::optional<int64_t> changes = activity.DocumentComplete(*arrival);
    if (!changes) return -1;
    changes_before_ = *changes;
  } else if (activity.navigations() != navigations) {
    // It was over before the answer came.
    changes_before_ = activity.changes();
    happened = AskIfQuiet(context);
  }
  return happened;
}

std::vector<DevToolsReply> Settler::AskAndLook(const CallContext& context) {
  early_.reset();
  const int64_t happened = AwaitQuiet(context);
  std::vector<DevToolsCommand> commands = Questions();
  const bool look = happened >= 0 && commands.size() == 1 &&
                    tab_.activity().busy() == PageActivity::Busy::kIdle;
  // The picture first: once a frame is being made for a question, it waits for the next one.
  if (look) commands.insert(commands.begin(), *look_);
  std::vector<DevToolsReply> replies = tab_.devtools().SendAll(std::move(commands));
  if (!look) return replies;
  early_ = Look{.reply = replies.front(), .happened = happened};
  replies.erase(replies.begin());
  return replies;
}

Settler::Rest Settler::AwaitAnswers(const CallContext& context,
                                    const std::vector<DevToolsReply>& answers) const {
  Rest rest;
  for (size_t i = 0; i < answers.size(); ++i) {
    const absl::StatusOr<Json> answer =
        answers[i].Await(context.Child(std::max(left() + kGrace, absl::ZeroDuration())));
    if (answer.status().code() == absl::StatusCode::kDeadlineExceeded)
      rest.silent.insert(asked_[i]);
    // A frame that went away or elsewhere is at rest; where it went is a change that is asked about
    // anew.
    if (!answer.ok()) continue;
    if (i == 0) rest.known = true;
    const Json& value = JsonMember(JsonMember(*answer, "result"), "value");
    if (!value.is_object()) continue;
    if (i == 0) rest.happened = JsonIntegerOr(value, "happened", -1);
    rest.timers = rest.timers || JsonNumberOr(value, "timers") > 0;
    rest.mutating = rest.mutating || JsonBoolOr(value, "mutating");
  }
  return rest;
}

SettleOutcome Settler::Wait(const CallContext& context, std::vector<DevToolsReply> answers) {
  SettleOutcome outcome;
  for (;;) {
    const Rest rest = AwaitAnswers(context, answers);
    const PageActivity::Busy busy = tab_.activity().AwaitIdle(context.Child(std::max(left(), absl::ZeroDuration())));
    outcome.navigated = tab_.activity().navigations() != navigations_before_;
    if (busy == PageActivity::Busy::kGone || tab_.devtools().closed() || !context.Check("settling").ok()) {
      outcome.waiting_for = busy == PageActivity::Busy::kGone ? "" : "frame";
      return outcome;
    }
    if (busy != PageActivity::Busy::kIdle) {
      outcome.waiting_for = Name(busy);
      StopEndlessScripts(context, rest.silent, outcome);
      return outcome;
    }
    if (!rest.silent.empty()) {
      outcome.waiting_for = "frame";
      StopEndlessScripts(context, rest.silent, outcome);
      return outcome;
    }
    const int64_t changes = tab_.activity().changes();
    // A DOM that never rests is a page's own animation: reported, not waited for to the cap.
    if (rest.known && changes == changes_before_ && !rest.timers) {
      outcome.settled = !rest.mutating;
      if (!outcome.settled) outcome.waiting_for = "mutations";
      if (outcome.settled && early_ && early_->happened == rest.happened) outcome.early = early_->reply;
      return outcome;
    }
    if (left() <= absl::ZeroDuration()) {
      outcome.waiting_for = "mutations";
      return outcome;
    }
    changes_before_ = changes;
    answers = may_look_ ? AskAndLook(context) : Ask();
  }
}

SettleOutcome Settler::WaitAndLook(const CallContext& context) {
  may_look_ = true;
  return Wait(context, AskAndLook(context));
}

void Settler::StopEndlessScripts(const CallContext& context, const std::set<std::string>& sessions,
                                 SettleOutcome& outcome) {
  const CallContext capped = context.Child(absl::Seconds(1));
  for (const std::string& session : sessions) {
    const DevToolsReply alive =
        tab_.devtools().SendAll({{session, "Runtime.terminateExecution", {}},
                                 {session, "Runtime.evaluate", {{"expression", "0"}}}})[1];
    if (alive.AwaitText(capped).ok()) outcome.script_stopped = true;
  }
}

}  // namespace proctor::env::web
