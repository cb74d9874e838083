#include "trajectory/formats/webvoyager_text.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "re2/re2.h"
#include "trajectory/formats/action_text.h"

namespace proctor::trajectory::formats {
namespace {

constexpr std::string_view kThought = "Thought:";
constexpr std::string_view kAction = "Action:";
constexpr std::string_view kObservation = "Observation:";
constexpr char kSearchPage[] = "https://www.google.com/";
constexpr int kWaitSeconds = 5;
constexpr std::string_view kEntryEnd = ";\t[";

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// The text of "[text]", where the brackets match, else all of it.
std::string Unbracket(std::string_view text) {
  text = Trim(text);
  if (!text.starts_with('[')) return std::string(text);
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[') ++depth;
    if (text[i] == ']' && --depth == 0) return std::string(text.substr(1, i - 1));
  }
  return std::string(text.substr(1));
}

bool SetMark(const std::string& digits, v1::Target* target) {
  const std::optional<int32_t> mark = MarkFromDigits(digits);
  if (mark.has_value()) target->set_mark(*mark);
  return mark.has_value();
}

std::optional<v1::Action> MakeScroll(const std::string& target, const std::string& direction,
                                     const v1::Observation& seen) {
  v1::Action action;
  v1::Scroll& scroll = *action.mutable_scroll();
  if (target != "WINDOW" && !SetMark(target, scroll.mutable_target())) return std::nullopt;
  const double distance = SeenHeight(seen) * 2 / 3;
  scroll.set_delta_y(direction == "up" ? -distance : distance);
  return action;
}

std::optional<v1::Action> MakeType(const std::string& mark, std::string_view text) {
  v1::Action action;
  v1::Type& type = *action.mutable_type();
  if (!SetMark(mark, type.mutable_target())) return std::nullopt;
  type.set_text(Unbracket(text));
  type.set_clear(true);
  type.set_submit(true);
  return action;
}

// One way of finding the kinds, in the originals' order: at the start, or anywhere.
struct Patterns {
  RE2 click;
  RE2 type;
  RE2 scroll;
  RE2 bare;
  RE2 answer;
};

const Patterns& AtStart() {
  static const Patterns& patterns =
      *new Patterns{RE2(R"(\AClick \[?(\d+)\]?)"), RE2(R"((?s)\AType \[?(\d+)\]?[; ]+(.*)\z)"),
                    RE2(R"(\AScroll \[?(\d+|WINDOW)\]?[; ]+\[?(up|down)\]?)"),
                    RE2(R"(\A(Wait|GoBack|Google)\b)"), RE2(R"((?s)\AANSWER[; ]+(.*)\z)")};
  return patterns;
}

const Patterns& Anywhere() {
  static const Patterns& patterns =
      *new Patterns{RE2(R"(Click \[?(\d+)\]?)"), RE2(R"((?s)Type \[?(\d+)\]?[; ]+(.*)\z)"),
                    RE2(R"(Scroll \[?(\d+|WINDOW)\]?[; ]+\[?(up|down)\]?)"),
                    RE2(R"(\A(Wait|GoBack|Google)\b)"), RE2(R"((?s)ANSWER[; ]+(.*)\z)")};
  return patterns;
}

std::optional<v1::Action> Match(const Patterns& patterns, std::string_view body,
                                const v1::Observation& seen) {
  v1::Action action;
  std::string target, argument;
  const re2::StringPiece text = Piece(body);
  if (RE2::PartialMatch(text, patterns.click, &target)) {
    if (!SetMark(target, action.mutable_click()->mutable_target())) return std::nullopt;
  } else if (RE2::PartialMatch(text, patterns.type, &target, &argument)) {
    return MakeType(target, argument);
  } else if (RE2::PartialMatch(text, patterns.scroll, &target, &argument)) {
    return MakeScroll(target, argument, seen);
  } else if (RE2::PartialMatch(text, patterns.bare, &target)) {
    if (target == "Wait") action.mutable_wait()->mutable_duration()->set_seconds(kWaitSeconds);
    if (target == "GoBack") action.mutable_go_back();
    if (target == "Google") action.mutable_goto_()->set_url(kSearchPage);
  } else if (RE2::PartialMatch(text, patterns.answer, &argument)) {
    action.mutable_answer()->set_text(Unbracket(argument));
  } else {
    return std::nullopt;
  }
  return action;
}

v1::Action ActionOf(std::string_view body, const v1::Observation& seen) {
  body = Trim(body);
  if (const auto action = ActionFromJson(body)) return *action;
  for (const std::string_view end : {kThought, kAction, kObservation}) {
    body = body.substr(0, body.find(end));
  }
  body = Trim(body);
  std::optional<v1::Action> action = Match(AtStart(), body, seen);
  if (!action.has_value()) action = Match(Anywhere(), body, seen);
  return action.value_or(v1::Action());
}

std::string TargetText(const v1::Target& target) { return absl::StrCat("[", target.mark(), "]"); }

// In WebVoyager's words; may say less than the action does.
std::string InItsWords(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kClick:
      return absl::StrCat("Click ", TargetText(action.click().target()));
    case v1::Action::kType:
      return absl::StrCat("Type ", TargetText(action.type().target()), "; ", action.type().text());
    case v1::Action::kScroll:
      return absl::StrCat(
          "Scroll ", action.scroll().has_target() ? TargetText(action.scroll().target()) : "WINDOW",
          "; ", action.scroll().delta_y() < 0 ? "up" : "down");
    case v1::Action::kWait:
      return "Wait";
    case v1::Action::kGoBack:
      return "GoBack";
    case v1::Action::kGoto:
      return "Google";
    case v1::Action::kAnswer:
      return absl::StrCat("ANSWER; ", action.answer().text());
    default:
      return "";
  }
}

bool ReadEntry(std::string_view entry, v1::Element& element) {
  static const RE2 pattern(R"re((?s)\[(\d+)\]: (?:<([A-Za-z][A-Za-z0-9-]*)> )?"(.*)";?)re");
  std::string mark, tag, texts;
  if (!RE2::FullMatch(Piece(Trim(entry)), pattern, &mark, &tag, &texts)) return false;
  const std::optional<int32_t> number = MarkFromDigits(mark);
  if (!number.has_value()) return false;
  element.set_mark(*number);
  element.set_tag(tag);
  const size_t between = texts.find("\", \"");
  element.set_text(texts.substr(0, between));
  if (between != std::string::npos) element.set_name(texts.substr(between + 4));
  return true;
}

}  // namespace

WebVoyagerTurn ReadWebVoyagerTurn(std::string_view text, const v1::Observation& seen) {
  WebVoyagerTurn turn;
  const size_t thought = text.find(kThought);
  const size_t action = text.find(kAction, thought == text.npos ? 0 : thought);
  if (thought != text.npos) {
    const size_t begin = thought + kThought.size();
    const size_t end = action == text.npos ? text.size() : action;
    turn.thought = std::string(Trim(text.substr(begin, end - begin)));
  }
  if (action != text.npos) turn.action = ActionOf(text.substr(action + kAction.size()), seen);
  return turn;
}

std::string WriteWebVoyagerTurn(const v1::Step& step, const v1::Observation& seen) {
  const auto reads_right = [&](const std::string& text) {
    return SameMessage(ReadWebVoyagerTurn(text, seen).action, step.action());
  };
  const std::string& raw = step.agent_data().raw_output().empty() ? step.agent_text().text()
                                                                  : step.agent_data().raw_output();
  if (!raw.empty() && reads_right(raw)) return raw;
  const std::string thought =
      absl::StrCat("Thought: ", step.agent_data().thought(), "\n\nAction: ");
  std::string text = absl::StrCat(thought, InItsWords(step.action()));
  if (reads_right(text)) return text;
  return absl::StrCat(thought, ActionToJson(step.action()));
}

int ReadElementList(std::string_view text,
                    google::protobuf::RepeatedPtrField<v1::Element>& elements) {
  int unread = 0;
  text = Trim(text);
  while (!text.empty()) {
    const size_t end = text.find(kEntryEnd);
    v1::Element element;
    if (ReadEntry(text.substr(0, end), element)) {
      *elements.Add() = std::move(element);
    } else {
      ++unread;
    }
    text = end == text.npos ? std::string_view() : text.substr(end + kEntryEnd.size() - 1);
  }
  return unread;
}

std::string WriteElementList(const google::protobuf::RepeatedPtrField<v1::Element>& elements) {
  std::string list;
  for (const v1::Element& element : elements) {
    const bool both = !element.text().empty() && !element.name().empty();
    absl::StrAppend(&list, list.empty() ? "" : "\t", "[", element.mark(), "]: ");
    if (!element.tag().empty()) absl::StrAppend(&list, "<", element.tag(), "> ");
    absl::StrAppend(&list, "\"", element.text().empty() ? element.name() : element.text(), "\"");
    if (both) absl::StrAppend(&list, ", \"", element.name(), "\"");
    absl::StrAppend(&list, ";");
  }
  return list;
}

}  // namespace proctor::trajectory::formats
