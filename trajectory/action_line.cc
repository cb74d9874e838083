#include "trajectory/action_line.h"

#include <cmath>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/proto_time.h"
#include "common/strings.h"

namespace proctor::trajectory {
namespace {

std::string Quoted(const std::string& text) { return absl::StrCat("\"", text, "\""); }

std::string PointText(const v1::Point& point) { return absl::StrFormat("(%.0f, %.0f)", point.x(), point.y()); }

std::string TargetText(const v1::Target& target) {
  switch (target.kind_case()) {
    case v1::Target::kPoint:
      return PointText(target.point());
    case v1::Target::kFraction:
      return absl::StrFormat("(%.0f %%, %.0f %%)", 100 * target.fraction().x(), 100 * target.fraction().y());
    case v1::Target::kMark:
      return absl::StrCat("[", target.mark(), "]");
    case v1::Target::KIND_NOT_SET:
      break;
  }
  return "";
}

// The element's role and name where they are known: marks mean nothing to a reader.
std::string TargetOf(const v1::Element* element, const v1::Target& target) {
  if (element == nullptr) return TargetText(target);
  const std::string& name = !element->name().empty() ? element->name() : element->text();
  const std::string& role = !element->role().empty() ? element->role() : element->tag();
  return absl::StrCat("[", role, name.empty() ? "" : " ", name.empty() ? "" : Quoted(name), "]");
}

std::string With(std::string_view verb, const std::string& target) {
  return target.empty() ? std::string(verb) : absl::StrCat(ToAbsl(verb), " ", target);
}

std::string ButtonName(v1::MouseButton button) {
  return button == v1::MOUSE_BUTTON_RIGHT ? "right" : button == v1::MOUSE_BUTTON_MIDDLE ? "middle" : "left";
}

std::string ClickText(const v1::Click& click, const v1::Element* element) {
  std::string verb = click.count() == 3 ? "triple click" : click.count() == 2 ? "double click" : "click";
  if (click.button() == v1::MOUSE_BUTTON_RIGHT || click.button() == v1::MOUSE_BUTTON_MIDDLE) {
    verb = absl::StrCat(ButtonName(click.button()), " ", verb);
  }
  std::vector<std::string> held;
  for (const int modifier : click.modifiers()) {
    const char* const names[] = {"", "Alt", "Control", "Meta", "Shift"};
    if (modifier >= v1::KEY_MODIFIER_ALT && modifier <= v1::KEY_MODIFIER_SHIFT) held.push_back(names[modifier]);
  }
  return absl::StrCat(With(verb, TargetOf(element, click.target())), held.empty() ? "" : " holding ", absl::StrJoin(held, "+"));
}

std::string TypeText(const v1::Type& type, const v1::Element* element) {
  const std::string target = TargetOf(element, type.target());
  return absl::StrCat("type ", Quoted(type.text()), target.empty() ? "" : " into ", target, type.submit() ? " and submit" : "");
}

std::string PressText(const v1::PressKeys& press) {
  const absl::Duration hold = FromProto(press.hold());
  return absl::StrCat("press ", absl::StrJoin(press.chords(), " "),
                      hold > absl::ZeroDuration() ? absl::StrCat(" for ", absl::FormatDuration(hold)) : "");
}

std::string ScrollText(const v1::Scroll& scroll, const v1::Element* element) {
  const char* direction = scroll.delta_y() > 0   ? "scroll down"
                          : scroll.delta_y() < 0 ? "scroll up"
                          : scroll.delta_x() < 0 ? "scroll left"
                                                 : "scroll right";
  return With(direction, TargetOf(element, scroll.target()));
}

// "swipe up" where both ends are points of the same kind.
std::string SwipeVerb(const v1::Swipe& swipe) {
  if (swipe.from().kind_case() != swipe.to().kind_case() || swipe.from().kind_case() == v1::Target::kMark) return "swipe";
  const bool points = swipe.from().has_point();
  const v1::Point& from = points ? swipe.from().point() : swipe.from().fraction();
  const v1::Point& to = points ? swipe.to().point() : swipe.to().fraction();
  const double dx = to.x() - from.x();
  const double dy = to.y() - from.y();
  if (std::abs(dy) >= std::abs(dx)) return dy < 0 ? "swipe up" : "swipe down";
  return dx < 0 ? "swipe left" : "swipe right";
}

std::string MouseText(const char* verb, v1::MouseButton button, const v1::Target& target, const v1::Element* element) {
  const std::string at = TargetOf(element, target);
  return absl::StrCat(verb, " the ", ButtonName(button), " mouse button", at.empty() ? "" : " at ", at);
}

std::string DeviceButtonText(v1::DeviceButton button) {
  switch (button) {
    case v1::DEVICE_BUTTON_BACK:
      return "press the back button";
    case v1::DEVICE_BUTTON_HOME:
      return "press the home button";
    case v1::DEVICE_BUTTON_RECENTS:
      return "press the recent applications button";
    case v1::DEVICE_BUTTON_ENTER:
      return "press Enter";
    default:
      return "press a button of the device";
  }
}

std::string FocusText(const v1::Action& action) {
  if (action.has_focus_tab()) return absl::StrCat("switch to tab ", action.focus_tab().index());
  return action.close_tab().has_index() ? absl::StrCat("close tab ", action.close_tab().index()) : "close the tab";
}

// Actions upon an element or a point; `element` is what was acted on, null if it is not known.
std::string ElementActionText(const v1::Action& action, const v1::Element* element) {
  switch (action.kind_case()) {
    case v1::Action::kClick:
      return ClickText(action.click(), element);
    case v1::Action::kHover:
      return With("hover over", TargetOf(element, action.hover().target()));
    case v1::Action::kType:
      return TypeText(action.type(), element);
    case v1::Action::kPressKeys:
      return PressText(action.press_keys());
    case v1::Action::kSelectOption:
      return absl::StrCat("select ", Quoted(absl::StrJoin(action.select_option().options(), "\", \"")), " in ",
                          TargetOf(element, action.select_option().target()));
    case v1::Action::kCheck:
      return With(action.check().checked() ? "check" : "uncheck", TargetOf(element, action.check().target()));
    case v1::Action::kScroll:
      return ScrollText(action.scroll(), element);
    case v1::Action::kDrag:
      return absl::StrCat(With("drag", TargetOf(element, action.drag().from())), " to ", TargetText(action.drag().to()));
    case v1::Action::kUploadFile:
      return absl::StrCat("upload the file ", Quoted(action.upload_file().file_name()), " to ",
                          TargetOf(element, action.upload_file().target()));
    case v1::Action::kLongPress:
      return With("long press", TargetOf(element, action.long_press().target()));
    case v1::Action::kSwipe:
      return absl::StrCat(SwipeVerb(action.swipe()), " from ", TargetOf(element, action.swipe().from()), " to ",
                          TargetText(action.swipe().to()));
    case v1::Action::kMouseDown:
      return MouseText("press", action.mouse_down().button(), action.mouse_down().target(), element);
    case v1::Action::kMouseUp:
      return MouseText("release", action.mouse_up().button(), action.mouse_up().target(), element);
    default:
      return "";
  }
}

// Actions upon a desktop or a phone as a whole.
std::string DeviceActionText(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kKeyDown:
      return absl::StrCat("press and hold ", action.key_down().key());
    case v1::Action::kKeyUp:
      return absl::StrCat("release ", action.key_up().key());
    case v1::Action::kSetClipboard:
      return absl::StrCat("put ", Quoted(action.set_clipboard().text()), " on the clipboard");
    case v1::Action::kOpenApp:
      return absl::StrCat("open the application ", Quoted(action.open_app().name()));
    case v1::Action::kPressButton:
      return DeviceButtonText(action.press_button().button());
    default:
      return "";
  }
}

// Actions upon the browser, and the end.
std::string OtherActionText(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kGoto:
      return absl::StrCat("go to ", action.goto_().url());
    case v1::Action::kGoBack:
      return "go back";
    case v1::Action::kGoForward:
      return "go forward";
    case v1::Action::kReload:
      return "reload the page";
    case v1::Action::kNewTab:
      return With("open a tab", action.new_tab().url());
    case v1::Action::kFocusTab:
    case v1::Action::kCloseTab:
      return FocusText(action);
    case v1::Action::kWait:
      return absl::StrCat("wait ", absl::FormatDuration(FromProto(action.wait().duration())));
    case v1::Action::kAnswer:
      return absl::StrCat("answer ", Quoted(action.answer().text()));
    case v1::Action::kGiveUp:
      return action.give_up().reason().empty() ? "give up" : absl::StrCat("give up: ", action.give_up().reason());
    case v1::Action::kNoop:
      return "do nothing";
    default:
      return "";
  }
}

std::string ActionText(const v1::Action& action, const v1::Element* element);

std::string SequenceText(const v1::Sequence& sequence) {
  std::vector<std::string> parts;
  for (const v1::Action& action : sequence.actions()) parts.push_back(ActionText(action, nullptr));
  return absl::StrCat("do ", sequence.actions_size(), " actions: ", absl::StrJoin(parts, "; "));
}

std::string ActionText(const v1::Action& action, const v1::Element* element) {
  // Nested ones (only in records from elsewhere) end where messages may be nested no deeper.
  if (action.has_sequence()) return SequenceText(action.sequence());
  std::string text = ElementActionText(action, element);
  if (text.empty()) text = DeviceActionText(action);
  return text.empty() ? OtherActionText(action) : text;
}

}  // namespace

std::string ActionLine(const v1::Step& step) {
  std::string line;
  if (step.action().kind_case() == v1::Action::KIND_NOT_SET) {
    line = absl::StrCat("(not understood) ", Quoted(step.agent_text().text()));
  } else {
    line = ActionText(step.action(), step.has_target_element() ? &step.target_element() : nullptr);
  }
  if (!step.observation().action_error().empty()) {
    absl::StrAppend(&line, " (failed: ", step.observation().action_error(), ")");
  }
  return absl::StrReplaceAll(line, {{"\r\n", " "}, {"\n", " "}, {"\r", " "}});
}

}  // namespace proctor::trajectory
