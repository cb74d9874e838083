#include "clients/cli/steps.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "clients/cli/command.h"
#include "clients/cli/text.h"
#include "common/proto_time.h"

namespace proctor::cli {
namespace {

std::string Quote(const std::string& text) { return absl::StrCat("\"", text, "\""); }

std::string PointText(const v1::Point& point) { return absl::StrFormat("%.0f,%.0f", point.x(), point.y()); }

// "10,20", "[3]" or "50%,30%".
std::string TargetText(const v1::Target& target) {
  switch (target.kind_case()) {
    case v1::Target::kPoint:
      return PointText(target.point());
    case v1::Target::kFraction:
      return absl::StrFormat("%.0f%%,%.0f%%", 100 * target.fraction().x(), 100 * target.fraction().y());
    case v1::Target::kMark:
      return absl::StrCat("[", target.mark(), "]");
    default:
      return "";
  }
}

std::string LineText(const v1::Target& from, const v1::Target& to) {
  return absl::StrCat(TargetText(from), " -> ", TargetText(to));
}

// " right" unless it is the left button.
std::string ButtonText(v1::MouseButton button) {
  return button <= v1::MOUSE_BUTTON_LEFT ? "" : EnumLabel(v1::MouseButton_descriptor(), button);
}

std::string ClickText(const v1::Click& click) {
  std::vector<std::string> parts;
  for (const int modifier : click.modifiers()) parts.push_back(EnumLabel(v1::KeyModifier_descriptor(), modifier));
  if (!ButtonText(click.button()).empty()) parts.push_back(ButtonText(click.button()));
  if (click.count() > 1) parts.push_back(absl::StrCat("x", click.count()));
  return absl::StrJoin(parts, " ");
}

std::string PressText(const v1::PressKeys& press) {
  return absl::StrCat(absl::StrJoin(press.chords(), " "), press.has_hold() ? " for " : "",
                      press.has_hold() ? DurationText(press.hold()) : "");
}

// Of actions that desktops and phones have.
std::string DeviceDetailText(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kMouseDown:
      return ButtonText(action.mouse_down().button());
    case v1::Action::kMouseUp:
      return ButtonText(action.mouse_up().button());
    case v1::Action::kKeyDown:
      return action.key_down().key();
    case v1::Action::kKeyUp:
      return action.key_up().key();
    case v1::Action::kSetClipboard:
      return Quote(action.set_clipboard().text());
    case v1::Action::kOpenApp:
      return Quote(action.open_app().name());
    case v1::Action::kDrag:
      return LineText(action.drag().from(), action.drag().to());
    case v1::Action::kSwipe:
      return LineText(action.swipe().from(), action.swipe().to());
    case v1::Action::kPressButton:
      return EnumLabel(v1::DeviceButton_descriptor(), action.press_button().button());
    default:
      return "";
  }
}

// The action's own fields but its target, which has a column of its own.
std::string DetailText(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kType:
      return absl::StrCat(Quote(action.type().text()), action.type().submit() ? " and submit" : "");
    case v1::Action::kAnswer:
      return Quote(action.answer().text());
    case v1::Action::kGiveUp:
      return Quote(action.give_up().reason());
    case v1::Action::kGoto:
      return action.goto_().url();
    case v1::Action::kNewTab:
      return action.new_tab().url();
    case v1::Action::kScroll:
      return absl::StrFormat("%g,%g", action.scroll().delta_x(), action.scroll().delta_y());
    case v1::Action::kWait:
      return DurationText(action.wait().duration());
    case v1::Action::kCheck:
      return action.check().checked() ? "on" : "off";
    case v1::Action::kUploadFile:
      return action.upload_file().file_name();
    case v1::Action::kClick:
      return ClickText(action.click());
    case v1::Action::kFocusTab:
      return absl::StrCat(action.focus_tab().index());
    case v1::Action::kPressKeys:
      return PressText(action.press_keys());
    case v1::Action::kSelectOption:
      return absl::StrCat(Quote(absl::StrJoin(action.select_option().options(), "\", \"")));
    default:
      return DeviceDetailText(action);
  }
}

// Where an action inside a sequence goes: it has no column of its own. Lines say it themselves.
std::string OwnTargetText(const v1::Action& action) {
  const google::protobuf::Reflection& reflection = *action.GetReflection();
  const auto* kind = reflection.GetOneofFieldDescriptor(action, action.GetDescriptor()->FindOneofByName("kind"));
  if (kind == nullptr) return "";
  const google::protobuf::Message& content = reflection.GetMessage(action, kind);
  const auto* field = kind->message_type()->FindFieldByName("target");
  if (field == nullptr || field->message_type() != v1::Target::descriptor()) return "";
  return TargetText(static_cast<const v1::Target&>(content.GetReflection()->GetMessage(content, field)));
}

std::string SequenceText(const v1::Sequence& sequence) {
  std::vector<std::string> parts;
  for (const v1::Action& action : sequence.actions()) {
    const std::string target = OwnTargetText(action);
    parts.push_back(absl::StrCat(ActionText(action), target.empty() ? "" : " ", target));
  }
  return absl::StrCat("of ", sequence.actions_size(), ": ", absl::StrJoin(parts, "; "));
}

std::string StepTarget(const v1::Step& step) {
  if (step.has_target_element()) {
    const v1::Element& element = step.target_element();
    return absl::StrCat("[", element.mark(), "] ", element.role(),
                        element.name().empty() ? "" : " ",
                        element.name().empty() ? "" : Quote(element.name()));
  }
  if (step.has_target_point())
    return PointText(step.target_point());
  // What could not be done has no place but the one it names.
  return OwnTargetText(step.action());
}

std::string StepAction(const v1::Step& step) {
  if (step.action().kind_case() != v1::Action::KIND_NOT_SET) return ActionText(step.action());
  return step.has_agent_text() ? absl::StrCat("(not understood) ", step.agent_text().text()) : "";
}

}  // namespace

std::string ActionText(const v1::Action& action) {
  if (action.kind_case() == v1::Action::KIND_NOT_SET) return "";
  const auto* field = v1::Action::descriptor()->FindFieldByNumber(action.kind_case());
  const std::string detail = action.has_sequence() ? SequenceText(action.sequence()) : DetailText(action);
  return absl::StrCat(field->name(), detail.empty() ? "" : " ", detail);
}

std::string PlaceText(const v1::Observation& observation) {
  return observation.url().empty() ? observation.title() : observation.url();
}

Table StepTable(const v1::Trajectory& trajectory) {
  using S = v1::Step;
  return MakeTable(
      std::vector<Column<S>>{
          {"#", [](const S& s) { return absl::StrCat(s.index()); }, Align::kRight},
          {"ACTION", StepAction},
          {"ON", StepTarget},
          {"AFTERWARDS AT", [](const S& s) { return PlaceText(s.observation()); }},
          {"ERROR", [](const S& s) { return s.observation().action_error(); }},
          {"TIME",
           [](const S& s) {
             return DurationText(FromProto(s.end_time()) - FromProto(s.start_time()));
           },
           Align::kRight}},
      trajectory.steps());
}

}  // namespace proctor::cli
