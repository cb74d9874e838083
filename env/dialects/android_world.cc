// AndroidWorld's JSONAction (google-research/android_world: android_world/env/json_action.py, actuation.py).
//
//   text = ("Reason:" reason "Action:")? json
//   json = {"action_type": type, ...} with
//
//   click, double_tap, long_press     index, or x and y
//   input_text                        text, index or x and y (or neither: what has the focus), clear_text?; Enter follows
//   scroll                            direction (up, down, left, right), index?
//   swipe                             direction
//   keyboard_enter, navigate_home, navigate_back, wait (1 s), unknown (does nothing)
//   open_app                          app_name
//   answer                            text
//   status                            goal_status: complete, or infeasible
//
// `index` counts the last observation's list of elements from 0, as AndroidWorld counts its own: it is not a mark. Index 0
// is the first element of the list, whatever its mark. x and y are pixels of the screen. What stands before the JSON is the
// thought.
//
// `scroll` moves the content by half of the element's or the screen's size, as the original's finger does; `down` shows what
// is below. `swipe` moves a finger over the whole screen in 0.5 s, in the directions of the original: up and down as said,
// but `left` from the left edge to the right one and `right` from the right edge to the left one.
//
// Deviations: `answer` ends the episode; in the original a `status` follows it. A scroll of index 0 scrolls that element and
// not the screen. A field that is none is an error, and so is `input_text` without a text, which the original ignores. Only
// JSON is read, not Python's {'action_type': ...}, which the original's agents may write as well.
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/dialects/json_text.h"
#include "env/dialects/parsers.h"

namespace proctor::env::dialects {
namespace {

constexpr std::string_view kUsage =
    "Write one JSON object, like {\"action_type\": \"click\", \"index\": 3}; types: click, double_tap, long_press, input_text, "
    "keyboard_enter, navigate_home, navigate_back, open_app, scroll, swipe, status, answer, wait, unknown.";

// The element of `index`; reports what is wrong with it.
const v1::Element* FindElement(JsonFields& in, const v1::Observation& last) {
  const Json& index = in.Get("index");
  double number = -1;
  if (index.is_number()) number = index.get<double>();
  if (index.is_string() && !absl::SimpleAtod(index.get<std::string>(), &number)) number = -1;
  if (last.elements().empty()) {
    in.Fail("the last observation lists no elements: give x and y");
  } else if (!(number >= 0 && number < last.elements_size() && number == std::floor(number))) {
    in.Fail(absl::StrCat("\"index\" must be from 0 to ", last.elements_size() - 1));
  } else {
    return &last.elements(static_cast<int>(number));
  }
  return nullptr;
}

void SetTarget(JsonFields& in, const v1::Observation& last, v1::Target* target) {
  if (!in.Has("index")) {
    *target->mutable_point() = in.Point();
  } else if (in.Has("x") || in.Has("y")) {
    in.Fail("give an index, or x and y, not both");
  } else if (const v1::Element* element = FindElement(in, last)) {
    target->set_mark(element->mark());
  }
}

void BuildInput(JsonFields& in, const v1::Observation& last, v1::Type* type) {
  if (in.Has("index") || in.Has("x") || in.Has("y")) SetTarget(in, last, type->mutable_target());
  // As in the original, a number is a text, too.
  const Json& text = in.Get("text");
  type->set_text(text.is_string() ? text.get<std::string>() : text.is_null() ? "" : DumpJson(text));
  if (type->text().empty()) in.Fail("\"text\" must not be empty");
  type->set_clear(in.Get("clear_text").is_boolean() && in.Get("clear_text").get<bool>());
  type->set_submit(true);
}

void BuildScroll(JsonFields& in, const v1::Observation& last, v1::Scroll* scroll) {
  double width = ViewportWidth(last);
  double height = ViewportHeight(last);
  if (in.Has("index")) {
    const v1::Element* element = FindElement(in, last);
    if (element == nullptr) return;
    scroll->mutable_target()->set_mark(element->mark());
    if (element->box().width() > 0) width = std::min(width, element->box().width());
    if (element->box().height() > 0) height = std::min(height, element->box().height());
  }
  const std::string direction = in.String("direction");
  if (direction == "up" || direction == "down") {
    scroll->set_delta_y(direction == "up" ? -height / 2 : height / 2);
  } else if (direction == "left" || direction == "right") {
    scroll->set_delta_x(direction == "left" ? -width / 2 : width / 2);
  } else {
    in.Fail("\"direction\" must be up, down, left or right");
  }
}

void BuildSwipe(JsonFields& in, v1::Swipe* swipe) {
  struct Line {
    double from_x, from_y, to_x, to_y;
  };
  static const auto* const lines = new std::map<std::string, Line>{
      {"down", {0.5, 0, 0.5, 1}}, {"up", {0.5, 1, 0.5, 0}}, {"left", {0, 0.5, 1, 0.5}}, {"right", {1, 0.5, 0, 0.5}}};
  const auto line = lines->find(in.String("direction"));
  if (line == lines->end()) {
    in.Fail("\"direction\" must be up, down, left or right");
    return;
  }
  swipe->mutable_from()->mutable_fraction()->set_x(line->second.from_x);
  swipe->mutable_from()->mutable_fraction()->set_y(line->second.from_y);
  swipe->mutable_to()->mutable_fraction()->set_x(line->second.to_x);
  swipe->mutable_to()->mutable_fraction()->set_y(line->second.to_y);
  swipe->mutable_duration()->set_nanos(500'000'000);
}

void BuildStatus(JsonFields& in, v1::Action& action) {
  const std::string status = in.String("goal_status");
  if (status == "complete") {
    action.mutable_answer();
  } else if (status == "infeasible") {
    action.mutable_give_up();
  } else {
    in.Fail("\"goal_status\" must be complete or infeasible");
  }
}

// Clicks and what else goes to one place; false if `type` is none of them.
bool BuildTouch(const std::string& type, JsonFields& in, const v1::Observation& last, v1::Action& action) {
  if (type == "click" || type == "double_tap") {
    SetTarget(in, last, action.mutable_click()->mutable_target());
    if (type == "double_tap") action.mutable_click()->set_count(2);
  } else if (type == "long_press") {
    SetTarget(in, last, action.mutable_long_press()->mutable_target());
  } else if (type == "input_text") {
    BuildInput(in, last, action.mutable_type());
  } else if (type == "scroll") {
    BuildScroll(in, last, action.mutable_scroll());
  } else if (type == "swipe") {
    BuildSwipe(in, action.mutable_swipe());
  } else {
    return false;
  }
  return true;
}

void BuildAction(const std::string& type, JsonFields& in, const v1::Observation& last, v1::Action& action) {
  if (BuildTouch(type, in, last, action)) return;
  if (type == "keyboard_enter") {
    action.mutable_press_button()->set_button(v1::DEVICE_BUTTON_ENTER);
  } else if (type == "navigate_home") {
    action.mutable_press_button()->set_button(v1::DEVICE_BUTTON_HOME);
  } else if (type == "navigate_back") {
    action.mutable_press_button()->set_button(v1::DEVICE_BUTTON_BACK);
  } else if (type == "open_app") {
    action.mutable_open_app()->set_name(in.String("app_name"));
    if (action.open_app().name().empty()) in.Fail("\"app_name\" must not be empty");
  } else if (type == "answer") {
    action.mutable_answer()->set_text(in.String("text"));
  } else if (type == "status") {
    BuildStatus(in, action);
  } else if (type == "wait") {
    action.mutable_wait()->mutable_duration()->set_seconds(1);
  } else if (type == "unknown") {
    action.mutable_noop();
  } else {
    in.Fail(absl::StrCat("there is no such action_type. ", ToAbsl(kUsage)));
  }
}

void CheckFields(const Json& json, JsonFields& in) {
  static const auto* const known = new std::set<std::string>{"action_type", "index",       "x",        "y",       "text",
                                                             "direction",   "goal_status", "app_name", "keycode", "clear_text"};
  for (const auto& [name, value] : json.items()) {
    if (known->count(name) == 0) in.Fail(absl::StrCat("there is no field \"", Excerpt(name), "\""));
  }
}

// Without the words that AndroidWorld's agents write before their parts.
std::string Thought(std::string_view prose) {
  constexpr std::string_view kReason = "Reason:";
  constexpr std::string_view kAction = "Action:";
  if (prose.ends_with(kAction)) prose.remove_suffix(kAction.size());
  prose = Trim(prose);
  if (prose.starts_with(kReason)) prose.remove_prefix(kReason.size());
  return std::string(Trim(prose));
}

bool Fits(const Json& json) { return json.is_object() && json.contains("action_type"); }

}  // namespace

ParsedAgentText ParseAndroidWorld(std::string_view text, const v1::Observation& last) {
  ParsedAgentText parsed;
  const absl::StatusOr<JsonText> found = FindJson(text, Fits);
  if (!found.ok()) {
    parsed.error = absl::StrCat("\"", Excerpt(text), "\": ", found.status().message(), ". ", ToAbsl(kUsage));
    return parsed;
  }
  parsed.thought = Thought(found->prose);
  const std::string type = JsonStringOr(found->json, "action_type");
  const std::string what = Excerpt(type);
  JsonFields in(found->json, what);
  CheckFields(found->json, in);
  BuildAction(type, in, last, parsed.action);
  parsed.error = in.error();
  return parsed;
}

}  // namespace proctor::env::dialects
