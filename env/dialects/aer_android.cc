// AER's actions on Android (Berkeley-NLP/Agent-Eval-Refine: exps/android_exp/client.py and env.py).
//
//   text      = plan? ("Grounded Operation:" | "Action:") operation
//             | "Action Type:" name ("," field)*        as AER's runner writes actions into its logs
//   operation = tap ... [[x, y]]           thousandths of the screen, as CogAgent writes them
//             | tap at [x, y]              shares of the screen, 0 to 1
//             | type ... "text"
//             | press home | press back | press enter | swipe up | swipe down | swipe left | swipe right
//             | task complete | task impossible
//   name      = Idle | DualPoint | Type | GoBack | GoHome | Enter | TaskComplete | TaskImpossible
//   field     = Touch Point: (x, y) | Lift Point: (x, y) | Typed Text: '...'     shares of the screen
//
// x stands before y everywhere. Swipes go as in the original: up from the middle to (0.5, 0.2), down the same way back, left
// from (0.8, 0.5) to (0.2, 0.5), right the same way back. A DualPoint whose points are more than 0.05 apart is a swipe, else
// a tap, as for AER's judge. "task complete" is the (empty) final answer, "task impossible" gives up. What stands before is
// the thought.
//
// Deviations: an operation that the original cannot read is idling there, and an error text here. The operation's words
// count whatever their case; the original looks for them anywhere in the text that follows, here they must begin it.
#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/dialects/parsers.h"
#include "re2/re2.h"

namespace proctor::env::dialects {
namespace {

constexpr std::string_view kUsage =
    "Write \"Action:\" and then one of: tap at [0.5, 0.3] (x and y as shares of the screen), type \"text\", press home, press "
    "back, "
    "press enter, swipe up, swipe down, swipe left, swipe right, task complete, task impossible.";
constexpr double kTapDistance = 0.05;
constexpr double kThousandths = 1000;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

v1::Point MakePoint(double x, double y) {
  v1::Point point;
  point.set_x(x);
  point.set_y(y);
  return point;
}

// The two numbers of the pattern's groups, divided by `scale`; nothing unless they are shares of the screen.
std::optional<v1::Point> ReadPoint(std::string_view text, const RE2& pattern, double scale) {
  std::string x_text, y_text;
  double x = 0, y = 0;
  if (!RE2::PartialMatch(Piece(text), pattern, &x_text, &y_text)) return std::nullopt;
  if (!absl::SimpleAtod(x_text, &x) || !absl::SimpleAtod(y_text, &y)) return std::nullopt;
  x /= scale;
  y /= scale;
  if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return std::nullopt;
  return MakePoint(x, y);
}

void Tap(const v1::Point& at, v1::Action& action) { *action.mutable_click()->mutable_target()->mutable_fraction() = at; }

void Swipe(const v1::Point& from, const v1::Point& to, v1::Action& action) {
  *action.mutable_swipe()->mutable_from()->mutable_fraction() = from;
  *action.mutable_swipe()->mutable_to()->mutable_fraction() = to;
}

void Press(v1::DeviceButton button, v1::Action& action) { action.mutable_press_button()->set_button(button); }

void BuildTap(std::string_view operation, ParsedAgentText& parsed) {
  static const RE2 thousandths(R"(\[\[\s*([-+.0-9eE]+)\s*,\s*([-+.0-9eE]+)\s*\]\])");
  static const RE2 shares(R"(\[\s*([-+.0-9eE]+)\s*,\s*([-+.0-9eE]+)\s*\])");
  const bool grounded = operation.find("[[") != operation.npos;
  const std::optional<v1::Point> at =
      grounded ? ReadPoint(operation, thousandths, kThousandths) : ReadPoint(operation, shares, 1);
  if (at.has_value()) {
    Tap(*at, parsed.action);
  } else {
    parsed.error = absl::StrCat("tap needs a place: [x, y] from 0 to 1, or [[x, y]] from 0 to 1000. ", ToAbsl(kUsage));
  }
}

void BuildType(std::string_view operation, ParsedAgentText& parsed) {
  const size_t open = operation.find('"');
  const size_t close = operation.rfind('"');
  if (open == operation.npos || close <= open + 1) {
    parsed.error = absl::StrCat("type needs a text in quotes. ", ToAbsl(kUsage));
    return;
  }
  parsed.action.mutable_type()->set_text(std::string(operation.substr(open + 1, close - open - 1)));
}

void BuildOperation(std::string_view operation, ParsedAgentText& parsed) {
  operation = Trim(operation);
  const auto begins = [&](const char* words) { return absl::StartsWithIgnoreCase(ToAbsl(operation), words); };
  v1::Action& action = parsed.action;
  if (begins("tap")) {
    BuildTap(operation, parsed);
  } else if (begins("type")) {
    BuildType(operation, parsed);
  } else if (begins("press home")) {
    Press(v1::DEVICE_BUTTON_HOME, action);
  } else if (begins("press back")) {
    Press(v1::DEVICE_BUTTON_BACK, action);
  } else if (begins("press enter")) {
    Press(v1::DEVICE_BUTTON_ENTER, action);
  } else if (begins("task complete")) {
    action.mutable_answer();
  } else if (begins("task impossible")) {
    action.mutable_give_up();
  } else if (begins("swipe up")) {
    Swipe(MakePoint(0.5, 0.5), MakePoint(0.5, 0.2), action);
  } else if (begins("swipe down")) {
    Swipe(MakePoint(0.5, 0.2), MakePoint(0.5, 0.5), action);
  } else if (begins("swipe left")) {
    Swipe(MakePoint(0.8, 0.5), MakePoint(0.2, 0.5), action);
  } else if (begins("swipe right")) {
    Swipe(MakePoint(0.2, 0.5), MakePoint(0.8, 0.5), action);
  } else {
    parsed.error = absl::StrCat("\"", Excerpt(operation), "\" is not an action. ", ToAbsl(kUsage));
  }
}

void BuildLogged(std::string_view text, ParsedAgentText& parsed) {
  static const RE2 touch_pattern(R"(Touch Point:\s*\(\s*([-+.0-9eE]+)\s*,\s*([-+.0-9eE]+)\s*\))");
  static const RE2 lift_pattern(R"(Lift Point:\s*\(\s*([-+.0-9eE]+)\s*,\s*([-+.0-9eE]+)\s*\))");
  static const RE2 typed_pattern(R"((?s)Typed Text:\s*'(.*)')");
  static const RE2 name_pattern(R"(^\s*(\w+))");
  std::string name, typed;
  RE2::PartialMatch(Piece(text), name_pattern, &name);
  v1::Action& action = parsed.action;
  if (name == "DualPoint") {
    const auto touch = ReadPoint(text, touch_pattern, 1);
    const auto lift = ReadPoint(text, lift_pattern, 1);
    if (!touch.has_value() || !lift.has_value()) {
      parsed.error = absl::StrCat("DualPoint needs a Touch Point and a Lift Point, (x, y) from 0 to 1. ", ToAbsl(kUsage));
    } else if (std::hypot(touch->x() - lift->x(), touch->y() - lift->y()) > kTapDistance) {
      Swipe(*touch, *lift, action);
    } else {
      Tap(*touch, action);
    }
  } else if (name == "Type" && RE2::PartialMatch(Piece(text), typed_pattern, &typed) && !typed.empty()) {
    action.mutable_type()->set_text(typed);
  } else if (name == "GoBack") {
    Press(v1::DEVICE_BUTTON_BACK, action);
  } else if (name == "GoHome") {
    Press(v1::DEVICE_BUTTON_HOME, action);
  } else if (name == "Enter") {
    Press(v1::DEVICE_BUTTON_ENTER, action);
  } else if (name == "TaskComplete") {
    action.mutable_answer();
  } else if (name == "TaskImpossible") {
    action.mutable_give_up();
  } else if (name == "Idle") {
    action.mutable_noop();
  } else {
    parsed.error = absl::StrCat("\"", Excerpt(text), "\" is not an action. ", ToAbsl(kUsage));
  }
}

}  // namespace

ParsedAgentText ParseAerAndroid(std::string_view text) {
  constexpr std::string_view kLogged = "Action Type:";
  ParsedAgentText parsed;
  for (const std::string_view tag : {std::string_view("Grounded Operation:"), kLogged, std::string_view("Action:")}) {
    const size_t at = text.rfind(tag);
    if (at == text.npos) continue;
    parsed.thought = std::string(Trim(text.substr(0, at)));
    const std::string_view rest = text.substr(at + tag.size());
    if (tag == kLogged) {
      BuildLogged(rest, parsed);
    } else {
      BuildOperation(rest, parsed);
    }
    return parsed;
  }
  parsed.error = absl::StrCat("There is no \"Action:\" in it. ", ToAbsl(kUsage));
  return parsed;
}

}  // namespace proctor::env::dialects
