// Anthropic's computer use: the tools computer_20241022, computer_20250124 and later.
//
//   text  = prose? json
//   json  = input | block | [block, ...] | {"content": [block, ...]}
//   block = {"type": "tool_use", "input": input} | {"type": "text", "text": ...} | {"type": "thinking", "thinking": ...}
//   input = {"action": name, ...} with the fields below; others are ignored
//
//   key                text (xdotool's names and chords, several separated by blanks), repeat?
//   hold_key           text, duration
//   type               text
//   mouse_move         coordinate
//   left_click, right_click, middle_click, double_click, triple_click     coordinate?, text? (modifiers held; also as `key`)
//   left_click_drag    start_coordinate?, coordinate
//   left_mouse_down, left_mouse_up     coordinate?
//   scroll             scroll_direction (up, down, left, right), scroll_amount, coordinate?, text? (modifiers held)
//   wait               duration
//   screenshot, cursor_position, zoom
//
// Coordinates are pixels of the screen: a client that showed a scaled picture scales them back. Where a coordinate is left
// out, the pointer stays where it is, and a click or a drag needs to know where that is. A unit of scroll_amount is one
// notch of the wheel, kWheelNotchPx. Several tool_use blocks are one sequence; text and thinking are the thought; blocks of
// text alone are the final answer, as the loop of Anthropic's samples ends there.
//
// Deviations: what only looks (screenshot, cursor_position, zoom) does nothing and costs a step: every step shows the screen
// and the pointer. `wait` is at most 30 s and `hold_key` at most 10 s (100 s in the original).
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/strings.h"
#include "env/dialects/action_list.h"
#include "env/dialects/json_text.h"
#include "env/dialects/keys.h"
#include "env/dialects/parsers.h"
#include "env/wheel.h"

namespace proctor::env::dialects {
namespace {

constexpr std::string_view kUsage =
    "Write one JSON object, like {\"action\": \"left_click\", \"coordinate\": [10, 20]}; actions: key, type, mouse_move, "
    "left_click, "
    "left_click_drag, right_click, middle_click, double_click, triple_click, left_mouse_down, left_mouse_up, scroll, hold_key, "
    "wait, "
    "screenshot, cursor_position, zoom.";
constexpr double kMaxWaitSeconds = 30;
constexpr double kMaxHoldSeconds = 10;
constexpr double kMaxNotches = 1000;
constexpr double kMaxRepeat = 64;

// Builds the actions of inputs, one after another.
class Builder {
 public:
  explicit Builder(const v1::Observation& last) : cursor_(last) {}

  // The first problem.
  const std::string& error() const { return error_; }
  std::vector<v1::Action> Take() { return std::move(actions_); }

  void Add(const Json& input) {
    if (!error_.empty()) return;
    const std::string name = JsonStringOr(input, "action");
    const std::string what = Excerpt(name);
    JsonFields in(input, what);
    const auto found = Builders().find(name);
    if (name.empty()) {
      error_ = absl::StrCat("The input has no \"action\". ", ToAbsl(kUsage));
      return;
    }
    if (found == Builders().end()) {
      in.Fail(absl::StrCat("there is no such action. ", ToAbsl(kUsage)));
    } else {
      (this->*found->second)(in);
    }
    error_ = in.error();
  }

 private:
  using Build = void (Builder::*)(JsonFields& in);

  static const std::map<std::string, Build>& Builders() {
    static const auto* const builders = new std::map<std::string, Build>{
        {"key", &Builder::Key},
        {"hold_key", &Builder::HoldKey},
        {"type", &Builder::Type},
        {"mouse_move", &Builder::MouseMove},
        {"left_click", &Builder::LeftClick},
        {"right_click", &Builder::RightClick},
        {"middle_click", &Builder::MiddleClick},
        {"double_click", &Builder::DoubleClick},
        {"triple_click", &Builder::TripleClick},
        {"left_click_drag", &Builder::LeftClickDrag},
        {"left_mouse_down", &Builder::LeftMouseDown},
        {"left_mouse_up", &Builder::LeftMouseUp},
        {"scroll", &Builder::Scroll},
        {"wait", &Builder::Wait},
        {"screenshot", &Builder::Look},
        {"cursor_position", &Builder::Look},
        {"zoom", &Builder::Look},
    };
    return *builders;
  }

  // The next action, and the pointer moved by it once it is built.
  void Done(v1::Action action) {
    cursor_.Follow(action);
    actions_.push_back(std::move(action));
  }

  // The coordinate, or where the pointer is.
  void SetPlace(JsonFields& in, std::string_view name, v1::Target* target) {
    if (in.Has(name)) {
      *target->mutable_point() = in.Point(name);
    } else if (cursor_.at().has_value()) {
      *target->mutable_point() = *cursor_.at();
    } else {
      in.Fail(absl::StrCat("give \"", ToAbsl(name), "\": it is not known where the pointer is"));
    }
  }

  void AddChords(JsonFields& in, v1::PressKeys* press) {
    const std::string text = in.String("text");
    for (const absl::string_view chord : absl::StrSplit(text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty())) {
      press->add_chords(DomChord(ToStd(chord)));
    }
    if (press->chords().empty()) in.Fail("\"text\" must name keys, like \"Return\" or \"ctrl+s\"");
  }

  void Key(JsonFields& in) {
    v1::Action action;
    AddChords(in, action.mutable_press_keys());
    if (in.Has("repeat")) {
      const double repeat = in.Number("repeat");
      const v1::PressKeys once = action.press_keys();
      if (!(repeat >= 1 && repeat * once.chords_size() <= kMaxRepeat)) {
        in.Fail("at most 64 chords in one step, repeats counted");
        return;
      }
      for (int i = 1; i < static_cast<int>(repeat); ++i) action.mutable_press_keys()->MergeFrom(once);
    }
    Done(std::move(action));
  }

  void HoldKey(JsonFields& in) {
    v1::Action action;
    AddChords(in, action.mutable_press_keys());
    if (!SetSeconds(in.Number("duration"), kMaxHoldSeconds, action.mutable_press_keys()->mutable_hold())) {
      in.Fail("\"duration\" must be 0 to 10 seconds");
    }
    Done(std::move(action));
  }

  void Type(JsonFields& in) {
    v1::Action action;
    action.mutable_type()->set_text(in.String("text"));
    Done(std::move(action));
  }

  void MouseMove(JsonFields& in) {
    v1::Action action;
    *action.mutable_hover()->mutable_target()->mutable_point() = in.Point("coordinate");
    Done(std::move(action));
  }

  void Click(JsonFields& in, v1::MouseButton button, int count) {
    v1::Action action;
    v1::Click* click = action.mutable_click();
    SetPlace(in, "coordinate", click->mutable_target());
    click->set_button(button);
    if (count > 1) click->set_count(count);
    for (const std::string& key : HeldKeys(in)) {
      if (const auto modifier = ModifierOf(key)) {
        click->add_modifiers(*modifier);
      } else {
        in.Fail("\"text\" of a click names modifiers: ctrl, alt, shift, super");
      }
    }
    Done(std::move(action));
  }
  void LeftClick(JsonFields& in) { Click(in, v1::MOUSE_BUTTON_LEFT, 1); }
  void RightClick(JsonFields& in) { Click(in, v1::MOUSE_BUTTON_RIGHT, 1); }
  void MiddleClick(JsonFields& in) { Click(in, v1::MOUSE_BUTTON_MIDDLE, 1); }
  void DoubleClick(JsonFields& in) { Click(in, v1::MOUSE_BUTTON_LEFT, 2); }
  void TripleClick(JsonFields& in) { Click(in, v1::MOUSE_BUTTON_LEFT, 3); }

  // The keys to hold: documented as `text`, `key` in Anthropic's own code.
  static std::vector<std::string> HeldKeys(JsonFields& in) {
    const char* name = in.Has("text") ? "text" : "key";
    return in.Has(name) ? SplitChord(in.String(name)) : std::vector<std::string>();
  }

  void LeftClickDrag(JsonFields& in) {
    v1::Action action;
    SetPlace(in, "start_coordinate", action.mutable_drag()->mutable_from());
    *action.mutable_drag()->mutable_to()->mutable_point() = in.Point("coordinate");
    Done(std::move(action));
  }

  void LeftMouseDown(JsonFields& in) {
    v1::Action action;
    action.mutable_mouse_down()->set_button(v1::MOUSE_BUTTON_LEFT);
    if (in.Has("coordinate")) *action.mutable_mouse_down()->mutable_target()->mutable_point() = in.Point("coordinate");
    Done(std::move(action));
  }

  void LeftMouseUp(JsonFields& in) {
    v1::Action action;
    action.mutable_mouse_up()->set_button(v1::MOUSE_BUTTON_LEFT);
    if (in.Has("coordinate")) *action.mutable_mouse_up()->mutable_target()->mutable_point() = in.Point("coordinate");
    Done(std::move(action));
  }

  void Scroll(JsonFields& in) {
    v1::Action action;
    v1::Scroll* scroll = action.mutable_scroll();
    const std::string direction = in.String("scroll_direction");
    const double notches = in.Number("scroll_amount");
    if (!(notches > 0 && notches <= kMaxNotches)) in.Fail("\"scroll_amount\" must be 1 to 1000 notches of the wheel");
    const double distance = notches * kWheelNotchPx;
    if (direction == "up" || direction == "down") {
      scroll->set_delta_y(direction == "up" ? -distance : distance);
    } else if (direction == "left" || direction == "right") {
      scroll->set_delta_x(direction == "left" ? -distance : distance);
    } else {
      in.Fail("\"scroll_direction\" must be up, down, left or right");
    }
    if (in.Has("coordinate") || cursor_.at().has_value()) SetPlace(in, "coordinate", scroll->mutable_target());
    const std::vector<std::string> held = HeldKeys(in);
    for (const std::string& key : held) {
      if (!ModifierOf(key).has_value()) in.Fail("\"text\" of a scroll names modifiers: ctrl, alt, shift, super");
      actions_.emplace_back().mutable_key_down()->set_key(DomKey(key));
    }
    Done(std::move(action));
    for (auto key = held.rbegin(); key != held.rend(); ++key) actions_.emplace_back().mutable_key_up()->set_key(DomKey(*key));
  }

  void Wait(JsonFields& in) {
    v1::Action action;
    const double seconds = in.Number("duration");
    if (!SetSeconds(seconds, kMaxWaitSeconds, action.mutable_wait()->mutable_duration())) {
      in.Fail("\"duration\" must be 0 to 30 seconds; wait again for more");
    }
    // A wait without a duration is a second.
    if (seconds == 0) action.mutable_noop();
    Done(std::move(action));
  }

  void Look(JsonFields&) { actions_.emplace_back().mutable_noop(); }

  Cursor cursor_;
  std::vector<v1::Action> actions_;
  std::string error_;
};

bool IsBlock(const Json& json) {
  const std::string type = JsonStringOr(json, "type");
  return type == "tool_use" || type == "text" || type == "thinking" || type == "redacted_thinking";
}

bool Fits(const Json& json) {
  const Json& first = json.is_array() && !json.empty() ? json[0] : json;
  return first.is_object() && (first.contains("action") || first.contains("content") || IsBlock(first));
}

void AppendLine(std::string_view line, std::string& text) {
  if (!Trim(line).empty()) absl::StrAppend(&text, text.empty() ? "" : "\n", ToAbsl(Trim(line)));
}

// A message's blocks.
void ReadBlocks(const Json& blocks, const v1::Observation& last, ParsedAgentText& parsed) {
  Builder builder(last);
  std::string said;
  int calls = 0;
  for (const Json& block : Items(blocks)) {
    const std::string type = JsonStringOr(block, "type");
    if (type == "text") {
      AppendLine(JsonStringOr(block, "text"), said);
    } else if (type == "thinking") {
      AppendLine(JsonStringOr(block, "thinking"), parsed.thought);
    } else if (type == "tool_use" || !IsBlock(block)) {
      ++calls;
      builder.Add(type == "tool_use" ? Member(block, "input") : block);
    }
  }
  if (calls == 0 && !said.empty()) {
    parsed.action.mutable_answer()->set_text(said);
    return;
  }
  AppendLine(said, parsed.thought);
  parsed.error = calls == 0 ? absl::StrCat("There is no action in it. ", ToAbsl(kUsage)) : builder.error();
  if (parsed.error.empty()) SetActions(builder.Take(), parsed);
}

}  // namespace

ParsedAgentText ParseAnthropicComputer(std::string_view text, const v1::Observation& last) {
  ParsedAgentText parsed;
  const absl::StatusOr<JsonText> found = FindJson(text, Fits);
  if (!found.ok()) {
    parsed.error = absl::StrCat("\"", Excerpt(text), "\": ", found.status().message(), ". ", ToAbsl(kUsage));
    return parsed;
  }
  parsed.thought = found->prose;
  const Json& json = found->json;
  if (json.is_array()) {
    ReadBlocks(json, last, parsed);
  } else if (json.contains("content") && !json.contains("action")) {
    ReadBlocks(json["content"], last, parsed);
  } else {
    ReadBlocks(Json::array({json}), last, parsed);
  }
  return parsed;
}

}  // namespace proctor::env::dialects
