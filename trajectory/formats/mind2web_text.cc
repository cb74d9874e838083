#include "trajectory/formats/mind2web_text.h"

#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/strings.h"
#include "re2/re2.h"
#include "trajectory/formats/action_text.h"
#include "trajectory/formats/run.h"

namespace proctor::trajectory::formats {
namespace {

constexpr std::string_view kComplete = "TASK_COMPLETE";
constexpr std::string_view kAnswer = "ANSWER:";
constexpr std::string_view kStatus = "STATUS:";

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// "<VERB> <target> -> <description>" or "<target> -> <VERB> -> <description>".
struct Sentence {
  std::string verb;
  std::string target;
  std::string description;
};

bool IsVerb(const std::string& word) {
  static const auto& verbs =
      *new std::set<std::string>{"NAVIGATE",  "CLICK",  "TYPE",    "SCROLL",     "HOVER",  "WAIT",
                                 "PRESS_KEY", "SELECT", "GO_BACK", "GO_FORWARD", "REFRESH"};
  return verbs.count(word) > 0;
}

std::optional<Sentence> ReadSentence(std::string_view text) {
  static const RE2 target_first(R"((?s)(.*?) -> ([A-Z_]+) -> (.*))");
  static const RE2 verb_first(R"((?s)([A-Z_]+)(?:\s+(.*?))? -> (.*))");
  Sentence sentence;
  if (RE2::FullMatch(Piece(text), target_first, &sentence.target, &sentence.verb,
                     &sentence.description) &&
      IsVerb(sentence.verb)) {
    return sentence;
  }
  if (RE2::FullMatch(Piece(text), verb_first, &sentence.verb, &sentence.target,
                     &sentence.description) &&
      IsVerb(sentence.verb)) {
    return sentence;
  }
  return std::nullopt;
}

void SetTarget(const std::string& text, v1::Target* target) {
  static const RE2 point(R"(coords\(\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*\))");
  static const RE2 mark(R"(\[data-mark='(\d+)'\])");
  std::string x_text, y_text, digits;
  double x = 0, y = 0;
  if (RE2::FullMatch(text, point, &x_text, &y_text) && absl::SimpleAtod(x_text, &x) &&
      absl::SimpleAtod(y_text, &y)) {
    target->mutable_point()->set_x(x);
    target->mutable_point()->set_y(y);
  } else if (RE2::FullMatch(text, mark, &digits)) {
    if (const auto number = MarkFromDigits(digits)) target->set_mark(*number);
  }
}

bool HasTarget(const std::string& text) {
  v1::Target target;
  SetTarget(text, &target);
  return target.kind_case() != v1::Target::KIND_NOT_SET;
}

// type "text", cleared first, then Enter
void SetTyped(const std::string& description, v1::Type& type) {
  static const RE2 pattern(R"re((?s)type ("(?:[^"\\]|\\.)*")(, cleared first)?(, then Enter)?)re");
  std::string quoted, cleared, entered;
  if (!RE2::FullMatch(description, pattern, &quoted, &cleared, &entered)) return;
  const auto text = UnquoteText(quoted);
  if (!text.has_value()) return;
  type.set_text(*text);
  type.set_clear(!cleared.empty());
  type.set_submit(!entered.empty());
}

void SetScrolled(const std::string& description, const v1::Observation& seen, v1::Scroll& scroll) {
  static const RE2 distance(R"(scroll by \((-?[0-9.e+-]+), (-?[0-9.e+-]+)\) pixels)");
  static const RE2 up(R"((?i)\bscroll(?:ed|ing)? (?:the page )?up)");
  std::string x_text, y_text;
  double x = 0, y = 0;
  if (RE2::FullMatch(description, distance, &x_text, &y_text) && absl::SimpleAtod(x_text, &x) &&
      absl::SimpleAtod(y_text, &y)) {
    scroll.set_delta_x(x);
    scroll.set_delta_y(y);
  } else if (RE2::PartialMatch(description, up)) {
    scroll.set_delta_y(-SeenHeight(seen) * 2 / 3);
  }
}

void SetSelected(const std::string& description, v1::SelectOption& select) {
  static const RE2 twice(R"re(select ("(?:[^"\\]|\\.)*").*)re");
  static const RE2 once(R"re(select '([^']*)'.*)re");
  std::string text;
  if (RE2::FullMatch(description, twice, &text)) {
    if (const auto option = UnquoteText(text)) select.add_options(*option);
  } else if (RE2::FullMatch(description, once, &text)) {
    select.add_options(text);
  }
}

v1::Action ActionOf(const Sentence& said, const std::string& url, const v1::Observation& seen) {
  static const RE2 pressed(R"(press (\S+).*)");
  if (const auto action = ActionFromJson(said.description)) return *action;
  v1::Action action;
  const auto set_target = [&](v1::Target* (*target)(v1::Action&)) {
    if (HasTarget(said.target)) SetTarget(said.target, target(action));
  };
  if (said.verb == "CLICK") {
    action.mutable_click();
    set_target([](v1::Action& a) { return a.mutable_click()->mutable_target(); });
  } else if (said.verb == "HOVER") {
    action.mutable_hover();
    set_target([](v1::Action& a) { return a.mutable_hover()->mutable_target(); });
  } else if (said.verb == "TYPE") {
    SetTyped(said.description, *action.mutable_type());
    set_target([](v1::Action& a) { return a.mutable_type()->mutable_target(); });
  } else if (said.verb == "SCROLL") {
    SetScrolled(said.description, seen, *action.mutable_scroll());
    set_target([](v1::Action& a) { return a.mutable_scroll()->mutable_target(); });
  } else if (said.verb == "SELECT") {
    SetSelected(said.description, *action.mutable_select_option());
    set_target([](v1::Action& a) { return a.mutable_select_option()->mutable_target(); });
  } else if (said.verb == "PRESS_KEY") {
    std::string key;
    action.mutable_press_keys();
    if (RE2::FullMatch(said.description, pressed, &key))
      action.mutable_press_keys()->add_chords(key);
    set_target([](v1::Action& a) { return a.mutable_press_keys()->mutable_target(); });
  } else if (said.verb == "NAVIGATE") {
    if (!url.empty()) action.mutable_goto_()->set_url(url);
  } else if (said.verb == "GO_BACK") {
    action.mutable_go_back();
  } else if (said.verb == "GO_FORWARD") {
    action.mutable_go_forward();
  } else if (said.verb == "REFRESH") {
    action.mutable_reload();
  } else {
    action.mutable_wait();
  }
  return action;
}

std::string TargetText(const v1::Target& target) {
  if (target.has_point()) {
    return absl::StrCat("coords(", target.point().x(), ", ", target.point().y(), ")");
  }
  return target.kind_case() == v1::Target::kMark ? absl::StrCat("[data-mark='", target.mark(), "']")
                                                 : "page";
}

// In the format's words; may say less than the action does.
Sentence InItsWords(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kClick:
      return {"CLICK", TargetText(action.click().target()), "click"};
    case v1::Action::kHover:
      return {"HOVER", TargetText(action.hover().target()), "hover"};
    case v1::Action::kType:
      return {"TYPE", TargetText(action.type().target()),
              absl::StrCat("type ", QuoteText(action.type().text()),
                           action.type().clear() ? ", cleared first" : "",
                           action.type().submit() ? ", then Enter" : "")};
    case v1::Action::kScroll:
      return {"SCROLL", TargetText(action.scroll().target()),
              absl::StrCat("scroll by (", action.scroll().delta_x(), ", ",
                           action.scroll().delta_y(), ") pixels")};
    case v1::Action::kPressKeys:
      return {
          "PRESS_KEY", TargetText(action.press_keys().target()),
          absl::StrCat("press ",
                       action.press_keys().chords().empty() ? "" : action.press_keys().chords(0))};
    case v1::Action::kSelectOption:
      return {"SELECT", TargetText(action.select_option().target()),
              absl::StrCat("select ", QuoteText(action.select_option().options().empty()
                                                    ? ""
                                                    : action.select_option().options(0)))};
    case v1::Action::kGoto:
      return {"NAVIGATE", "page", "direct navigation"};
    case v1::Action::kGoBack:
      return {"GO_BACK", "page", "back to the page before"};
    case v1::Action::kGoForward:
      return {"GO_FORWARD", "page", "forward again"};
    case v1::Action::kReload:
      return {"REFRESH", "page", "load the page again"};
    default:
      return {"WAIT", "page", "wait"};
  }
}

bool LeadsWithPage(const std::string& verb) {
  return verb == "NAVIGATE" || verb == "GO_BACK" || verb == "GO_FORWARD" || verb == "REFRESH";
}

std::string Spoken(const Sentence& said) {
  return LeadsWithPage(said.verb)
             ? absl::StrCat(said.target, " -> ", said.verb, " -> ", said.description)
             : absl::StrCat(said.verb, " ", said.target, " -> ", said.description);
}

}  // namespace

Mind2WebAction ReadMind2WebAction(std::string_view text, const std::string& url,
                                  const v1::Observation& seen) {
  Mind2WebAction read;
  std::string_view body = Trim(text);
  for (const auto& [suffix, status] :
       {std::pair{std::string_view(" | SUCCESS"), ActionStatus::kSuccess},
        {std::string_view(" | FAILED"), ActionStatus::kFailed}}) {
    if (!body.ends_with(suffix)) continue;
    body.remove_suffix(suffix.size());
    read.status = status;
    break;
  }
  if (const auto said = ReadSentence(body)) {
    read.action = ActionOf(*said, url, seen);
  } else if (const auto action = ReadMind2WebCall(body, seen)) {
    read.action = *action;
  }
  return read;
}

bool IsNavigation(const v1::Action& action) { return action.has_goto_(); }

std::string WriteMind2WebAction(const v1::Action& action, const v1::Observation& seen,
                                bool failed) {
  Sentence said = InItsWords(action);
  const std::string url = IsNavigation(action) ? action.goto_().url() : "";
  if (!SameMessage(ReadMind2WebAction(Spoken(said), url, seen).action, action)) {
    said.description = ActionToJson(action);
  }
  return absl::StrCat(Spoken(said), failed ? " | FAILED" : " | SUCCESS");
}

std::optional<Mind2WebEnd> ReadMind2WebEnd(std::string_view text,
                                           const std::optional<std::string>& final_answer) {
  text = Trim(text);
  if (!text.starts_with(kComplete)) return std::nullopt;
  text = Trim(text.substr(kComplete.size()));
  if (text.starts_with("->")) text = Trim(text.substr(2));
  Mind2WebEnd end;
  if (text.starts_with(kAnswer)) {
    end.action.mutable_answer()->set_text(std::string(Trim(text.substr(kAnswer.size()))));
    return end;
  }
  if (text.starts_with(kStatus) && !final_answer.has_value()) {
    text = Trim(text.substr(kStatus.size()));
    const size_t colon = text.find(':');
    end.reason = EndReasonOf(std::string(Trim(text.substr(0, colon))));
    if (colon != text.npos) end.message = std::string(Trim(text.substr(colon + 1)));
    if (end.reason == v1::END_REASON_GAVE_UP) {
      end.action.mutable_give_up()->set_reason(end.message);
    }
    if (end.reason != v1::END_REASON_UNSPECIFIED && end.reason != v1::END_REASON_ANSWERED)
      return end;
  }
  end = {};
  end.action.mutable_answer()->set_text(final_answer.value_or(""));
  return end;
}

std::string WriteMind2WebEnd(const Mind2WebEnd& end) {
  if (end.action.has_answer()) {
    return absl::StrCat(ToAbsl(kComplete), " -> ", ToAbsl(kAnswer), " ",
                        end.action.answer().text());
  }
  const bool gave_up = end.action.has_give_up();
  const std::string& message = gave_up ? end.action.give_up().reason() : end.message;
  return absl::StrCat(ToAbsl(kComplete), " -> ", ToAbsl(kStatus), " ",
                      EndReasonLabel(gave_up ? v1::END_REASON_GAVE_UP : end.reason),
                      message.empty() ? "" : ": ", message);
}

}  // namespace proctor::trajectory::formats
