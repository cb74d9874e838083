// Android in the Wild, as Auto-UI and DigiRL's policies write it (DigiRL-agent/digirl:
// digirl/environment/android/autoui_utils.py).
//
//   text     = (plan "Action Decision:")? decision
//   decision = "action_type": type, "touch_point": "[y, x]", "lift_point": "[y, x]", "typed_text": "..."; braces around it may stand
//   type     = DUAL_POINT | TYPE | PRESS_BACK | PRESS_HOME | PRESS_ENTER | STATUS_TASK_COMPLETE | TASK_IMPOSSIBLE
//            | STATUS_TASK_IMPOSSIBLE
//
// Points are shares of the screen from 0 to 1, y before x. A DUAL_POINT is a tap at the touch point if the points are at
// most 0.04 apart (Euclidean, in shares), the rule of Android in the Wild's action matching; else a swipe. TYPE types into
// what has the focus. STATUS_TASK_COMPLETE is the (empty) final answer, TASK_IMPOSSIBLE gives up. What stands before the
// last "Action Decision:" is the thought.
//
// Deviations: DigiRL's environment taps only where the points are less than the root of 10 pixels apart, and swipes as little
// as that otherwise. A decision that it cannot read is TASK_IMPOSSIBLE or idling there, and an error text here. Typed text may
// hold ", ".
#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/dialects/parsers.h"
#include "re2/re2.h"

namespace proctor::env::dialects {
namespace {

constexpr std::string_view kUsage =
    "Write \"Action Decision: \" and then: \"action_type\": \"DUAL_POINT\", \"touch_point\": \"[0.5, 0.3]\", \"lift_point\": "
    "\"[0.5, 0.3]\", \"typed_text\": \"\"; points are [y, x] as shares of the screen, 0 to 1; types: DUAL_POINT, TYPE, "
    "PRESS_BACK, "
    "PRESS_HOME, PRESS_ENTER, STATUS_TASK_COMPLETE, TASK_IMPOSSIBLE.";
constexpr std::string_view kDecision = "Action Decision:";
constexpr double kTapDistance = 0.04;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// The point of a field, or nothing if the field is not there or no point of the screen.
std::optional<v1::Point> ReadPoint(std::string_view decision, const RE2& pattern) {
  std::string y_text, x_text;
  v1::Point point;
  double x = 0, y = 0;
  if (!RE2::PartialMatch(Piece(decision), pattern, &y_text, &x_text)) return std::nullopt;
  if (!absl::SimpleAtod(y_text, &y) || !absl::SimpleAtod(x_text, &x)) return std::nullopt;
  if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return std::nullopt;
  point.set_x(x);
  point.set_y(y);
  return point;
}

// Up to the text's last quote: the text may hold quotes itself.
std::string TypedText(std::string_view decision) {
  static const RE2 start(R"("typed_text"\s*:\s*")");
  re2::StringPiece rest = Piece(decision);
  if (!RE2::FindAndConsume(&rest, start)) return "";
  const std::string_view text(rest.data(), rest.size());
  const size_t end = text.rfind('"');
  return std::string(text.substr(0, end == text.npos ? text.size() : end));
}

void BuildDualPoint(std::string_view decision, ParsedAgentText& parsed) {
  static const RE2 touch_pattern(R"("touch_point"\s*:\s*"?\[\s*([-+.0-9eE]+)\s*,\s*([-+.0-9eE]+)\s*\])");
  static const RE2 lift_pattern(R"("lift_point"\s*:\s*"?\[\s*([-+.0-9eE]+)\s*,\s*([-+.0-9eE]+)\s*\])");
  const std::optional<v1::Point> touch = ReadPoint(decision, touch_pattern);
  const std::optional<v1::Point> lift = ReadPoint(decision, lift_pattern);
  if (!touch.has_value() || !lift.has_value()) {
    parsed.error =
        absl::StrCat("DUAL_POINT needs \"touch_point\" and \"lift_point\", each \"[y, x]\" from 0 to 1. ", ToAbsl(kUsage));
    return;
  }
  if (std::hypot(touch->x() - lift->x(), touch->y() - lift->y()) <= kTapDistance) {
    *parsed.action.mutable_click()->mutable_target()->mutable_fraction() = *touch;
    return;
  }
  *parsed.action.mutable_swipe()->mutable_from()->mutable_fraction() = *touch;
  *parsed.action.mutable_swipe()->mutable_to()->mutable_fraction() = *lift;
}

void BuildAction(const std::string& type, std::string_view decision, ParsedAgentText& parsed) {
  if (type == "DUAL_POINT") {
    BuildDualPoint(decision, parsed);
  } else if (type == "TYPE") {
    parsed.action.mutable_type()->set_text(TypedText(decision));
    if (parsed.action.type().text().empty()) parsed.error = absl::StrCat("TYPE needs a \"typed_text\". ", ToAbsl(kUsage));
  } else if (type == "PRESS_BACK") {
    parsed.action.mutable_press_button()->set_button(v1::DEVICE_BUTTON_BACK);
  } else if (type == "PRESS_HOME") {
    parsed.action.mutable_press_button()->set_button(v1::DEVICE_BUTTON_HOME);
  } else if (type == "PRESS_ENTER") {
    parsed.action.mutable_press_button()->set_button(v1::DEVICE_BUTTON_ENTER);
  } else if (type == "STATUS_TASK_COMPLETE") {
    parsed.action.mutable_answer();
  } else if (type == "TASK_IMPOSSIBLE" || type == "STATUS_TASK_IMPOSSIBLE") {
    parsed.action.mutable_give_up();
  } else {
    parsed.error = absl::StrCat("There is no action_type ", Excerpt(type), ". ", ToAbsl(kUsage));
  }
}

}  // namespace

ParsedAgentText ParseAndroidInTheWild(std::string_view text) {
  ParsedAgentText parsed;
  const size_t at = text.rfind(kDecision);
  if (at != text.npos) parsed.thought = std::string(Trim(text.substr(0, at)));
  const std::string_view decision = at == text.npos ? text : text.substr(at + kDecision.size());
  static const RE2 type_pattern(R"("action_type"\s*:\s*"?(\w+))");
  std::string type;
  if (!RE2::PartialMatch(Piece(decision), type_pattern, &type)) {
    parsed.error = absl::StrCat("\"", Excerpt(decision), "\" has no \"action_type\". ", ToAbsl(kUsage));
    return parsed;
  }
  BuildAction(type, decision, parsed);
  return parsed;
}

}  // namespace proctor::env::dialects
