#include "env/desktop/desktop_actions.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/desktop/guest/accessible_states.h"
#include "env/desktop/guest_replies.h"
#include "env/wheel.h"

namespace proctor::env::desktop {
namespace {

constexpr absl::Duration kGuestCap = absl::Seconds(3);
constexpr absl::Duration kLaunchCap = absl::Seconds(20);
constexpr int kMaxNotches = 200;
constexpr absl::Duration kPauseStill = absl::Milliseconds(50);
constexpr absl::Duration kDefaultWait = absl::Seconds(1);

absl::Status AgentError(const std::string& text) { return absl::InvalidArgumentError(text); }

// Faults are those of the world; everything else the agent can do something about.
bool IsAgentError(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

int ButtonBit(v1::MouseButton button) {
  switch (button) {
    case v1::MOUSE_BUTTON_MIDDLE: return kButtonMiddle;
    case v1::MOUSE_BUTTON_RIGHT: return kButtonRight;
    default: return kButtonLeft;
  }
}

std::vector<uint32_t> ModifierKeys(const v1::Click& click) {
  std::vector<uint32_t> keys;
  for (const int modifier : click.modifiers()) {
    switch (modifier) {
      case v1::KEY_MODIFIER_ALT: keys.push_back(kKeyAlt); break;
      case v1::KEY_MODIFIER_CONTROL: keys.push_back(kKeyControl); break;
      case v1::KEY_MODIFIER_META: keys.push_back(kKeyMeta); break;
      case v1::KEY_MODIFIER_SHIFT: keys.push_back(kKeyShift); break;
      default: break;
    }
  }
  return keys;
}

// "button \"Save\" [3]".
std::string Describe(const v1::Element& element) {
  return absl::StrCat(element.role(), element.name().empty() ? "" : absl::StrCat(" \"", element.name(), "\""), " [", element.mark(), "]");
}

v1::Point ToPoint(Pixel pixel) {
  v1::Point point;
  point.set_x(pixel.x);
  point.set_y(pixel.y);
  return point;
}

Pixel Middle(const v1::Rect& box) {
  return {static_cast<int>(std::floor(box.x() + box.width() / 2)), static_cast<int>(std::floor(box.y() + box.height() / 2))};
}

bool IsTypable(const v1::Element& element) {
  if (element.editable() || element.tag() == "terminal") return true;
  return element.role() == "combobox" || element.role() == "spinbutton";
}

}  // namespace

absl::StatusOr<std::string> LaunchApplication(const CallContext& context, GuestChannel& guest, const v1::DesktopApplication& application,
                                              const std::vector<std::string>& files) {
  const std::vector<std::string> command(application.command().begin(), application.command().end());
  PROCTOR_ASSIGN_OR_RETURN(const Json reply, guest.Call(context, kLaunchCap, {{"op", "launch"}, {"command", command}, {"files", files}}));
  if (!JsonBoolOr(reply, "window")) {
    return absl::FailedPreconditionError(absl::StrCat("it showed no window within ", absl::ToInt64Seconds(kLaunchCap), " s"));
  }
  return SanitizeUtf8(JsonStringOr(reply, "application"));
}

ActionRunner::ActionRunner(Display display, const ElementList& elements, Options options)
    : display_(display), elements_(elements), options_(std::move(options)), input_(display) {}

absl::StatusOr<ActionOutcome> ActionRunner::Run(const CallContext& context, const v1::Action& action) {
  ActionOutcome outcome;
  const absl::Status status = Dispatch(context, action, outcome);
  if (IsAgentError(status)) {
    outcome.error = SanitizeUtf8(ToStd(status.message()));
  } else if (absl::IsDeadlineExceeded(status) && context.Check("action").ok()) {
    outcome.error = "the application does not respond: wait, or go on elsewhere";
  } else if (!status.ok()) {
    return status;
  }
  return outcome;
}

absl::Status ActionRunner::Dispatch(const CallContext& context, const v1::Action& action, ActionOutcome& outcome) {
  switch (action.kind_case()) {
    case v1::Action::kClick: return Click(context, action.click(), outcome);
    case v1::Action::kHover: return MoveTo(context, action.hover().target(), outcome);
    case v1::Action::kType: return Type(context, action.type(), outcome);
    case v1::Action::kPressKeys: return PressKeys(context, action.press_keys(), outcome);
    case v1::Action::kScroll: return Scroll(context, action.scroll(), outcome);
    case v1::Action::kDrag: return Drag(context, action.drag(), outcome);
    case v1::Action::kMouseDown:
      PROCTOR_RETURN_IF_ERROR(MoveTo(context, action.mouse_down().target(), outcome));
      return input_.Press(context, ButtonBit(action.mouse_down().button()));
    case v1::Action::kMouseUp:
      PROCTOR_RETURN_IF_ERROR(MoveTo(context, action.mouse_up().target(), outcome));
      return input_.Release(context, ButtonBit(action.mouse_up().button()));
    case v1::Action::kKeyDown: {
      PROCTOR_ASSIGN_OR_RETURN(const uint32_t key, ParseKey(action.key_down().key()));
      return input_.KeyDown(context, key);
    }
    case v1::Action::kKeyUp: {
      PROCTOR_ASSIGN_OR_RETURN(const uint32_t key, ParseKey(action.key_up().key()));
      return input_.KeyUp(context, key);
    }
    case v1::Action::kSetClipboard: return SetClipboard(context, action.set_clipboard().text());
    case v1::Action::kOpenApp: return OpenApp(context, action.open_app().name());
    case v1::Action::kSequence: return RunSequence(context, action.sequence(), outcome);
    case v1::Action::kWait: {
      const absl::Duration wait = FromProto(action.wait().duration());
      return Sleep(context, wait > absl::ZeroDuration() ? wait : kDefaultWait);
    }
    case v1::Action::kNoop: return absl::OkStatus();
    default: return AgentError("this environment does not know that action");
  }
}

absl::StatusOr<Pixel> ActionRunner::AimAtPoint(const v1::Point& point) const {
  const int width = display_.screen.width(), height = display_.screen.height();
  if (!(point.x() >= 0 && point.y() >= 0 && point.x() <= width && point.y() <= height)) {
    return AgentError(absl::StrCat("the point (", point.x(), ", ", point.y(), ") is outside the screen of ", width, " x ", height, " pixels"));
  }
  return Pixel{std::min(static_cast<int>(point.x()), width - 1), std::min(static_cast<int>(point.y()), height - 1)};
}

absl::StatusOr<Pixel> ActionRunner::AimAtMark(const CallContext& context, int mark, ActionOutcome& outcome) {
  if (display_.guest == nullptr) return AgentError("this display has no elements: give a point");
  const ListedElement* listed = elements_.Find(mark);
  if (listed == nullptr) {
    return AgentError(elements_.Knows(mark) ? absl::StrCat("element [", mark, "] is not shown any more: observe the elements again")
                                            : absl::StrCat("there is no element with mark ", mark, ": observe the elements and choose one of them"));
  }
  const std::string name = Describe(listed->element);
  outcome.target_element = listed->element;
  const absl::StatusOr<Json> reply = display_.guest->Call(context, kGuestCap, {{"op", "locate"},
                                                                               {"bus", listed->bus},
                                                                               {"path", listed->path},
                                                                               {"scrolled_in", listed->scrolled_in},
                                                                               {"window", listed->window},
                                                                               {"in_menu", listed->in_menu}});
  if (absl::IsNotFound(reply.status())) return AgentError(absl::StrCat(name, " is gone: observe the elements again"));
  PROCTOR_RETURN_IF_ERROR(reply.status());
  absl::StatusOr<LocatedNode> located = ReadLocation(*reply);
  if (!located.ok()) return absl::UnavailableError(located.status().message());
  if (!located->box) return AgentError(absl::StrCat(name, " has no place on the screen any more: observe the elements again"));
  outcome.target_box = *located->box;
  *outcome.target_element->mutable_box() = *located->box;
  if (!Has(located->states, AccessibleState::kSensitive)) return AgentError(absl::StrCat(name, " is disabled: do something else first"));
  if (!located->seen) return AgentError(absl::StrCat(name, " lies outside what is shown: scroll it into view or move its window first"));
  const Pixel at = Middle(*located->seen);
  if (at.x < 0 || at.y < 0 || at.x >= display_.screen.width() || at.y >= display_.screen.height()) {
    return AgentError(absl::StrCat(name, " lies outside the screen: scroll it into view or move its window first"));
  }
  if (!located->covered_by.empty()) {
    return AgentError(absl::StrCat(name, " is covered by ", located->covered_by, ": bring its own window to the front first"));
  }
  return at;
}

absl::StatusOr<Pixel> ActionRunner::Aim(const CallContext& context, const v1::Target& target, ActionOutcome& outcome) {
  absl::StatusOr<Pixel> pixel = AgentError("the target needs a mark or a point");
  if (target.has_mark()) pixel = AimAtMark(context, target.mark(), outcome);
  if (target.has_point()) pixel = AimAtPoint(target.point());
  if (pixel.ok()) outcome.target_point = ToPoint(*pixel);
  return pixel;
}

absl::Status ActionRunner::MoveTo(const CallContext& context, const v1::Target& target, ActionOutcome& outcome) {
  if (target.kind_case() == v1::Target::KIND_NOT_SET) return absl::OkStatus();
  PROCTOR_ASSIGN_OR_RETURN(const Pixel at, Aim(context, target, outcome));
  return input_.Move(context, at);
}

absl::Status ActionRunner::Focus(const CallContext& context, const v1::Target& target, ActionOutcome& outcome) {
  if (target.kind_case() == v1::Target::KIND_NOT_SET) return absl::OkStatus();
  PROCTOR_ASSIGN_OR_RETURN(const Pixel at, Aim(context, target, outcome));
  PROCTOR_RETURN_IF_ERROR(input_.Click(context, at, kButtonLeft, 1));
  return Rest(context);
}

absl::Status ActionRunner::Rest(const CallContext& context) {
  if (display_.guest != nullptr) {
    absl::Status taken = display_.guest->Call(context, options_.pause_cap, {{"op", "await_input"}}).status();
    // One that is slow to answer gets its input all the same.
    if (!taken.ok() && !absl::IsDeadlineExceeded(taken)) return taken;
  }
  return display_.screen.AwaitStill(context, absl::Now(), kPauseStill, options_.pause_cap).status();
}

absl::Status ActionRunner::Click(const CallContext& context, const v1::Click& click, ActionOutcome& outcome) {
  PROCTOR_ASSIGN_OR_RETURN(const Pixel at, Aim(context, click.target(), outcome));
  const Input::Held before = input_.held();
  absl::Status clicked = input_.HoldKeys(context, ModifierKeys(click), true);
  if (clicked.ok()) clicked = input_.Click(context, at, ButtonBit(click.button()), std::max(1, click.count()));
  clicked.Update(input_.ReleaseAllBut(context, before));
  return clicked;
}

absl::Status ActionRunner::Type(const CallContext& context, const v1::Type& type, ActionOutcome& outcome) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<uint32_t> keysyms, KeysymsOf(type.text()));
  if (type.target().has_mark()) {
    const ListedElement* listed = elements_.Find(type.target().mark());
    if (listed != nullptr && !IsTypable(listed->element)) {
      outcome.target_element = listed->element;
      return AgentError(absl::StrCat(Describe(listed->element), " takes no text: choose an editable element"));
    }
  }
  PROCTOR_RETURN_IF_ERROR(Focus(context, type.target(), outcome));
  if (type.clear()) {
    PROCTOR_RETURN_IF_ERROR(input_.PressChord(context, {{kKeyControl, 'a'}}, absl::ZeroDuration()));
    PROCTOR_RETURN_IF_ERROR(Rest(context));
    PROCTOR_RETURN_IF_ERROR(input_.PressChord(context, {{kKeyDelete}}, absl::ZeroDuration()));
    PROCTOR_RETURN_IF_ERROR(Rest(context));
  }
  PROCTOR_RETURN_IF_ERROR(input_.TypeText(context, keysyms));
  return type.submit() ? input_.TypeText(context, {kKeyReturn}) : absl::OkStatus();
}

absl::Status ActionRunner::PressKeys(const CallContext& context, const v1::PressKeys& press, ActionOutcome& outcome) {
  // All are understood before one is pressed.
  std::vector<KeyChord> chords;
  for (const std::string& text : press.chords()) {
    PROCTOR_ASSIGN_OR_RETURN(KeyChord chord, ParseChord(text));
    chords.push_back(std::move(chord));
  }
  PROCTOR_RETURN_IF_ERROR(Focus(context, press.target(), outcome));
  for (const KeyChord& chord : chords) {
    PROCTOR_RETURN_IF_ERROR(input_.PressChord(context, chord, FromProto(press.hold())));
  }
  return absl::OkStatus();
}

absl::Status ActionRunner::Scroll(const CallContext& context, const v1::Scroll& scroll, ActionOutcome& outcome) {
  if (scroll.target().kind_case() != v1::Target::KIND_NOT_SET) {
    PROCTOR_RETURN_IF_ERROR(MoveTo(context, scroll.target(), outcome));
  } else if (display_.guest != nullptr) {
    // The window that is worked in.
    PROCTOR_ASSIGN_OR_RETURN(const Json reply, display_.guest->Call(context, kGuestCap, {{"op", "windows"}}));
    const absl::StatusOr<std::vector<v1::Window>> windows = ReadWindows(reply);
    if (!windows.ok()) return absl::UnavailableError(windows.status().message());
    for (const v1::Window& window : *windows) {
      if (!window.focused()) continue;
      const Pixel middle = Middle(window.box());
      PROCTOR_RETURN_IF_ERROR(input_.Move(context, {std::clamp(middle.x, 0, display_.screen.width() - 1),
                                                    std::clamp(middle.y, 0, display_.screen.height() - 1)}));
    }
  }
  double down = scroll.delta_y();
  if (scroll.delta_x() == 0 && down == 0) down = display_.screen.height() * 2.0 / 3;
  const auto notches = [](double distance) {
    return distance == 0 ? 0 : static_cast<int>(std::clamp(std::round(std::abs(distance) / kWheelNotchPx), 1.0, 1.0 * kMaxNotches));
  };
  PROCTOR_RETURN_IF_ERROR(input_.Wheel(context, down < 0 ? kWheelUp : kWheelDown, notches(down)));
  return input_.Wheel(context, scroll.delta_x() < 0 ? kWheelLeft : kWheelRight, notches(scroll.delta_x()));
}

absl::Status ActionRunner::Drag(const CallContext& context, const v1::Drag& drag, ActionOutcome& outcome) {
  ActionOutcome destination;
  PROCTOR_ASSIGN_OR_RETURN(const Pixel to, Aim(context, drag.to(), destination));
  PROCTOR_ASSIGN_OR_RETURN(const Pixel from, Aim(context, drag.from(), outcome));
  std::vector<Pixel> path = {from};
  for (const v1::Point& point : drag.via()) {
    PROCTOR_ASSIGN_OR_RETURN(const Pixel on_the_way, AimAtPoint(point));
    path.push_back(on_the_way);
  }
  path.push_back(to);
  outcome.release_point = ToPoint(to);
  return input_.Drag(context, path, ButtonBit(drag.button()));
}

absl::Status ActionRunner::SetClipboard(const CallContext& context, const std::string& text) {
  if (display_.guest == nullptr) return AgentError("the clipboard of this display cannot be set from here: type the text instead");
  return display_.guest->Call(context, kGuestCap, {{"op", "set_clipboard"}, {"text", text}}).status();
}

absl::Status ActionRunner::OpenApp(const CallContext& context, const std::string& name) {
  if (display_.guest == nullptr) return AgentError("no application of this display can be started from here: use its own menus");
  const auto application = options_.applications.find(name);
  if (application == options_.applications.end()) {
    std::vector<std::string> names;
    for (const auto& [known, command] : options_.applications) names.push_back(known);
    return AgentError(absl::StrCat("there is no application \"", ToAbsl(TruncateUtf8(name, 60)), "\": choose one of ", absl::StrJoin(names, ", ")));
  }
  if (const auto known = classes_.find(name); known != classes_.end()) {
    PROCTOR_ASSIGN_OR_RETURN(const Json reply,
                             display_.guest->Call(context, kGuestCap, {{"op", "activate"}, {"application", known->second}}));
    if (JsonBoolOr(reply, "found")) return absl::OkStatus();
  }
  const absl::StatusOr<std::string> started = LaunchApplication(context, *display_.guest, application->second, {});
  if (started.ok()) {
    classes_[name] = *started;
    return absl::OkStatus();
  }
  return IsAgentError(started.status()) ? AgentError(absl::StrCat(name, " could not be opened: ", started.status().message()))
                                        : started.status();
}

absl::Status ActionRunner::RunSequence(const CallContext& context, const v1::Sequence& sequence, ActionOutcome& outcome) {
  const Input::Held before = input_.held();
  absl::Status status = RunOneByOne(context, sequence, outcome);
  // The release that was to come does not.
  if (!status.ok()) status.Update(input_.ReleaseAllBut(context, before));
  return status;
}

absl::Status ActionRunner::RunOneByOne(const CallContext& context, const v1::Sequence& sequence, ActionOutcome& outcome) {
  for (int i = 0; i < sequence.actions_size(); ++i) {
    const v1::Action& action = sequence.actions(i);
    // What stands in the record is the last one's.
    const absl::Status status = Dispatch(context, action, outcome);
    if (IsAgentError(status)) {
      return AgentError(absl::StrCat("action ", i + 1, " of ", sequence.actions_size(), ": ", status.message(), "; those before it were done"));
    }
    PROCTOR_RETURN_IF_ERROR(status);
    if (i + 1 == sequence.actions_size() || action.has_wait() || action.has_noop()) continue;
    PROCTOR_RETURN_IF_ERROR(Rest(context));
  }
  return absl::OkStatus();
}

}  // namespace proctor::env::desktop
