#include "trajectory/action_line.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/proto_time.h"

namespace proctor::trajectory {
namespace {

std::string Quoted(const std::string& text) { return absl::StrCat("\"", text, "\""); }

std::string TargetText(const v1::Target& target) {
  if (target.has_point()) return absl::StrFormat("(%.0f, %.0f)", target.point().x(), target.point().y());
  if (target.kind_case() == v1::Target::kMark) return absl::StrCat("[", target.mark(), "]");
  return "";
}

// The element's role and name where they are known: marks mean nothing to a reader.
std::string TargetOf(const v1::Step& step, const v1::Target& target) {
  if (!step.has_target_element()) return TargetText(target);
  const v1::Element& element = step.target_element();
  const std::string& name = !element.name().empty() ? element.name() : element.text();
  const std::string& role = !element.role().empty() ? element.role() : element.tag();
  return absl::StrCat("[", role, name.empty() ? "" : " ", name.empty() ? "" : Quoted(name), "]");
}

std::string With(const char* verb, const std::string& target) {
  return target.empty() ? verb : absl::StrCat(verb, " ", target);
}

std::string ClickText(const v1::Step& step) {
  const v1::Click& click = step.action().click();
  const char* verb = click.button() == v1::MOUSE_BUTTON_RIGHT ? "right click"
                     : click.count() == 2                     ? "double click"
                                                              : "click";
  return With(verb, TargetOf(step, click.target()));
}

std::string TypeText(const v1::Step& step) {
  const v1::Type& type = step.action().type();
  const std::string target = TargetOf(step, type.target());
  return absl::StrCat("type ", Quoted(type.text()), target.empty() ? "" : " into ", target,
                      type.submit() ? " and submit" : "");
}

std::string ScrollText(const v1::Step& step) {
  const v1::Scroll& scroll = step.action().scroll();
  const char* direction = scroll.delta_y() > 0   ? "scroll down"
                          : scroll.delta_y() < 0 ? "scroll up"
                          : scroll.delta_x() < 0 ? "scroll left"
                                                 : "scroll right";
  return With(direction, TargetOf(step, scroll.target()));
}

std::string FocusText(const v1::Action& action) {
  if (action.has_focus_tab()) return absl::StrCat("switch to tab ", action.focus_tab().index());
  return action.close_tab().has_index() ? absl::StrCat("close tab ", action.close_tab().index()) : "close the tab";
}

// Actions upon an element.
std::string ElementActionText(const v1::Step& step) {
  const v1::Action& action = step.action();
  switch (action.kind_case()) {
    case v1::Action::kClick:
      return ClickText(step);
    case v1::Action::kHover:
      return With("hover over", TargetOf(step, action.hover().target()));
    case v1::Action::kType:
      return TypeText(step);
    case v1::Action::kPressKeys:
      return absl::StrCat("press ", absl::StrJoin(action.press_keys().chords(), " "));
    case v1::Action::kSelectOption:
      return absl::StrCat("select ", Quoted(absl::StrJoin(action.select_option().options(), "\", \"")), " in ",
                          TargetOf(step, action.select_option().target()));
    case v1::Action::kCheck:
      return With(action.check().checked() ? "check" : "uncheck", TargetOf(step, action.check().target()));
    case v1::Action::kScroll:
      return ScrollText(step);
    case v1::Action::kDrag:
      return absl::StrCat(With("drag", TargetOf(step, action.drag().from())), " to ", TargetText(action.drag().to()));
    case v1::Action::kUploadFile:
      return absl::StrCat("upload the file ", Quoted(action.upload_file().file_name()), " to ",
                          TargetOf(step, action.upload_file().target()));
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

}  // namespace

std::string ActionLine(const v1::Step& step) {
  std::string line;
  if (step.action().kind_case() == v1::Action::KIND_NOT_SET) {
    line = absl::StrCat("(not understood) ", Quoted(step.agent_text().text()));
  } else {
    line = ElementActionText(step);
    if (line.empty()) line = OtherActionText(step.action());
  }
  if (!step.observation().action_error().empty()) {
    absl::StrAppend(&line, " (failed: ", step.observation().action_error(), ")");
  }
  return absl::StrReplaceAll(line, {{"\r\n", " "}, {"\n", " "}, {"\r", " "}});
}

}  // namespace proctor::trajectory
