// WebArena's id-based actions.
//
//   text   = thought "```" action "```" | action
//   action = click [n] | hover [n] | type [n] [text] ([0] or [1])? | press [keys] | scroll [up or
//   down]
//          | goto [url] | new_tab | go_back | go_forward | tab_focus [i] | close_tab | stop
//          [answer]
//
// The first fenced text counts; without a fence the whole text must be the action. Semantics as in
// the original: type keeps what the field holds and presses Enter unless [0] follows, scroll moves
// one window height, tabs count from 0, `stop [N/A]` is the answer "N/A". "Control" and "Meta" in
// keys both mean Control. What follows the closing bracket is ignored; text, url and answer reach
// to the last bracket.
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/strings.h"
#include "env/dialects/parsers.h"
#include "re2/re2.h"

namespace proctor::env::dialects {
namespace {

constexpr std::string_view kFence = "```";
constexpr std::string_view kGrammar =
    "Write one action between ``` and ```: click [n], hover [n], type [n] [text] [1 to press "
    "Enter, "
    "else 0], press [keys], scroll [up or down], goto [url], new_tab, go_back, go_forward, "
    "tab_focus [index], close_tab, stop [answer].";

struct Parts {
  std::string_view thought;
  std::string_view action;
};

Parts Split(std::string_view text) {
  const size_t open = text.find(kFence);
  if (open == text.npos) return {"", Trim(text)};
  const size_t begin = open + kFence.size();
  const size_t close = text.find(kFence, begin);
  const std::string_view thought = Trim(text.substr(0, open));
  // A fence that is never closed: the model was cut off or forgot it; the rest of its line counts.
  const std::string_view inside = close == text.npos
                                      ? text.substr(begin).substr(0, text.substr(begin).find('\n'))
                                      : text.substr(begin, close - begin);
  return {thought, Trim(inside)};
}

bool Matches(std::string_view text, const RE2& pattern, std::string* first = nullptr,
             std::string* second = nullptr, std::string* third = nullptr) {
  const re2::StringPiece piece(text.data(), text.size());
  if (third != nullptr) return RE2::PartialMatch(piece, pattern, first, second, third);
  if (second != nullptr) return RE2::PartialMatch(piece, pattern, first, second);
  if (first != nullptr) return RE2::PartialMatch(piece, pattern, first);
  return RE2::PartialMatch(piece, pattern);
}

// Sets the mark or the error.
void SetMark(const std::string& digits, v1::Target* target, ParsedAgentText& parsed) {
  const std::optional<int32_t> mark = ParseMark(digits);
  if (mark.has_value()) {
    target->set_mark(*mark);
  } else {
    parsed.error =
        absl::StrCat("There is no mark ", Excerpt(digits), "; marks are numbers from 1.");
  }
}

// "ctrl+a" and "Meta+a" as "Control+a".
std::string Chord(const std::string& keys) {
  std::vector<std::string> parts = absl::StrSplit(keys, '+');
  for (std::string& part : parts) {
    const std::string lower = absl::AsciiStrToLower(part);
    if (lower == "ctrl" || lower == "meta" || lower == "cmd") part = "Control";
  }
  return absl::StrJoin(parts, "+");
}

bool ParsePointer(std::string_view name, std::string_view text, ParsedAgentText& parsed) {
  static const RE2 click(R"(\Aclick ?\[(\d+)\])");
  static const RE2 hover(R"(\Ahover ?\[(\d+)\])");
  std::string mark;
  if (name == "click" && Matches(text, click, &mark)) {
    SetMark(mark, parsed.action.mutable_click()->mutable_target(), parsed);
  } else if (name == "hover" && Matches(text, hover, &mark)) {
    SetMark(mark, parsed.action.mutable_hover()->mutable_target(), parsed);
  } else {
    return false;
  }
  return true;
}

bool ParseKeyboard(std::string_view name, std::string_view text, ParsedAgentText& parsed) {
  static const RE2 type(R"((?s)\Atype ?\[(\d+)\] ?\[(.*)\] ?\[([01])\]\z)");
  static const RE2 press(R"(\Apress ?\[(.+)\])");
  std::string mark, argument, enter;
  if (name == "type") {
    std::string completed(text);
    if (!absl::EndsWith(completed, "[0]") && !absl::EndsWith(completed, "[1]")) completed += " [1]";
    if (!Matches(completed, type, &mark, &argument, &enter)) return false;
    v1::Type* action = parsed.action.mutable_type();
    SetMark(mark, action->mutable_target(), parsed);
    action->set_text(argument);
    action->set_submit(enter == "1");
    return true;
  }
  if (name == "press" && Matches(text, press, &argument)) {
    parsed.action.mutable_press_keys()->add_chords(Chord(argument));
    return true;
  }
  return false;
}

bool ParseNavigation(std::string_view name, std::string_view text, const v1::Observation& last,
                     ParsedAgentText& parsed) {
  static const RE2 scroll(R"(\Ascroll ?\[?(up|down)\]?)");
  static const RE2 go(R"((?s)\Agoto ?\[(.+)\])");
  static const RE2 tab_focus(R"(\Atab_focus ?\[(\d+)\])");
  std::string argument;
  if (name == "scroll" && Matches(text, scroll, &argument)) {
    const double height = ViewportHeight(last);
    parsed.action.mutable_scroll()->set_delta_y(argument == "up" ? -height : height);
  } else if (name == "goto" && Matches(text, go, &argument)) {
    parsed.action.mutable_goto_()->set_url(std::string(Trim(argument)));
  } else if (name == "tab_focus" && Matches(text, tab_focus, &argument)) {
    int32_t index = 0;
    if (!absl::SimpleAtoi(argument, &index)) {
      parsed.error = absl::StrCat("There is no tab ", Excerpt(argument), ".");
    }
    parsed.action.mutable_focus_tab()->set_index(index);
  } else if (name == "new_tab") {
    parsed.action.mutable_new_tab();
  } else if (name == "close_tab") {
    parsed.action.mutable_close_tab();
  } else if (name == "go_back") {
    parsed.action.mutable_go_back();
  } else if (name == "go_forward") {
    parsed.action.mutable_go_forward();
  } else {
    return false;
  }
  return true;
}

bool ParseStop(std::string_view name, std::string_view text, ParsedAgentText& parsed) {
  static const RE2 stop(R"((?s)\Astop ?\[(.*)\])");
  if (name != "stop") return false;
  std::string answer;
  Matches(text, stop, &answer);  // A bare "stop" is an empty answer.
  parsed.action.mutable_answer()->set_text(answer);
  return true;
}

}  // namespace

ParsedAgentText ParseWebArena(std::string_view text, const v1::Observation& last) {
  ParsedAgentText parsed;
  const Parts parts = Split(text);
  parsed.thought = std::string(parts.thought);
  const std::string_view action = parts.action;
  const std::string_view name = Trim(action.substr(0, action.find_first_of("[ \t\n")));
  if (action.empty()) {
    parsed.error = absl::StrCat("There is no action. ", ToAbsl(kGrammar));
  } else if (!ParsePointer(name, action, parsed) && !ParseKeyboard(name, action, parsed) &&
             !ParseNavigation(name, action, last, parsed) && !ParseStop(name, action, parsed)) {
    parsed.error = absl::StrCat("\"", Excerpt(action), "\" is not an action. ", ToAbsl(kGrammar));
  }
  return parsed;
}

}  // namespace proctor::env::dialects
