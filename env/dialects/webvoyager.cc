// WebVoyager and PAE.
//
//   text    = "Thought:" thought "Action:" action
//   action  = Click [n] | Type [n]; [text] | Scroll [n or WINDOW]; [up or down] | Wait | GoBack |
//   Google
//           | ANSWER; [text]
//
// Square brackets may be left out; ";" or blanks separate. Semantics as in the originals: Type
// empties the field and presses Enter, Scroll WINDOW moves two thirds of the window's height, Wait
// takes 5 s, Google opens the search page.
//
// Deviations, all in the agent's favour: an action at the very start wins over another one
// mentioned later in the text (the originals would take `ANSWER; [Click 3]` for a click); text in
// brackets may hold balanced brackets (the originals cut at the first "]").
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/dialects/parsers.h"
#include "re2/re2.h"

namespace proctor::env::dialects {
namespace {

constexpr std::string_view kGrammar =
    "Write \"Thought: ...\" and then \"Action:\" with exactly one of: Click [n], Type [n]; [text], "
    "Scroll [n or WINDOW]; [up or down], Wait, GoBack, Google, ANSWER; [text].";
constexpr std::string_view kThought = "Thought:";
constexpr std::string_view kAction = "Action:";
constexpr std::string_view kObservation = "Observation:";
constexpr int kWaitSeconds = 5;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }
std::string_view View(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

// The text of "[text]" or "text": up to the bracket that closes the first one.
std::string_view Unbracket(std::string_view rest) {
  rest = Trim(rest);
  if (rest.empty() || rest.front() != '[') {
    return Trim(rest.substr(0, rest.find(']')));
  }
  int depth = 0;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '[') ++depth;
    if (rest[i] == ']' && --depth == 0) return rest.substr(1, i - 1);
  }
  // Never closed evenly: to the first closing bracket, as the originals do, or to the end.
  return rest.substr(1, rest.find(']') == std::string_view::npos ? rest.npos : rest.find(']') - 1);
}

struct Rule {
  // Group 1: the target, if there is one. What follows the match is the argument.
  const RE2* pattern;
  void (*build)(std::string_view target, std::string_view argument, const v1::Observation& last,
                ParsedAgentText& parsed);
};

void SetMark(std::string_view digits, v1::Target* target, ParsedAgentText& parsed) {
  const std::optional<int32_t> mark = ParseMark(digits);
  if (!mark.has_value()) {
    parsed.error =
        absl::StrCat("There is no mark ", Excerpt(digits), "; marks are numbers from 1.");
    return;
  }
  target->set_mark(*mark);
}

void BuildClick(std::string_view target, std::string_view, const v1::Observation&,
                ParsedAgentText& parsed) {
  SetMark(target, parsed.action.mutable_click()->mutable_target(), parsed);
}

void BuildType(std::string_view target, std::string_view argument, const v1::Observation&,
               ParsedAgentText& parsed) {
  v1::Type* type = parsed.action.mutable_type();
  SetMark(target, type->mutable_target(), parsed);
  type->set_text(std::string(Unbracket(argument)));
  type->set_clear(true);
  type->set_submit(true);
  if (type->text().empty() && parsed.error.empty()) {
    parsed.error = "Type needs a text: Type [n]; [text].";
  }
}

void BuildScroll(std::string_view target, std::string_view argument, const v1::Observation& last,
                 ParsedAgentText& parsed) {
  v1::Scroll* scroll = parsed.action.mutable_scroll();
  double height = ViewportHeight(last);
  if (target != "WINDOW") {
    SetMark(target, scroll->mutable_target(), parsed);
    for (const v1::Element& element : last.elements()) {
      if (element.mark() == scroll->target().mark() && element.box().height() > 0) {
        height = std::min(height, element.box().height());
      }
    }
  }
  const double distance = height * 2 / 3;
  scroll->set_delta_y(argument == "up" ? -distance : distance);
}

void BuildWait(std::string_view, std::string_view, const v1::Observation&,
               ParsedAgentText& parsed) {
  parsed.action.mutable_wait()->mutable_duration()->set_seconds(kWaitSeconds);
}

void BuildGoBack(std::string_view, std::string_view, const v1::Observation&,
                 ParsedAgentText& parsed) {
  parsed.action.mutable_go_back();
}

void BuildGoogle(std::string_view, std::string_view, const v1::Observation&,
                 ParsedAgentText& parsed) {
  parsed.action.mutable_goto_()->set_url("https://www.google.com/");
}

void BuildAnswer(std::string_view, std::string_view argument, const v1::Observation&,
                 ParsedAgentText& parsed) {
  parsed.action.mutable_answer()->set_text(std::string(Unbracket(argument)));
}

// In the originals' order. Scroll's direction is part of its pattern, so it is handed over as the
// argument.
const std::vector<Rule>& Rules() {
  static const RE2 click(R"(Click \[?(\d+)\]?)");
  static const RE2 type(R"(Type \[?(\d+)\]?[; ]+)");
  static const RE2 scroll(R"(Scroll \[?(\d+|WINDOW)\]?[; ]+\[?(up|down)\]?)");
  static const RE2 wait(R"(\AWait\b)");
  static const RE2 go_back(R"(\AGoBack\b)");
  static const RE2 google(R"(\AGoogle\b)");
  static const RE2 answer(R"(ANSWER[; ]+)");
  static const std::vector<Rule>* const rules = new std::vector<Rule>{
      {&click, BuildClick},    {&type, BuildType},     {&scroll, BuildScroll}, {&wait, BuildWait},
      {&go_back, BuildGoBack}, {&google, BuildGoogle}, {&answer, BuildAnswer}};
  return *rules;
}

bool TryRules(std::string_view action, RE2::Anchor anchor, const v1::Observation& last,
              ParsedAgentText& parsed) {
  for (const Rule& rule : Rules()) {
    re2::StringPiece groups[3];
    if (!rule.pattern->Match(Piece(action), 0, action.size(), anchor, groups,
                             1 + rule.pattern->NumberOfCapturingGroups())) {
      continue;
    }
    const std::string_view argument =
        groups[2].empty() ? action.substr(groups[0].data() + groups[0].size() - action.data())
                          : View(groups[2]);
    rule.build(View(groups[1]), argument, last, parsed);
    return true;
  }
  return false;
}

}  // namespace

ParsedAgentText ParseWebVoyager(std::string_view text, const v1::Observation& last) {
  ParsedAgentText parsed;
  const size_t thought = text.find(kThought);
  const size_t action = text.find(kAction, thought == text.npos ? 0 : thought);
  if (thought != text.npos) {
    const size_t begin = thought + kThought.size();
    parsed.thought =
        std::string(Trim(text.substr(begin, action == text.npos ? action : action - begin)));
  }
  if (thought == text.npos || action == text.npos) {
    parsed.error = absl::StrCat("\"Thought:\" and \"Action:\" must both be there, in this order. ",
                                ToAbsl(kGrammar));
    return parsed;
  }
  std::string_view body = text.substr(action + kAction.size());
  for (const std::string_view end : {kThought, kAction, kObservation}) {
    body = body.substr(0, body.find(end));
  }
  body = Trim(body);
  if (!TryRules(body, RE2::ANCHOR_START, last, parsed) &&
      !TryRules(body, RE2::UNANCHORED, last, parsed)) {
    parsed.error = absl::StrCat("\"", Excerpt(body), "\" is not an action. ", ToAbsl(kGrammar));
  }
  return parsed;
}

}  // namespace proctor::env::dialects
