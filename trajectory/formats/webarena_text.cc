#include "trajectory/formats/webarena_text.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "trajectory/formats/action_text.h"

namespace proctor::trajectory::formats {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// The text before " where [12] is ...".
std::string_view WithoutElement(std::string_view text) {
  static const RE2 pattern(R"((?s)(.*?) where \[\d+\] is .*)");
  re2::StringPiece action;
  if (!RE2::FullMatch(Piece(text), pattern, &action)) return text;
  return {action.data(), action.size()};
}

v1::Action WithMark(v1::Action action, const std::string& digits,
                    v1::Target* (*target)(v1::Action&)) {
  const std::optional<int32_t> mark = MarkFromDigits(digits);
  if (!mark.has_value()) return {};
  target(action)->set_mark(*mark);
  return action;
}

v1::Action MakeType(const std::string& mark, const std::string& text, bool submit) {
  v1::Action action;
  action.mutable_type()->set_text(text);
  action.mutable_type()->set_submit(submit);
  return WithMark(action, mark, [](v1::Action& a) { return a.mutable_type()->mutable_target(); });
}

std::optional<v1::Action> ReadOnElement(re2::StringPiece text) {
  static const RE2 pointer(R"((click|hover) ?\[(\d+)\])");
  static const RE2 type(R"((?s)type ?\[(\d+)\] ?\[(.*)\] ?\[([01])\])");
  static const RE2 type_and_enter(R"((?s)type ?\[(\d+)\] ?\[(.*)\])");
  std::string word, mark, argument;
  if (RE2::FullMatch(text, pointer, &word, &mark)) {
    return word == "click"
               ? WithMark({}, mark,
                          [](v1::Action& a) { return a.mutable_click()->mutable_target(); })
               : WithMark({}, mark,
                          [](v1::Action& a) { return a.mutable_hover()->mutable_target(); });
  }
  if (RE2::FullMatch(text, type, &mark, &argument, &word))
    return MakeType(mark, argument, word == "1");
  if (RE2::FullMatch(text, type_and_enter, &mark, &argument)) return MakeType(mark, argument, true);
  return std::nullopt;
}

v1::Action ReadOnPage(re2::StringPiece text, const v1::Observation& seen) {
  static const RE2 scroll(R"(scroll ?\[?(up|down)\]?)");
  static const RE2 with_argument(R"((?s)(press|goto|stop) ?\[(.*)\])");
  static const RE2 tab(R"(tab_focus ?\[(\d+)\])");
  v1::Action action;
  std::string word, argument;
  if (RE2::FullMatch(text, scroll, &word)) {
    action.mutable_scroll()->set_delta_y(word == "up" ? -SeenHeight(seen) : SeenHeight(seen));
  } else if (RE2::FullMatch(text, with_argument, &word, &argument)) {
    if (word == "press") action.mutable_press_keys()->add_chords(argument);
    if (word == "goto") action.mutable_goto_()->set_url(argument);
    if (word == "stop") action.mutable_answer()->set_text(argument);
  } else if (RE2::FullMatch(text, tab, &argument)) {
    const std::optional<int32_t> index = MarkFromDigits(argument);
    if (index.has_value()) action.mutable_focus_tab()->set_index(*index);
  } else if (text == "stop") {
    action.mutable_answer();
  } else if (text == "new_tab") {
    action.mutable_new_tab();
  } else if (text == "close_tab") {
    action.mutable_close_tab();
  } else if (text == "go_back") {
    action.mutable_go_back();
  } else if (text == "go_forward") {
    action.mutable_go_forward();
  } else if (text == "none") {
    action.mutable_noop();
  }
  return action;
}

std::string OnElement(const char* word, const v1::Target& target) {
  return absl::StrCat(word, " [", target.mark(), "]");
}

// In WebArena's words; may say less than the action does.
std::string InItsWords(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kClick:
      return OnElement("click", action.click().target());
    case v1::Action::kHover:
      return OnElement("hover", action.hover().target());
    case v1::Action::kType:
      return absl::StrCat(OnElement("type", action.type().target()), " [", action.type().text(),
                          "] [", action.type().submit() ? 1 : 0, "]");
    case v1::Action::kScroll:
      return action.scroll().delta_y() < 0 ? "scroll [up]" : "scroll [down]";
    case v1::Action::kPressKeys:
      return absl::StrCat("press [",
                          action.press_keys().chords().empty() ? "" : action.press_keys().chords(0),
                          "]");
    case v1::Action::kGoto:
      return absl::StrCat("goto [", action.goto_().url(), "]");
    case v1::Action::kAnswer:
      return absl::StrCat("stop [", action.answer().text(), "]");
    case v1::Action::kFocusTab:
      return absl::StrCat("tab_focus [", action.focus_tab().index(), "]");
    case v1::Action::kNewTab:
      return "new_tab";
    case v1::Action::kCloseTab:
      return "close_tab";
    case v1::Action::kGoBack:
      return "go_back";
    case v1::Action::kGoForward:
      return "go_forward";
    case v1::Action::kNoop:
      return "none";
    default:
      return "";
  }
}

std::string ElementText(const v1::Step& step) {
  const v1::Element& element = step.target_element();
  const std::string& name = element.name().empty() ? element.text() : element.name();
  if (name.empty()) return "";
  return absl::StrCat(" where [", element.mark(), "] is ",
                      element.role().empty() ? element.tag() : element.role(), " '", name, "'");
}

}  // namespace

v1::Action ReadWebArenaAction(std::string_view text, const v1::Observation& seen) {
  text = Trim(text);
  if (const auto action = ActionFromJson(text)) return *action;
  if (const auto action = ReadOnElement(Piece(Trim(WithoutElement(text))))) return *action;
  return ReadOnPage(Piece(text), seen);
}

std::string WriteWebArenaAction(const v1::Step& step, const v1::Observation& seen) {
  const auto reads_right = [&](const std::string& text) {
    return SameMessage(ReadWebArenaAction(text, seen), step.action());
  };
  const std::string& raw = step.agent_data().raw_output();
  if (reads_right(raw)) return raw;
  if (step.action().kind_case() == v1::Action::KIND_NOT_SET) return "";
  const std::string text = InItsWords(step.action());
  if (reads_right(text + ElementText(step))) return text + ElementText(step);
  return reads_right(text) ? text : ActionToJson(step.action());
}

}  // namespace proctor::trajectory::formats
