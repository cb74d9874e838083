#include "env/web/settle.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "env/web/settle_script.h"

namespace proctor::env::web {
namespace {

// The page answers this much after its own cap if it can answer at all.
constexpr absl::Duration kGrace = absl::Milliseconds(300);
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

DevToolsCommand Settler::QuietQuestion() const {
  return {tab_.session_id(),
          "Runtime.evaluate",
          {{"expression", QuietExpression(std::max(left(), absl::ZeroDuration()))}, {"returnByValue", true}}};
}

std::vector<DevToolsReply> Settler::AskAndLook(const CallContext& context, const DevToolsReply& quiet) {
  const absl::StatusOr<Json> answer =
      quiet.Await(context.Child(std::max(left() + kGrace, absl::ZeroDuration())));
  const double happened = answer.ok() && answer->contains("result")
                              ? JsonNumberOr((*answer)["result"], "value", -1)
                              : -1;
  std::vector<DevToolsCommand> commands = Questions();
  const bool look = happened >= 0 && commands.size() == 1 &&
                    tab_.activity().busy() == PageActivity::Busy::kIdle;
  if (look) commands.insert(commands.begin(), *look_);
  std::vector<DevToolsReply> replies = tab_.devtools().SendAll(std::move(commands));
  early_.reset();
  if (!look) return replies;
  early_ = Look{.reply = replies.front(), .happened = static_cast<int64_t>(happened)};
  replies.erase(replies.begin());
  return replies;
}

std::vector<DevToolsReply> Settler::AskAgain(const CallContext& context) {
  if (!may_look_) return Ask();
  return AskAndLook(context, tab_.devtools().Send(QuietQuestion()));
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
    const Json value = answer->contains("result")
                           ? (*answer)["result"].value("value", Json::object())
                           : Json::object();
    if (!value.is_object()) continue;
    if (i == 0) rest.happened = static_cast<int64_t>(JsonNumberOr(value, "happened", -1));
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
    answers = AskAgain(context);
  }
}

SettleOutcome Settler::WaitAndLook(const CallContext& context, const DevToolsReply& quiet) {
  may_look_ = true;
  return Wait(context, AskAndLook(context, quiet));
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
