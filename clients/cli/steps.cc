#include "clients/cli/steps.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/text.h"
#include "common/proto_json.h"
#include "common/proto_time.h"

namespace proctor::cli {
namespace {

std::string Quote(const std::string& text) { return absl::StrCat("\"", text, "\""); }

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
      return action.click().count() > 1 ? absl::StrCat("x", action.click().count()) : "";
    case v1::Action::kFocusTab:
      return absl::StrCat(action.focus_tab().index());
    case v1::Action::kPressKeys:
      return absl::StrCat(ProtoToJson(action.press_keys()));
    case v1::Action::kSelectOption:
      return absl::StrCat(ProtoToJson(action.select_option()));
    default:
      return "";
  }
}

std::string TargetText(const v1::Step& step) {
  if (step.has_target_element()) {
    const v1::Element& element = step.target_element();
    return absl::StrCat("[", element.mark(), "] ", element.role(),
                        element.name().empty() ? "" : " ",
                        element.name().empty() ? "" : Quote(element.name()));
  }
  if (step.has_target_point())
    return absl::StrFormat("%.0f,%.0f", step.target_point().x(), step.target_point().y());
  return "";
}

std::string StepAction(const v1::Step& step) {
  if (step.action().kind_case() != v1::Action::KIND_NOT_SET) return ActionText(step.action());
  return step.has_agent_text() ? absl::StrCat("(not understood) ", step.agent_text().text()) : "";
}

}  // namespace

std::string ActionText(const v1::Action& action) {
  if (action.kind_case() == v1::Action::KIND_NOT_SET) return "";
  const auto* field = v1::Action::descriptor()->FindFieldByNumber(action.kind_case());
  const std::string detail = DetailText(action);
  return absl::StrCat(field->name(), detail.empty() ? "" : " ", detail);
}

Table StepTable(const v1::Trajectory& trajectory) {
  using S = v1::Step;
  return MakeTable(
      std::vector<Column<S>>{
          {"#", [](const S& s) { return absl::StrCat(s.index()); }, Align::kRight},
          {"ACTION", StepAction},
          {"ON", TargetText},
          {"URL AFTERWARDS", [](const S& s) { return s.observation().url(); }},
          {"ERROR", [](const S& s) { return s.observation().action_error(); }},
          {"TIME",
           [](const S& s) {
             return DurationText(FromProto(s.end_time()) - FromProto(s.start_time()));
           },
           Align::kRight}},
      trajectory.steps());
}

}  // namespace proctor::cli
