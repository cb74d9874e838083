// InfantAgent's actions on a computer (github.com/bin123apple/InfantAgent: infant/tools/computer_use/computeruse.py, with
// the tags of infant/agent/parser.py and the list in infant/prompt/tools_prompt.py).
//
//   text   = conclusion? "<task_finish>" ... "</task_finish>" | thought? "<execute_ipython>" calls "</execute_ipython>" | calls
//   calls  = call, one a line; at most one block, closed or not
//
//   mouse_left_click(x, y, button='left'), mouse_double_click(x, y, button='left'), mouse_right_click(x, y), mouse_move(x, y)
//   mouse_drag(x_start, y_start, x_end, y_end, button='left'), mouse_box_select(x_start, y_start, x_end, y_end)
//   mouse_scroll(direction='up' or 'down', amount=1), type_text(text), press_key(key), press_key_combination(keys), clear_text()
//   open_application(app_name), take_screenshot()
//
// Keys are xdotool's. Several calls are one sequence. A <task_finish> (or <finish>) is the final answer: the conclusion
// around it, or what stands inside it where that is not just "exit".
//
// Deviations: the agent's models name an element in words ("mouse_left_click('search bar', '...')") and another model of
// theirs finds its place; here a call needs the place that was found. -1 and -1, its "not found", is an error.
// `open_application` starts one of the session's applications instead of typing into a launcher. One unit of `amount` is one
// notch of the wheel, kWheelNotchPx. Shell commands, files, downloads and web commands are not actions on a screen and say
// so.
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/strings.h"
#include "env/dialects/action_list.h"
#include "env/dialects/call_arguments.h"
#include "env/dialects/keys.h"
#include "env/dialects/parsers.h"
#include "env/dialects/python_call.h"
#include "env/wheel.h"

namespace proctor::env::dialects {
namespace {

constexpr double kMaxNotches = 1000;

void SetPlace(CallArguments& in, v1::Target* target) {
  if (in.Text("x").has_value() || in.Text("y").has_value()) {
    in.Fail("give x and y in pixels; an element in words cannot be found here");
    return;
  }
  in.Point("x", "y", target);
  if (target->point().x() == -1 && target->point().y() == -1) in.Fail("x and y are -1: the place was not found");
}

void BuildClick(CallArguments& in, int count, v1::Click* click) {
  SetPlace(in, click->mutable_target());
  click->set_button(in.Button());
  if (count > 1) click->set_count(count);
}

void BuildDrag(CallArguments& in, const Cursor&, v1::Action& out) {
  in.Point("x_start", "y_start", out.mutable_drag()->mutable_from());
  in.Point("x_end", "y_end", out.mutable_drag()->mutable_to());
  out.mutable_drag()->set_button(in.Button());
}

void BuildScroll(CallArguments& in, const Cursor& cursor, v1::Action& out) {
  const std::string direction = in.Has("direction") ? in.String("direction") : "up";
  const double amount = in.NumberOr("amount", 1);
  if (direction != "up" && direction != "down") in.Fail("direction must be 'up' or 'down'");
  if (!(amount >= 1 && amount <= kMaxNotches)) in.Fail("amount must be 1 to 1000");
  if (cursor.at().has_value()) *out.mutable_scroll()->mutable_target()->mutable_point() = *cursor.at();
  out.mutable_scroll()->set_delta_y((direction == "up" ? -amount : amount) * kWheelNotchPx);
}

void BuildKeys(CallArguments& in, std::string_view name, v1::Action& out) {
  const std::string keys = in.String(name);
  if (keys.empty()) in.Fail("name a key, like 'Return' or 'ctrl+s'");
  out.mutable_press_keys()->add_chords(DomChord(keys));
}

struct Function {
  std::vector<std::string_view> signature;
  void (*build)(CallArguments& in, const Cursor& cursor, v1::Action& out);
};

using Functions = std::map<std::string_view, Function>;

void AddMouse(Functions& functions) {
  functions["mouse_left_click"] = {
      {"x", "y", "button", "item", "description"},
      [](CallArguments& in, const Cursor&, v1::Action& out) { BuildClick(in, 1, out.mutable_click()); }};
  functions["mouse_double_click"] = {
      {"x", "y", "button", "item", "description"},
      [](CallArguments& in, const Cursor&, v1::Action& out) { BuildClick(in, 2, out.mutable_click()); }};
  functions["mouse_right_click"] = {{"x", "y", "item", "description"}, [](CallArguments& in, const Cursor&, v1::Action& out) {
                                      SetPlace(in, out.mutable_click()->mutable_target());
                                      out.mutable_click()->set_button(v1::MOUSE_BUTTON_RIGHT);
                                    }};
  functions["mouse_move"] = {{"x", "y", "item", "description"}, [](CallArguments& in, const Cursor&, v1::Action& out) {
                               SetPlace(in, out.mutable_hover()->mutable_target());
                             }};
  functions["mouse_drag"] = {{"x_start", "y_start", "x_end", "y_end", "button"}, BuildDrag};
  functions["mouse_box_select"] = {{"x_start", "y_start", "x_end", "y_end"}, BuildDrag};
  functions["mouse_scroll"] = {{"direction", "amount"}, BuildScroll};
}

const Functions& AllFunctions() {
  static const Functions* const functions = [] {
    auto* all = new Functions;
    AddMouse(*all);
    (*all)["type_text"] = {
        {"text"}, [](CallArguments& in, const Cursor&, v1::Action& out) { out.mutable_type()->set_text(in.String("text")); }};
    (*all)["press_key"] = {{"key"}, [](CallArguments& in, const Cursor&, v1::Action& out) { BuildKeys(in, "key", out); }};
    (*all)["press_key_combination"] = {{"keys"},
                                       [](CallArguments& in, const Cursor&, v1::Action& out) { BuildKeys(in, "keys", out); }};
    (*all)["clear_text"] = {{}, [](CallArguments&, const Cursor&, v1::Action& out) {
                              out.mutable_press_keys()->add_chords("Control+a");
                              out.mutable_press_keys()->add_chords("Backspace");
                            }};
    (*all)["open_application"] = {{"app_name"}, [](CallArguments& in, const Cursor&, v1::Action& out) {
                                    out.mutable_open_app()->set_name(in.String("app_name"));
                                    if (out.open_app().name().empty()) in.Fail("app_name must name an application");
                                  }};
    (*all)["take_screenshot"] = {{"command", "top_left", "length"},
                                 [](CallArguments&, const Cursor&, v1::Action& out) { out.mutable_noop(); }};
    return all;
  }();
  return *functions;
}

std::string Usage() {
  return absl::StrCat(
      "Write one of these calls inside <execute_ipython> and </execute_ipython>, like mouse_left_click(100, 200), or "
      "<task_finish>exit</task_finish>: ",
      absl::StrJoin(AllFunctions(), ", ", [](std::string* out, const auto& entry) { out->append(entry.first); }), ".");
}

// A tag's content and the text around it.
struct Tagged {
  std::string_view inside;
  std::string around;
};

// The first `<name>...</name>`; one that is not closed goes to the end.
std::optional<Tagged> FindTag(std::string_view text, std::string_view name) {
  const std::string open = absl::StrCat("<", ToAbsl(name), ">");
  const std::string close = absl::StrCat("</", ToAbsl(name), ">");
  const size_t begin = text.find(open);
  if (begin == text.npos) return std::nullopt;
  const std::string_view rest = text.substr(begin + open.size());
  const size_t end = rest.find(close);
  const std::string_view after = end == rest.npos ? std::string_view() : rest.substr(end + close.size());
  Tagged tagged{.inside = Trim(rest.substr(0, end)), .around = std::string(Trim(text.substr(0, begin)))};
  if (!Trim(after).empty()) absl::StrAppend(&tagged.around, tagged.around.empty() ? "" : "\n", ToAbsl(Trim(after)));
  return tagged;
}

void ReadCalls(std::string_view script, const v1::Observation& last, ParsedAgentText& parsed) {
  const absl::StatusOr<std::vector<PythonCall>> calls = ParsePythonScript(script);
  if (!calls.ok()) {
    parsed.error = absl::StrCat("\"", Excerpt(script), "\": ", calls.status().message(), ". ", Usage());
    return;
  }
  Cursor cursor(last);
  std::vector<v1::Action> actions;
  for (const PythonCall& call : *calls) {
    const auto found = AllFunctions().find(call.name);
    if (found == AllFunctions().end()) {
      parsed.error = absl::StrCat("There is no action ", Excerpt(call.name), " on this screen. ", Usage());
      return;
    }
    CallArguments in(call, found->second.signature);
    v1::Action& action = actions.emplace_back();
    if (in.error().empty()) found->second.build(in, cursor, action);
    if (!in.error().empty()) {
      parsed.error = absl::StrCat(in.error(), ".");
      return;
    }
    cursor.Follow(action);
  }
  SetActions(std::move(actions), parsed);
  if (!parsed.error.empty()) absl::StrAppend(&parsed.error, " ", Usage());
}

}  // namespace

ParsedAgentText ParseInfantAgent(std::string_view text, const v1::Observation& last) {
  ParsedAgentText parsed;
  if (const auto calls = FindTag(text, "execute_ipython")) {
    parsed.thought = calls->around;
    ReadCalls(calls->inside, last, parsed);
    return parsed;
  }
  for (const std::string_view name : {"task_finish", "finish"}) {
    const auto finish = FindTag(text, name);
    if (!finish.has_value()) continue;
    const bool says_something = !finish->inside.empty() && finish->inside != "exit";
    parsed.thought = finish->around;
    parsed.action.mutable_answer()->set_text(says_something ? std::string(finish->inside) : finish->around);
    return parsed;
  }
  for (const std::string_view name : {"execute_bash", "browse"}) {
    if (!FindTag(text, name).has_value()) continue;
    parsed.error = absl::StrCat("There is no <", ToAbsl(name), "> on this screen. ", Usage());
    return parsed;
  }
  ReadCalls(text, last, parsed);
  return parsed;
}

}  // namespace proctor::env::dialects
