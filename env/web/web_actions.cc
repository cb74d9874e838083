#include "env/web/web_actions.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/web/input.h"
#include "env/web/keys.h"

namespace proctor::env::web {

namespace {

constexpr int kMaxChords = 64;
constexpr size_t kMaxTextCharacters = 16'384;
// Beyond what a page does to answer a script: finding and focusing an element.
constexpr absl::Duration kPrepareCap = absl::Seconds(5);

absl::Status AgentError(std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); }

bool IsAgentError(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument || status.code() == absl::StatusCode::kNotFound ||
         status.code() == absl::StatusCode::kFailedPrecondition;
}

size_t Utf8Length(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool IsPickedByValue(const std::string& input_type) {
  for (const char* type : {"date", "time", "month", "week", "datetime-local", "color", "range"}) {
    if (input_type == type) return true;
  }
  return false;
}

bool HasState(const v1::Element& element, v1::ElementState state) {
  return std::find(element.states().begin(), element.states().end(), state) != element.states().end();
}

// What the browser says against the input itself. A page that closed or navigated away under it has had it.
absl::Status InputStatus(const CallContext& context, const std::vector<DevToolsReply>& replies) {
  for (const DevToolsReply& reply : replies) {
    if (!reply.ready()) continue;
    absl::Status status = reply.AwaitText(context).status();
    if (status.code() == absl::StatusCode::kInvalidArgument) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ActionOutcome> ActionRunner::Run(const CallContext& context, const v1::Action& action,
                                                std::optional<DevToolsCommand> look) {
  ActionOutcome outcome;
  std::shared_ptr<Tab> tab = browser_.active();
  if (tab == nullptr) return absl::UnavailableError("no tab is open");
  const absl::Time start = absl::Now();
  const absl::Duration cap = FromProto(options_.settings.settle_cap());
  Work work{context, outcome, tab, Settler(*tab, cap, std::move(look)), start, false};
  const absl::Status status = Dispatch(work, action);
  if (IsAgentError(status)) {
    outcome.error = SanitizeUtf8(ToStd(status.message()));
  } else if (status.code() == absl::StatusCode::kDeadlineExceeded && context.Check("action").ok()) {
    outcome.error = "the page does not respond: reload it, go elsewhere, or wait";
  } else if (!status.ok()) {
    // The tab went away under the action (it closed itself, or crashed): what is left is observed.
    PROCTOR_RETURN_IF_ERROR(context.Check("action"));
    if (browser_.devtools().closed()) return status;
    if (!tab->crashed() && browser_.active() == tab) return status;
  }
  if (!work.settled) PROCTOR_RETURN_IF_ERROR(Settle(work));
  outcome.act_time = work.acted - start;
  outcome.settle_time = absl::Now() - work.acted;
  return outcome;
}

absl::Status ActionRunner::Dispatch(Work& work, const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kClick: return Click(work, action.click());
    case v1::Action::kHover: return Hover(work, action.hover());
    case v1::Action::kType: return Type(work, action.type());
    case v1::Action::kPressKeys: return PressKeys(work, action.press_keys());
    case v1::Action::kSelectOption: return SelectOption(work, action.select_option());
    case v1::Action::kCheck: return Check(work, action.check());
    case v1::Action::kScroll: return Scroll(work, action.scroll());
    case v1::Action::kDrag: return Drag(work, action.drag());
    case v1::Action::kUploadFile: return Upload(work, action.upload_file());
    case v1::Action::kGoto: return Goto(work, action.goto_().url());
    case v1::Action::kGoBack: return History(work, -1);
    case v1::Action::kGoForward: return History(work, 1);
    case v1::Action::kReload: return Reload(work);
    case v1::Action::kNewTab: return NewTab(work, action.new_tab());
    case v1::Action::kFocusTab: return FocusTab(work, action.focus_tab());
    case v1::Action::kCloseTab: return CloseTab(work, action.close_tab());
    case v1::Action::kNoop: return absl::OkStatus();
    default: return AgentError("this environment does not know that action");
  }
}

absl::Status ActionRunner::SendAndSettle(Work& work, std::vector<DevToolsCommand> commands) {
  const size_t inputs = commands.size();
  for (DevToolsCommand& question : work.settler.Questions())
    commands.push_back(std::move(question));
  std::vector<DevToolsReply> replies = work.tab->devtools().SendAll(std::move(commands));
  work.acted = absl::Now();
  const auto first_answer = replies.begin() + static_cast<ptrdiff_t>(inputs);
  work.outcome.settle = work.settler.Wait(work.context, {first_answer, replies.end()});
  replies.erase(first_answer, replies.end());
  work.settled = true;
  return InputStatus(work.context, replies);
}

absl::Status ActionRunner::SendSettleAndLook(Work& work, std::vector<DevToolsCommand> commands) {
  if (!work.settler.looks()) return SendAndSettle(work, std::move(commands));
  const std::vector<DevToolsReply> replies = work.tab->devtools().SendAll(std::move(commands));
  work.acted = absl::Now();
  // Replies say that the page has had the input; what is asked together with it may overtake it. One that never comes is found out by
  // settling.
  const CallContext capped = work.context.Child(FromProto(options_.settings.settle_cap()));
  for (const DevToolsReply& reply : replies) (void)reply.AwaitText(capped);
  work.outcome.settle = work.settler.WaitAndLook(work.context);
  work.settled = true;
  return InputStatus(work.context, replies);
}

absl::Status ActionRunner::Settle(Work& work) {
  if (work.acted == absl::Time()) work.acted = absl::Now();
  work.outcome.settle = work.settler.Wait(work.context, work.settler.Ask());
  work.settled = true;
  return work.context.Check("settling");
}

absl::Status ActionRunner::AimAtPoint(Work& work, const v1::Point& wanted, v1::Point& point) {
  const v1::Size& viewport = options_.settings.viewport();
  if (!(wanted.x() >= 0 && wanted.y() >= 0 && wanted.x() < viewport.width() && wanted.y() < viewport.height())) {
    return AgentError(absl::StrCat("the point is outside the viewport of ", viewport.width(), " x ", viewport.height(),
                                   ": choose a point inside it, or scroll first"));
  }
  point = wanted;
  work.outcome.target_point = wanted;
  // For the record only.
  const absl::StatusOr<v1::Element> hit =
      registry_.DescribeAt(work.context.Child(kPrepareCap), work.tab->frames(), wanted);
  if (hit.ok()) {
    work.outcome.target_element = *hit;
    work.outcome.target_box = hit->box();
  }
  return absl::OkStatus();
}

absl::Status ActionRunner::Aim(Work& work, const v1::Target& target, const LocateOptions& options, v1::Point& point) {
  if (target.kind_case() == v1::Target::kPoint) return AimAtPoint(work, target.point(), point);
  if (target.kind_case() != v1::Target::kMark) return AgentError("the action names no target: give a mark or a point");
  PROCTOR_ASSIGN_OR_RETURN(
      const LocatedElement located,
      registry_.Locate(work.context.Child(kPrepareCap), work.tab->frames(), target.mark(), options));
  point = located.point;
  work.outcome.target_point = located.point;
  work.outcome.target_box = located.element.box();
  work.outcome.target_element = located.element;
  return absl::OkStatus();
}

absl::Status ActionRunner::Click(Work& work, const v1::Click& click) {
  if (click.count() < 0 || click.count() > 3) return AgentError("count must be 1 to 3");
  v1::Point point;
  PROCTOR_RETURN_IF_ERROR(Aim(work, click.target(), {}, point));
  if (work.outcome.target_element && work.outcome.target_element->tag() == "select" &&
      click.button() != v1::MOUSE_BUTTON_RIGHT && !HasState(*work.outcome.target_element, v1::ELEMENT_STATE_MULTIPLE)) {
    // Its list is drawn by the operating system: not in the page, not in the picture.
    return AgentError("this is a list to choose from: use select_option with one of its options");
  }
  return SendSettleAndLook(work, ClickCommands(work.tab->session_id(), point, click.button(), click.count(),
                                               ModifierBits(click.modifiers())));
}

absl::Status ActionRunner::Hover(Work& work, const v1::Hover& hover) {
  v1::Point point;
  LocateOptions options;
  options.refuse_disabled = false;
  PROCTOR_RETURN_IF_ERROR(Aim(work, hover.target(), options, point));
  return SendAndSettle(work, MoveCommands(work.tab->session_id(), point));
}

absl::Status ActionRunner::Type(Work& work, const v1::Type& type) {
  if (Utf8Length(type.text()) > kMaxTextCharacters) return AgentError("the text is longer than 16384 characters");
  const std::string& session = work.tab->session_id();
  std::vector<DevToolsCommand> commands;
  const auto append = [&commands](std::vector<DevToolsCommand> more) {
    for (DevToolsCommand& command : more) commands.push_back(std::move(command));
  };
  bool select_all_by_key = type.clear();
  bool picked_by_value = false;
  if (type.target().kind_case() == v1::Target::kMark) {
    v1::Point point;
    // Focus is moved by script: a label or a placeholder over the field does no harm.
    LocateOptions options;
    options.refuse_covered = false;
    PROCTOR_RETURN_IF_ERROR(Aim(work, type.target(), options, point));
    const CallContext capped = work.context.Child(kPrepareCap);
    if (work.outcome.target_element && IsPickedByValue(work.outcome.target_element->input_type())) {
      PROCTOR_RETURN_IF_ERROR(registry_.SetInputValue(capped, work.tab->frames(), type.target().mark(), type.text()));
      picked_by_value = true;
    } else {
      PROCTOR_RETURN_IF_ERROR(registry_.SelectText(capped, work.tab->frames(), type.target().mark(),
                                                   type.clear() ? ElementRegistry::TextSelection::kAll
                                                                : ElementRegistry::TextSelection::kCaretAtEnd));
    }
    select_all_by_key = false;
  } else if (type.target().kind_case() == v1::Target::kPoint) {
    v1::Point point;
    PROCTOR_RETURN_IF_ERROR(Aim(work, type.target(), {}, point));
    append(ClickCommands(session, point, v1::MOUSE_BUTTON_LEFT, 1, 0));
  }
  if (select_all_by_key) append(*ChordCommands(session, "Control+A"));
  if (type.clear() && type.text().empty() && !picked_by_value) append(*ChordCommands(session, "Delete"));
  if (!picked_by_value) append(TextCommands(session, type.text()));
  if (type.submit()) append(*ChordCommands(session, "Enter"));
  return SendSettleAndLook(work, std::move(commands));
}

absl::Status ActionRunner::PressKeys(Work& work, const v1::PressKeys& press) {
  if (press.chords_size() > kMaxChords) return AgentError("more than 64 key chords");
  if (FromProto(press.hold()) > absl::ZeroDuration()) return AgentError("keys cannot be held down here: press them without hold");
  std::vector<DevToolsCommand> commands;
  for (const std::string& chord : press.chords()) {
    PROCTOR_ASSIGN_OR_RETURN(std::vector<DevToolsCommand> keys, ChordCommands(work.tab->session_id(), chord));
    for (DevToolsCommand& key : keys) commands.push_back(std::move(key));
  }
  if (press.target().kind_case() == v1::Target::kMark) {
    PROCTOR_RETURN_IF_ERROR(
        registry_.Focus(work.context.Child(kPrepareCap), work.tab->frames(), press.target().mark()));
  } else if (press.target().kind_case() == v1::Target::kPoint) {
    v1::Point point;
    PROCTOR_RETURN_IF_ERROR(Aim(work, press.target(), {}, point));
    std::vector<DevToolsCommand> click = ClickCommands(work.tab->session_id(), point, v1::MOUSE_BUTTON_LEFT, 1, 0);
    commands.insert(commands.begin(), std::make_move_iterator(click.begin()), std::make_move_iterator(click.end()));
  }
  return SendAndSettle(work, std::move(commands));
}

absl::Status ActionRunner::SelectOption(Work& work, const v1::SelectOption& select) {
  int mark = select.target().mark();
  v1::Point point;
  LocateOptions options;
  options.refuse_covered = false;
  PROCTOR_RETURN_IF_ERROR(Aim(work, select.target(), options, point));
  if (select.target().kind_case() == v1::Target::kPoint && work.outcome.target_element) {
    mark = work.outcome.target_element->mark();
  }
  if (mark == 0) return AgentError("there is no select element at that point: name it by its mark");
  const std::vector<std::string> wanted(select.options().begin(), select.options().end());
  PROCTOR_RETURN_IF_ERROR(
      registry_.SelectOptions(work.context.Child(kPrepareCap), work.tab->frames(), mark, wanted));
  return SendSettleAndLook(work, {});
}

absl::Status ActionRunner::Check(Work& work, const v1::Check& check) {
  v1::Point point;
  PROCTOR_RETURN_IF_ERROR(Aim(work, check.target(), {}, point));
  const auto is_checked = [](const v1::Element& element) {
    return HasState(element, v1::ELEMENT_STATE_CHECKED) || HasState(element, v1::ELEMENT_STATE_PRESSED);
  };
  if (!work.outcome.target_element) return AgentError("nothing can be checked there");
  const std::string& role = work.outcome.target_element->role();
  if (role != "checkbox" && role != "radio" && role != "switch" && role != "menuitemcheckbox" && role != "menuitemradio") {
    return AgentError("this is no check box, radio button or switch: click it instead");
  }
  if (is_checked(*work.outcome.target_element) == check.checked()) return absl::OkStatus();
  if (role == "radio" && !check.checked()) {
    return AgentError("a radio button cannot be unchecked: check another one of its group");
  }
  PROCTOR_RETURN_IF_ERROR(
      SendSettleAndLook(work, ClickCommands(work.tab->session_id(), point, v1::MOUSE_BUTTON_LEFT, 1, 0)));
  const int mark = work.outcome.target_element->mark();
  if (mark == 0 || work.outcome.settle.navigated) return absl::OkStatus();
  const absl::StatusOr<v1::Element> now =
      registry_.Describe(work.context.Child(kPrepareCap), work.tab->frames(), mark);
  if (now.ok() && is_checked(*now) != check.checked()) {
    return AgentError("it was clicked, but its checked state did not change");
  }
  return absl::OkStatus();
}

absl::Status ActionRunner::Scroll(Work& work, const v1::Scroll& scroll) {
  double delta_x = scroll.delta_x();
  double delta_y = scroll.delta_y();
  if (!std::isfinite(delta_x) || !std::isfinite(delta_y)) return AgentError("the distance is not a number");
  const v1::Size& viewport = options_.settings.viewport();
  if (delta_x == 0 && delta_y == 0) delta_y = std::round(viewport.height() * 2.0 / 3.0);
  if (scroll.target().kind_case() == v1::Target::kMark) {
    PROCTOR_ASSIGN_OR_RETURN(const bool moved,
                             registry_.ScrollBy(work.context.Child(kPrepareCap), work.tab->frames(),
                                                scroll.target().mark(), delta_x, delta_y));
    if (!moved) return AgentError("nothing moved: the end is reached, or the element does not scroll");
    return SendAndSettle(work, {});
  }
  v1::Point point;
  if (scroll.target().kind_case() == v1::Target::kPoint) {
    PROCTOR_RETURN_IF_ERROR(Aim(work, scroll.target(), {}, point));
    return SendAndSettle(work, WheelCommands(work.tab->session_id(), point, delta_x, delta_y));
  }
  // The page itself: by script, at once; a wheel would turn whatever lies in the middle.
  return SendAndSettle(work, {{work.tab->session_id(), "Runtime.evaluate",
                               {{"expression", absl::StrCat("(document.scrollingElement||document.documentElement)"
                                                            ".scrollBy({left:", delta_x, ",top:", delta_y,
                                                            ",behavior:'instant'})")},
                                {"userGesture", true}}}});
}

absl::Status ActionRunner::Drag(Work& work, const v1::Drag& drag) {
  v1::Point from, to;
  LocateOptions anywhere;
  anywhere.refuse_disabled = false;
  PROCTOR_RETURN_IF_ERROR(Aim(work, drag.to(), anywhere, to));
  PROCTOR_RETURN_IF_ERROR(Aim(work, drag.from(), {}, from));
  // Bringing the source into view may have moved the destination.
  if (drag.to().kind_case() == v1::Target::kMark) {
    anywhere.scroll_into_view = false;
    PROCTOR_ASSIGN_OR_RETURN(const LocatedElement destination,
                             registry_.Locate(work.context.Child(kPrepareCap), work.tab->frames(), drag.to().mark(), anywhere));
    to = destination.point;
  }
  PROCTOR_RETURN_IF_ERROR(DragBetween(work.context.Child(kPrepareCap), *work.tab, from, to));
  return SendAndSettle(work, {});
}

absl::Status ActionRunner::Goto(Work& work, const std::string& url) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string resolved, ResolveUrl(url, options_.base_urls));
  work.acted = absl::Now();
  PROCTOR_ASSIGN_OR_RETURN(const LoadOutcome load,
                           LoadPage(work.context, *work.tab, resolved, FromProto(options_.settings.settle_cap())));
  work.outcome.settle = load.settle;
  work.settled = true;
  if (!load.error.empty() && load.error != "net::ERR_ABORTED") {
    return AgentError(absl::StrCat("the page could not be loaded: ", WhatFailed(load.error)));
  }
  return absl::OkStatus();
}

absl::Status ActionRunner::History(Work& work, int step) {
  const std::string& session = work.tab->session_id();
  const CallContext capped = work.context.Child(kPrepareCap);
  PROCTOR_ASSIGN_OR_RETURN(const Json history,
                           work.tab->devtools().Call(capped, session, "Page.getNavigationHistory"));
  const Json& entries = JsonMember(history, "entries");
  if (!entries.is_array()) return absl::InternalError("malformed history of the browser");
  int64_t at = JsonIntegerOr(history, "currentIndex") + step;
  // The blank page that a tab began with is not history that an agent knows of.
  const bool initial = at == 0 && !entries.empty() && JsonStringOr(entries.front(), "url") == "about:blank";
  if (at < 0 || at >= static_cast<int64_t>(entries.size()) || initial) {
    return AgentError(step < 0 ? "there is no page to go back to" : "there is no page to go forward to");
  }
  work.tab->activity().NavigationBegins();
  const absl::Status sent = work.tab->devtools().Call(capped, session, "Page.navigateToHistoryEntry",
                                                      {{"entryId", JsonIntegerOr(entries[static_cast<size_t>(at)], "id")}}).status();
  if (!sent.ok()) work.tab->activity().NavigationEnded();
  PROCTOR_RETURN_IF_ERROR(sent);
  return SendAndSettle(work, {});
}

absl::Status ActionRunner::Reload(Work& work) {
  work.tab->activity().NavigationBegins();
  const absl::Status sent = work.tab->devtools().Call(work.context.Child(kPrepareCap), work.tab->session_id(), "Page.reload").status();
  if (!sent.ok()) work.tab->activity().NavigationEnded();
  PROCTOR_RETURN_IF_ERROR(sent);
  return SendAndSettle(work, {});
}

absl::Status ActionRunner::NewTab(Work& work, const v1::NewTab& request) {
  std::string url = "about:blank";
  if (!request.url().empty()) {
    PROCTOR_ASSIGN_OR_RETURN(url, ResolveUrl(request.url(), options_.base_urls));
  }
  if (browser_.tabs().size() >= BrowserContext::kMaxTabs) {
    return AgentError(absl::StrCat("as many tabs are open as there may be (",
                                   BrowserContext::kMaxTabs, "): close a tab first"));
  }
  PROCTOR_ASSIGN_OR_RETURN(work.tab, browser_.OpenTab(work.context, BrowserContext::TabUse::kAgent));
  if (url == "about:blank") {
    work.settled = work.outcome.settle.settled = true;
    return absl::OkStatus();
  }
  return Goto(work, url);
}

absl::Status ActionRunner::FocusTab(Work& work, const v1::FocusTab& focus) {
  const std::vector<std::shared_ptr<Tab>> tabs = browser_.tabs();
  if (focus.index() < 0 || focus.index() >= static_cast<int>(tabs.size())) {
    return AgentError(absl::StrCat("there is no tab ", focus.index(), ": there are ", tabs.size(), ", counted from 0"));
  }
  browser_.SetActive(tabs[static_cast<size_t>(focus.index())]);
  work.settled = work.outcome.settle.settled = true;
  return absl::OkStatus();
}

absl::Status ActionRunner::CloseTab(Work& work, const v1::CloseTab& close) {
  const std::vector<std::shared_ptr<Tab>> tabs = browser_.tabs();
  std::shared_ptr<Tab> closing = work.tab;  // Which may have closed itself meanwhile.
  if (close.has_index()) {
    if (close.index() < 0 || close.index() >= static_cast<int>(tabs.size())) {
      return AgentError(absl::StrCat("there is no tab ", close.index(), ": there are ", tabs.size(), ", counted from 0"));
    }
    closing = tabs[static_cast<size_t>(close.index())];
  }
  if (tabs.size() <= 1) {
    PROCTOR_RETURN_IF_ERROR(browser_.OpenTab(work.context, BrowserContext::TabUse::kAgent).status());
  }
  PROCTOR_RETURN_IF_ERROR(browser_.CloseTab(work.context.Child(kPrepareCap), closing));
  work.settled = work.outcome.settle.settled = true;
  return absl::OkStatus();
}

}  // namespace proctor::env::web
