// OSWorld's pyautogui calls. Parsed by the grammar below, never run.
//
//   text   = thought? ("```" "python"? script "```")+ | script
//   script = (call | WAIT | DONE | FAIL), one a line or separated by ";"; comments and imports are skipped
//
//   click(x?, y?, clicks=1, interval=0, button='left', duration=0), leftClick, rightClick, middleClick, doubleClick, tripleClick
//   moveTo(x, y), moveRel(xOffset, yOffset) or move, dragTo(x, y, duration, button='left'), dragRel or drag
//   mouseDown(x?, y?, button='left'), mouseUp, scroll(clicks, x?, y?) or vscroll, hscroll
//   typewrite(message, interval=0) or write, press(keys, presses=1), hotkey('ctrl', 'c', ...), keyDown(key), keyUp(key)
//   time.sleep(seconds), pyautogui.sleep(seconds), screenshot()
//
// Names may have `pyautogui.` before them, or what the text imports it as. Arguments are literals: numbers, quoted texts (a
// fence in one is part of it), lists. The calls of all fences are one sequence. Where x and y are left out or None, the pointer stays where it is, and a
// call that needs a place needs to know where that is. WAIT waits 2 s, DONE is the (empty) final answer, FAIL gives up; the
// latter two come alone.
//
// Deviations: durations, intervals and `tween`-less motion have no effect beyond being checked: the pointer moves at once.
// One click of `scroll` is one notch of the wheel, kWheelNotchPx, as on Linux. At most 3 clicks, 64 keys, 32 calls, 30 s of
// sleep in one step. `PAUSE` and `FAILSAFE` may be set and are ignored.
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/dialects/action_list.h"
#include "env/dialects/call_arguments.h"
#include "env/dialects/keys.h"
#include "env/dialects/parsers.h"
#include "env/dialects/python_call.h"
#include "env/wheel.h"

namespace proctor::env::dialects {
namespace {

constexpr std::string_view kUsage =
    "Write calls with literal arguments, one a line, like pyautogui.click(100, 200), pyautogui.write('text'), "
    "pyautogui.hotkey('ctrl', 's'), time.sleep(1); or WAIT, DONE or FAIL alone.";
constexpr int kWaitSeconds = 2;
constexpr double kMaxSleepSeconds = 30;
constexpr double kMaxSeconds = 3600;
constexpr double kMaxNotches = 1000;
constexpr int kMaxChords = 64;

// Builds the actions of a script, call after call.
class Builder {
 public:
  explicit Builder(const v1::Observation& last) : cursor_(last) {}

  std::vector<v1::Action> Take() { return std::move(actions_); }

  // The problem with the call, or "".
  std::string Add(const PythonCall& call) {
    std::string_view name = call.name;
    if (absl::StartsWith(ToAbsl(name), "pyautogui.")) name.remove_prefix(10);
    if (name == "hotkey") return Hotkey(call);
    const auto found = Functions().find(name);
    if (found == Functions().end()) {
      return absl::StrCat("There is no function ", Excerpt(call.name), " here. ", ToAbsl(kUsage));
    }
    CallArguments in(call, found->second.signature);
    if (in.error().empty()) (this->*found->second.build)(in);
    return in.error();
  }

  void Wait() { actions_.emplace_back().mutable_wait()->mutable_duration()->set_seconds(kWaitSeconds); }

 private:
  struct Function {
    std::vector<std::string_view> signature;
    void (Builder::*build)(CallArguments& in);
  };

  static const std::map<std::string_view, Function>& Functions() {
    static const auto* const functions = [] {
      const std::vector<std::string_view> click = {"x", "y", "clicks", "interval", "button", "duration"};
      const std::vector<std::string_view> one = {"x", "y", "interval", "duration"};
      const std::vector<std::string_view> more = {"x", "y", "interval", "button", "duration"};
      const std::vector<std::string_view> move = {"x", "y", "duration"};
      const std::vector<std::string_view> move_by = {"xOffset", "yOffset", "duration"};
      const std::vector<std::string_view> drag = {"x", "y", "duration", "button"};
      const std::vector<std::string_view> drag_by = {"xOffset", "yOffset", "duration", "button"};
      const std::vector<std::string_view> press = {"x", "y", "button", "duration"};
      const std::vector<std::string_view> scroll = {"clicks", "x", "y"};
      return new std::map<std::string_view, Function>{
          {"click", {click, &Builder::Click}},
          {"leftClick", {one, &Builder::Click}},
          {"rightClick", {one, &Builder::RightClick}},
          {"middleClick", {one, &Builder::MiddleClick}},
          {"doubleClick", {more, &Builder::DoubleClick}},
          {"tripleClick", {more, &Builder::TripleClick}},
          {"moveTo", {move, &Builder::MoveTo}},
          {"moveRel", {move_by, &Builder::MoveBy}},
          {"move", {move_by, &Builder::MoveBy}},
          {"dragTo", {drag, &Builder::DragTo}},
          {"dragRel", {drag_by, &Builder::DragBy}},
          {"drag", {drag_by, &Builder::DragBy}},
          {"mouseDown", {press, &Builder::MouseDown}},
          {"mouseUp", {press, &Builder::MouseUp}},
          {"scroll", {scroll, &Builder::Scroll}},
          {"vscroll", {scroll, &Builder::Scroll}},
          {"hscroll", {scroll, &Builder::ScrollSideways}},
          {"typewrite", {{"message", "interval"}, &Builder::Write}},
          {"write", {{"message", "interval"}, &Builder::Write}},
          {"press", {{"keys", "presses", "interval"}, &Builder::Press}},
          {"keyDown", {{"key"}, &Builder::KeyDown}},
          {"keyUp", {{"key"}, &Builder::KeyUp}},
          {"time.sleep", {{"seconds"}, &Builder::Sleep}},
          {"sleep", {{"seconds"}, &Builder::Sleep}},
          {"screenshot", {{}, &Builder::Screenshot}},
      };
    }();
    return *functions;
  }

  void Done(v1::Action action) {
    cursor_.Follow(action);
    actions_.push_back(std::move(action));
  }

  // The point that x and y name; what is left out stays as it is.
  v1::Point Place(CallArguments& in) {
    v1::Point point;
    if (in.Has("x") && in.Has("y")) {
      point.set_x(in.Number("x"));
      point.set_y(in.Number("y"));
    } else if (!cursor_.at().has_value()) {
      in.Fail("give x and y: it is not known where the pointer is");
    } else {
      point.set_x(in.NumberOr("x", cursor_.at()->x()));
      point.set_y(in.NumberOr("y", cursor_.at()->y()));
    }
    CheckTimes(in);
    return point;
  }

  v1::Point PlaceBy(CallArguments& in) {
    v1::Point point;
    if (!cursor_.at().has_value()) {
      in.Fail("it is not known where the pointer is; use moveTo or dragTo");
      return point;
    }
    point.set_x(cursor_.at()->x() + in.NumberOr("xOffset", 0));
    point.set_y(cursor_.at()->y() + in.NumberOr("yOffset", 0));
    CheckTimes(in);
    return point;
  }

  static void CheckTimes(CallArguments& in) {
    for (const std::string_view name : {"duration", "interval"}) {
      const double seconds = in.NumberOr(name, 0);
      if (!(seconds >= 0 && seconds <= kMaxSeconds)) in.Fail(absl::StrCat(ToAbsl(name), " must be seconds"));
    }
  }

  void ClickWith(CallArguments& in, v1::MouseButton button, double count) {
    v1::Action action;
    *action.mutable_click()->mutable_target()->mutable_point() = Place(in);
    action.mutable_click()->set_button(button);
    if (count != 1 && count != 2 && count != 3) {
      in.Fail("clicks must be 1, 2 or 3");
    } else if (count > 1) {
      action.mutable_click()->set_count(static_cast<int>(count));
    }
    Done(std::move(action));
  }
  void Click(CallArguments& in) { ClickWith(in, in.Button(), in.NumberOr("clicks", 1)); }
  void RightClick(CallArguments& in) { ClickWith(in, v1::MOUSE_BUTTON_RIGHT, 1); }
  void MiddleClick(CallArguments& in) { ClickWith(in, v1::MOUSE_BUTTON_MIDDLE, 1); }
  void DoubleClick(CallArguments& in) { ClickWith(in, in.Button(), 2); }
  void TripleClick(CallArguments& in) { ClickWith(in, in.Button(), 3); }

  void HoverAt(const v1::Point& point) {
    v1::Action action;
    *action.mutable_hover()->mutable_target()->mutable_point() = point;
    Done(std::move(action));
  }
  void MoveTo(CallArguments& in) { HoverAt(Place(in)); }
  void MoveBy(CallArguments& in) { HoverAt(PlaceBy(in)); }

  void DragFromHere(CallArguments& in, const v1::Point& to) {
    v1::Action action;
    if (cursor_.at().has_value()) {
      *action.mutable_drag()->mutable_from()->mutable_point() = *cursor_.at();
    } else {
      in.Fail("it is not known where the pointer is; call moveTo first");
    }
    *action.mutable_drag()->mutable_to()->mutable_point() = to;
    action.mutable_drag()->set_button(in.Button());
    Done(std::move(action));
  }
  void DragTo(CallArguments& in) { DragFromHere(in, Place(in)); }
  void DragBy(CallArguments& in) { DragFromHere(in, PlaceBy(in)); }

  void MouseDown(CallArguments& in) {
    v1::Action action;
    action.mutable_mouse_down()->set_button(in.Button());
    if (in.Has("x") || in.Has("y")) *action.mutable_mouse_down()->mutable_target()->mutable_point() = Place(in);
    Done(std::move(action));
  }
  void MouseUp(CallArguments& in) {
    v1::Action action;
    action.mutable_mouse_up()->set_button(in.Button());
    if (in.Has("x") || in.Has("y")) *action.mutable_mouse_up()->mutable_target()->mutable_point() = Place(in);
    Done(std::move(action));
  }

  // Pixels of as many notches as `clicks` says.
  static double Distance(CallArguments& in) {
    const double clicks = in.Number("clicks");
    if (!(std::abs(clicks) >= 1 && std::abs(clicks) <= kMaxNotches)) in.Fail("clicks must be 1 to 1000, or negative");
    return std::trunc(clicks) * kWheelNotchPx;
  }
  v1::Action ScrollHere(CallArguments& in) {
    v1::Action action;
    if (in.Has("x") || in.Has("y") || cursor_.at().has_value()) {
      *action.mutable_scroll()->mutable_target()->mutable_point() = Place(in);
    }
    return action;
  }
  void Scroll(CallArguments& in) {
    v1::Action action = ScrollHere(in);
    action.mutable_scroll()->set_delta_y(-Distance(in));  // upwards is positive in pyautogui
    Done(std::move(action));
  }
  void ScrollSideways(CallArguments& in) {
    v1::Action action = ScrollHere(in);
    action.mutable_scroll()->set_delta_x(Distance(in));
    Done(std::move(action));
  }

  // A text is typed; a list is one of keys.
  void Write(CallArguments& in) {
    CheckTimes(in);
    const std::optional<std::string> text = in.Text("message");
    if (text.has_value()) {
      actions_.emplace_back().mutable_type()->set_text(*text);
      return;
    }
    AddChords(in, in.Strings("message"), 1);
  }

  void Press(CallArguments& in) {
    CheckTimes(in);
    AddChords(in, in.Strings("keys"), in.NumberOr("presses", 1));
  }

  void AddChords(CallArguments& in, const std::vector<std::string>& keys, double times) {
    if (keys.empty() || !(times >= 1 && times * static_cast<double>(keys.size()) <= kMaxChords)) {
      in.Fail("name 1 to 64 keys, repeats counted");
      return;
    }
    v1::PressKeys* press = actions_.emplace_back().mutable_press_keys();
    for (int i = 0; i < static_cast<int>(times); ++i) {
      for (const std::string& key : keys) press->add_chords(DomKey(key));
    }
  }

  // Any number of keys, or one list of them.
  std::string Hotkey(const PythonCall& call) {
    PythonCall listed;
    listed.name = call.name;
    listed.named = call.named;
    const bool is_list =
        call.positional.size() == 1 && std::holds_alternative<std::vector<PythonValue>>(call.positional[0].value);
    listed.positional.push_back(is_list ? call.positional[0] : PythonValue{call.positional});
    CallArguments in(listed, {"keys", "interval"});
    CheckTimes(in);
    const std::vector<std::string> keys = in.Strings("keys");
    if (keys.empty() || keys.size() > kMaxChords) in.Fail("name the keys, like 'ctrl', 'c'");
    if (in.error().empty()) actions_.emplace_back().mutable_press_keys()->add_chords(DomChord(keys));
    return in.error();
  }

  void KeyDown(CallArguments& in) { actions_.emplace_back().mutable_key_down()->set_key(Key(in)); }
  void KeyUp(CallArguments& in) { actions_.emplace_back().mutable_key_up()->set_key(Key(in)); }
  static std::string Key(CallArguments& in) {
    const std::string key = in.String("key");
    if (key.empty()) in.Fail("key must name a key");
    return DomKey(key);
  }

  void Sleep(CallArguments& in) {
    v1::Action action;
    const double seconds = in.Number("seconds");
    if (!SetSeconds(seconds, kMaxSleepSeconds, action.mutable_wait()->mutable_duration())) {
      in.Fail("at most 30 seconds in one step");
    }
    // A wait without a duration is a second.
    if (seconds == 0) action.mutable_noop();
    actions_.push_back(std::move(action));
  }

  void Screenshot(CallArguments&) { actions_.emplace_back().mutable_noop(); }

  Cursor cursor_;
  std::vector<v1::Action> actions_;
};

// The text before the first fence, and what the fences hold, line after line; without a fence everything is the script.
struct Parts {
  std::string thought;
  std::string script;
};

Parts Split(std::string_view text) {
  constexpr std::string_view kFence = "```";
  Parts parts;
  size_t open = text.find(kFence);
  if (open == text.npos) return {"", std::string(text)};
  parts.thought = std::string(Trim(text.substr(0, open)));
  while (open != text.npos) {
    std::string_view inside = text.substr(open + kFence.size());
    // A text that is typed may hold fences of its own.
    const size_t close = FindOutsidePythonStrings(inside, kFence);
    open = close == text.npos ? text.npos : text.find(kFence, open + 2 * kFence.size() + close);
    inside = inside.substr(0, close);
    const size_t line = inside.find('\n');
    const std::string_view language = Trim(inside.substr(0, line));
    if (line != inside.npos && (language == "python" || language == "Python" || language == "py")) inside.remove_prefix(line);
    absl::StrAppend(&parts.script, ToAbsl(inside), "\n");
  }
  return parts;
}

}  // namespace

ParsedAgentText ParsePyAutoGui(std::string_view text, const v1::Observation& last) {
  ParsedAgentText parsed;
  const Parts parts = Split(text);
  parsed.thought = parts.thought;
  const absl::StatusOr<std::vector<PythonCall>> calls =
      ParsePythonScript(parts.script, {.settings = {"pyautogui.PAUSE", "pyautogui.FAILSAFE"}, .codes = {"WAIT", "DONE", "FAIL"}});
  if (!calls.ok()) {
    parsed.error = absl::StrCat("\"", Excerpt(parts.script), "\": ", calls.status().message(), ". ", ToAbsl(kUsage));
    return parsed;
  }
  Builder builder(last);
  std::vector<v1::Action> ends;
  for (const PythonCall& call : *calls) {
    const bool bare = call.positional.empty() && call.named.empty();
    if (bare && call.name == "WAIT") {
      builder.Wait();
    } else if (bare && call.name == "DONE") {
      ends.emplace_back().mutable_answer();
    } else if (bare && call.name == "FAIL") {
      ends.emplace_back().mutable_give_up();
    } else {
      parsed.error = builder.Add(call);
    }
    if (!parsed.error.empty()) return parsed;
  }
  std::vector<v1::Action> actions = builder.Take();
  actions.insert(actions.end(), ends.begin(), ends.end());
  SetActions(std::move(actions), parsed);
  if (!parsed.error.empty()) absl::StrAppend(&parsed.error, " ", ToAbsl(kUsage));
  return parsed;
}

}  // namespace proctor::env::dialects
