#include "env/android/android_actions.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/android/apps.h"
#include "env/android/input.h"

namespace proctor::env::android {
namespace {

// A command that types or swipes may take a while; one that takes longer hangs.
constexpr absl::Duration kCommandCap = absl::Seconds(40);
// Of a step's time, what is kept for seeing what came of it.
constexpr absl::Duration kLookReserve = absl::Seconds(20);
// Between touching a field and typing: its cursor comes with the next frames.
constexpr absl::Duration kFocusCap = absl::Seconds(2);
constexpr absl::Duration kDefaultPress = absl::Seconds(1);
constexpr absl::Duration kDefaultSwipe = absl::Milliseconds(300);
// A finger this slow does not fling: what is scrolled stops where it is let go.
constexpr double kScrollPixelsPerSecond = 800;
constexpr absl::Duration kLeastScroll = absl::Milliseconds(500);
// Of the area that is scrolled, what the finger stays away from its edges: there begin Android's own gestures.
constexpr double kMargin = 0.1;
constexpr int kMaxStrokes = 20;
// Deleted when a field's length is not known.
constexpr size_t kUnknownLength = 200;

v1::Point MakePoint(double x, double y) {
  v1::Point point;
  point.set_x(x);
  point.set_y(y);
  return point;
}

bool Inside(const v1::Size& viewport, const v1::Point& point) {
  return point.x() >= 0 && point.y() >= 0 && point.x() < viewport.width() && point.y() < viewport.height();
}

// The part of a node's box that is on the screen.
bool Visible(const UiNode& node, const v1::Size& viewport, v1::Rect& out) {
  const int left = std::max(node.left, 0), top = std::max(node.top, 0);
  const int right = std::min(node.right, viewport.width()), bottom = std::min(node.bottom, viewport.height());
  if (right <= left || bottom <= top) return false;
  out.set_x(left);
  out.set_y(top);
  out.set_width(right - left);
  out.set_height(bottom - top);
  return true;
}

v1::Rect BoxOf(const UiNode& node) {
  v1::Rect box;
  box.set_x(node.left);
  box.set_y(node.top);
  box.set_width(node.right - node.left);
  box.set_height(node.bottom - node.top);
  return box;
}

}  // namespace

absl::StatusOr<ActionOutcome> ActionRunner::Run(const CallContext& context, const v1::Action& action) {
  ActionOutcome outcome;
  absl::Status status;
  switch (action.kind_case()) {
    case v1::Action::kClick:
      status = Click(context, action.click(), outcome);
      break;
    case v1::Action::kLongPress:
      status = LongPress(context, action.long_press(), outcome);
      break;
    case v1::Action::kSwipe:
      status = Swipe(context, action.swipe(), outcome);
      break;
    case v1::Action::kScroll:
      status = Scroll(context, action.scroll(), outcome);
      break;
    case v1::Action::kType:
      status = Type(context, action.type(), outcome);
      break;
    case v1::Action::kPressKeys:
      status = PressKeys(context, action.press_keys(), outcome);
      break;
    case v1::Action::kPressButton:
      status = PressButton(context, action.press_button().button(), outcome);
      break;
    case v1::Action::kOpenApp:
      status = OpenApp(context, kCommandCap, device_, action.open_app().name(), outcome.error);
      observer_.Touched();
      break;
    default:
      outcome.error = "Phones do not have this action.";
  }
  if (!status.ok()) return status;
  return outcome;
}

absl::StatusOr<bool> ActionRunner::ResolveMark(const CallContext& context, int32_t mark, v1::Point& point, ActionOutcome& outcome) {
  std::string reason;
  PROCTOR_ASSIGN_OR_RETURN(const UiView* view, observer_.View(context, reason));
  if (view == nullptr) {
    outcome.error = absl::StrCat("The elements cannot be listed now (", reason, "): use a point, or observe again.");
    return false;
  }
  const int found = view->Find(mark);
  if (found < 0) {
    outcome.error = absl::StrCat("There is no element with mark ", mark, " on the screen: choose one of the last list, or observe again.");
    return false;
  }
  const UiNode& node = view->tree.nodes[found];
  outcome.target_element = MakeElement(*view, found, observer_.viewport());
  outcome.target_box = BoxOf(node);
  if (!node.enabled) {
    outcome.error = absl::StrCat("Mark ", mark, " is disabled: choose another element.");
    return false;
  }
  v1::Rect seen;
  if (!Visible(node, observer_.viewport(), seen)) {
    outcome.error = absl::StrCat("Mark ", mark, " is outside the screen: scroll to it first.");
    return false;
  }
  point = MakePoint(std::floor(seen.x() + seen.width() / 2), std::floor(seen.y() + seen.height() / 2));
  return true;
}

absl::StatusOr<bool> ActionRunner::Resolve(const CallContext& context, const v1::Target& target, v1::Point& point,
                                           ActionOutcome& outcome) {
  if (!target.has_point()) return ResolveMark(context, target.mark(), point, outcome);
  point = target.point();
  if (!Inside(observer_.viewport(), point)) {
    outcome.error = absl::StrCat("The point is outside the screen, which is ", observer_.viewport().width(), " x ",
                                 observer_.viewport().height(), " pixels.");
    return false;
  }
  const UiView* view = observer_.ViewIfCurrent();
  const int element = view == nullptr ? -1 : view->ElementAt(point.x(), point.y());
  if (element >= 0) {
    outcome.target_element = MakeElement(*view, element, observer_.viewport());
    outcome.target_box = BoxOf(view->tree.nodes[element]);
  }
  return true;
}

absl::Status ActionRunner::Do(const CallContext& context, const std::vector<std::string>& lines, ActionOutcome& outcome) {
  observer_.Touched();
  for (const std::string& line : lines) {
    if (&line != &lines.front() && context.remaining() < kLookReserve) {
      outcome.error = "Only a part of it was done before the step's time was up: look what is there, and do less at a time.";
      return absl::OkStatus();
    }
    const absl::StatusOr<std::string> done = device_.Run(context.Child(kCommandCap), line);
    if (absl::IsFailedPrecondition(done.status())) {
      outcome.error = absl::StrCat("The device refused it: ", done.status().message());
      return absl::OkStatus();
    }
    if (absl::IsDeadlineExceeded(done.status())) return absl::UnavailableError("the device did not finish an input in 40 s");
    PROCTOR_RETURN_IF_ERROR(done.status());
  }
  return absl::OkStatus();
}

absl::Status ActionRunner::Click(const CallContext& context, const v1::Click& click, ActionOutcome& outcome) {
  if (click.button() > v1::MOUSE_BUTTON_LEFT || click.modifiers_size() > 0) {
    outcome.error = "A finger has no other buttons and no modifiers: click without them, or use long_press.";
    return absl::OkStatus();
  }
  v1::Point point;
  PROCTOR_ASSIGN_OR_RETURN(const bool found, Resolve(context, click.target(), point, outcome));
  if (!found) return absl::OkStatus();
  outcome.target_point = point;
  return Do(context, {TapCommand(point, click.count())}, outcome);
}

absl::Status ActionRunner::LongPress(const CallContext& context, const v1::LongPress& press, ActionOutcome& outcome) {
  v1::Point point;
  PROCTOR_ASSIGN_OR_RETURN(const bool found, Resolve(context, press.target(), point, outcome));
  if (!found) return absl::OkStatus();
  outcome.target_point = point;
  const absl::Duration given = FromProto(press.duration());
  return Do(context, {SwipeCommand(point, point, given > absl::ZeroDuration() ? given : kDefaultPress)}, outcome);
}

absl::Status ActionRunner::Swipe(const CallContext& context, const v1::Swipe& swipe, ActionOutcome& outcome) {
  v1::Point from, to;
  PROCTOR_ASSIGN_OR_RETURN(const bool begins, Resolve(context, swipe.from(), from, outcome));
  if (!begins) return absl::OkStatus();
  ActionOutcome end;
  PROCTOR_ASSIGN_OR_RETURN(const bool ends, Resolve(context, swipe.to(), to, end));
  if (!ends) {
    outcome.error = end.error;
    return absl::OkStatus();
  }
  outcome.target_point = from;
  outcome.release_point = to;
  const absl::Duration given = FromProto(swipe.duration());
  return Do(context, {SwipeCommand(from, to, given > absl::ZeroDuration() ? given : kDefaultSwipe)}, outcome);
}

absl::StatusOr<bool> ActionRunner::ScrollArea(const CallContext& context, const v1::Scroll& scroll, v1::Rect& area,
                                              ActionOutcome& outcome) {
  area.set_width(observer_.viewport().width());
  area.set_height(observer_.viewport().height());
  if (scroll.target().kind_case() == v1::Target::KIND_NOT_SET) return true;
  v1::Point point;
  PROCTOR_ASSIGN_OR_RETURN(const bool found, Resolve(context, scroll.target(), point, outcome));
  if (!found) return false;
  outcome.target_point = point;
  std::string reason;
  PROCTOR_ASSIGN_OR_RETURN(const UiView* view, observer_.View(context, reason));
  // Under a point: what scrolls there. Without a dump the finger moves up and down through the point.
  const int node = view == nullptr ? -1
                   : scroll.target().has_point() ? view->ScrollableAt(point.x(), point.y())
                                                 : view->Find(scroll.target().mark());
  if (node >= 0) Visible(view->tree.nodes[node], observer_.viewport(), area);
  return true;
}

absl::Status ActionRunner::Scroll(const CallContext& context, const v1::Scroll& scroll, ActionOutcome& outcome) {
  v1::Rect area;
  PROCTOR_ASSIGN_OR_RETURN(const bool found, ScrollArea(context, scroll, area, outcome));
  if (!found) return absl::OkStatus();
  const bool nothing = scroll.delta_x() == 0 && scroll.delta_y() == 0;
  double rest_x = scroll.delta_x();
  double rest_y = nothing ? observer_.viewport().height() * 2.0 / 3 : scroll.delta_y();
  if (!std::isfinite(rest_x) || !std::isfinite(rest_y)) {
    outcome.error = "The distance to scroll is no number: give it in pixels.";
    return absl::OkStatus();
  }
  const double reach_x = area.width() * (1 - 2 * kMargin), reach_y = area.height() * (1 - 2 * kMargin);
  std::vector<std::string> strokes;
  while ((std::abs(rest_x) >= 1 || std::abs(rest_y) >= 1) && strokes.size() < kMaxStrokes) {
    // Content moves against the scroll, with the finger.
    const double x = std::clamp(rest_x, -reach_x, reach_x), y = std::clamp(rest_y, -reach_y, reach_y);
    const double middle_x = area.x() + area.width() / 2, middle_y = area.y() + area.height() / 2;
    const v1::Point from = MakePoint(middle_x + x / 2, middle_y + y / 2), to = MakePoint(middle_x - x / 2, middle_y - y / 2);
    if (strokes.empty() && !outcome.target_point.has_value()) outcome.target_point = from;
    if (strokes.empty()) outcome.release_point = to;
    const absl::Duration slow = absl::Seconds(std::hypot(x, y) / kScrollPixelsPerSecond);
    strokes.push_back(SwipeCommand(from, to, std::max(slow, kLeastScroll)));
    rest_x -= x;
    rest_y -= y;
  }
  if (strokes.empty()) outcome.error = "The distance to scroll is less than a pixel.";
  return Do(context, strokes, outcome);
}

absl::StatusOr<size_t> ActionRunner::FocusedLength(const CallContext& context) {
  std::string reason;
  PROCTOR_ASSIGN_OR_RETURN(const UiView* view, observer_.View(context, reason));
  if (view == nullptr) return kUnknownLength;
  for (const UiNode& node : view->tree.nodes) {
    if (node.editable() && node.focused) return node.text.size();
  }
  return kUnknownLength;
}

absl::Status ActionRunner::Type(const CallContext& context, const v1::Type& type, ActionOutcome& outcome) {
  // Refused before anything is touched.
  absl::StatusOr<std::vector<std::string>> commands = text_.Commands(type.text());
  if (absl::IsInvalidArgument(commands.status())) {
    outcome.error = std::string(commands.status().message());
    return absl::OkStatus();
  }
  PROCTOR_RETURN_IF_ERROR(commands.status());
  if (type.target().kind_case() != v1::Target::KIND_NOT_SET) {
    v1::Point point;
    PROCTOR_ASSIGN_OR_RETURN(const bool found, Resolve(context, type.target(), point, outcome));
    if (!found) return absl::OkStatus();
    if (!type.target().has_point() && !outcome.target_element->editable()) {
      outcome.error = absl::StrCat("Mark ", type.target().mark(), " takes no text: choose an element that is editable.");
      return absl::OkStatus();
    }
    outcome.target_point = point;
    PROCTOR_RETURN_IF_ERROR(Do(context, {TapCommand(point, 1)}, outcome));
    if (!outcome.error.empty()) return absl::OkStatus();
    PROCTOR_RETURN_IF_ERROR(observer_.Settle(context, kFocusCap).status());
  }
  std::vector<std::string> all;
  if (type.clear()) {
    PROCTOR_ASSIGN_OR_RETURN(const size_t length, FocusedLength(context));
    all = text_.ClearCommands(length);
  }
  all.insert(all.end(), commands->begin(), commands->end());
  if (type.submit()) all.push_back(KeyCommand({kKeyEnter}));
  return Do(context, Join(all), outcome);
}

absl::Status ActionRunner::PressKeys(const CallContext& context, const v1::PressKeys& press, ActionOutcome& outcome) {
  if (FromProto(press.hold()) > absl::ZeroDuration()) {
    outcome.error = "Keys cannot be held down here: press them without hold.";
    return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<std::string>> commands =
      ChordCommands({press.chords().begin(), press.chords().end()}, device_.api_level());
  if (!commands.ok()) {
    outcome.error = std::string(commands.status().message());
    return absl::OkStatus();
  }
  std::vector<std::string> all;
  if (press.target().kind_case() != v1::Target::KIND_NOT_SET) {
    v1::Point point;
    PROCTOR_ASSIGN_OR_RETURN(const bool found, Resolve(context, press.target(), point, outcome));
    if (!found) return absl::OkStatus();
    outcome.target_point = point;
    all.push_back(TapCommand(point, 1));
  }
  all.insert(all.end(), commands->begin(), commands->end());
  return Do(context, Join(all), outcome);
}

absl::Status ActionRunner::PressButton(const CallContext& context, v1::DeviceButton button, ActionOutcome& outcome) {
  int code = 0;
  switch (button) {
    case v1::DEVICE_BUTTON_BACK:
      code = kKeyBack;
      break;
    case v1::DEVICE_BUTTON_HOME:
      code = kKeyHome;
      break;
    case v1::DEVICE_BUTTON_RECENTS:
      code = kKeyRecents;
      break;
    case v1::DEVICE_BUTTON_ENTER:
      code = kKeyEnter;
      break;
    default:
      outcome.error = "Name the button: back, home, recents or enter.";
      return absl::OkStatus();
  }
  return Do(context, {KeyCommand({code})}, outcome);
}

}  // namespace proctor::env::android
