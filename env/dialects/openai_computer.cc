// OpenAI's computer use (Responses API).
//
//   text   = prose? json
//   json   = action | item | [action or item, ...] | {"output": [item, ...]}
//   item   = {"type": "computer_call", "action": action} | {"type": "computer_call", "actions": [action, ...]}
//          | {"type": "message", "content": [{"type": "output_text", "text": ...}]}
//          | {"type": "reasoning", "summary": [{"text": ...}]}
//   action = {"type": "click", "x", "y", "button": left | right | wheel | back | forward, "keys"?}
//          | {"type": "double_click", "x", "y", "keys"?} | {"type": "move", "x", "y"}
//          | {"type": "drag", "path": [{"x", "y"}, ...]} | {"type": "scroll", "x", "y", "scroll_x", "scroll_y"}
//          | {"type": "keypress", "keys": [...]} | {"type": "type", "text"} | {"type": "wait"} | {"type": "screenshot"}
//
// Points and scroll distances are pixels of the screen. The keys of a keypress are one chord. Several actions are one
// sequence. A message without a call is the final answer, as the loop of OpenAI's samples ends there; reasoning is the
// thought.
//
// Deviations: `back` and `forward` buttons are the keys Alt+Left and Alt+Right, since actions have three buttons. `wait` has
// no duration in the original and is 2 s here, the pause of OpenAI's samples. Pending safety checks are not looked at:
// acknowledging them is the client's. A scroll by 0 is an error.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/dialects/action_list.h"
#include "env/dialects/json_text.h"
#include "env/dialects/keys.h"
#include "env/dialects/parsers.h"

namespace proctor::env::dialects {
namespace {

constexpr std::string_view kUsage =
    "Write one JSON object, like {\"type\": \"click\", \"x\": 10, \"y\": 20, \"button\": \"left\"}; types: click, "
    "double_click, "
    "scroll, type, wait, keypress, drag, move, screenshot.";
constexpr int kWaitSeconds = 2;
constexpr size_t kMaxPath = 256;

void BuildClick(JsonFields& in, int count, v1::Action& action) {
  const std::string button = in.Has("button") ? in.String("button") : "left";
  if (button == "back" || button == "forward") {
    action.mutable_press_keys()->add_chords(button == "back" ? "Alt+ArrowLeft" : "Alt+ArrowRight");
    return;
  }
  v1::Click* click = action.mutable_click();
  *click->mutable_target()->mutable_point() = in.Point();
  click->set_button(v1::MOUSE_BUTTON_LEFT);
  if (count > 1) click->set_count(count);
  if (button == "right") {
    click->set_button(v1::MOUSE_BUTTON_RIGHT);
  } else if (button == "wheel" || button == "middle") {
    click->set_button(v1::MOUSE_BUTTON_MIDDLE);
  } else if (button != "left") {
    in.Fail("\"button\" must be left, right, wheel, back or forward");
  }
  if (!in.Has("keys")) return;
  for (const std::string& key : in.Strings("keys")) {
    if (const auto modifier = ModifierOf(key)) {
      click->add_modifiers(*modifier);
    } else {
      in.Fail("\"keys\" of a click are ALT, CTRL, META and SHIFT");
    }
  }
}

std::vector<v1::Point> ReadPath(const Json& path) {
  std::vector<v1::Point> points;
  for (const Json& place : Items(path)) {
    if (!ReadPoint(place, points.emplace_back())) return {};
  }
  return points;
}

void BuildDrag(JsonFields& in, v1::Drag* drag) {
  const std::vector<v1::Point> points = ReadPath(in.Get("path"));
  if (points.size() < 2 || points.size() > kMaxPath) {
    in.Fail("\"path\" must be a list of 2 to 256 points, each like {\"x\": 10, \"y\": 20}");
    return;
  }
  *drag->mutable_from()->mutable_point() = points.front();
  *drag->mutable_to()->mutable_point() = points.back();
  for (size_t i = 1; i + 1 < points.size(); ++i) *drag->add_via() = points[i];
}

void BuildScroll(JsonFields& in, v1::Scroll* scroll) {
  *scroll->mutable_target()->mutable_point() = in.Point();
  scroll->set_delta_x(in.Has("scroll_x") ? in.Number("scroll_x") : 0);
  scroll->set_delta_y(in.Has("scroll_y") ? in.Number("scroll_y") : 0);
  if (scroll->delta_x() == 0 && scroll->delta_y() == 0) in.Fail("\"scroll_x\" or \"scroll_y\" must not be 0");
}

void BuildAction(const std::string& type, JsonFields& in, v1::Action& action) {
  if (type == "click") {
    BuildClick(in, 1, action);
  } else if (type == "double_click") {
    BuildClick(in, 2, action);
  } else if (type == "move") {
    *action.mutable_hover()->mutable_target()->mutable_point() = in.Point();
  } else if (type == "drag") {
    BuildDrag(in, action.mutable_drag());
  } else if (type == "scroll") {
    BuildScroll(in, action.mutable_scroll());
  } else if (type == "keypress") {
    action.mutable_press_keys()->add_chords(DomChord(in.Strings("keys")));
  } else if (type == "type") {
    action.mutable_type()->set_text(in.String("text"));
  } else if (type == "wait") {
    action.mutable_wait()->mutable_duration()->set_seconds(kWaitSeconds);
  } else if (type == "screenshot") {
    action.mutable_noop();
  } else {
    in.Fail(absl::StrCat("there is no such type. ", ToAbsl(kUsage)));
  }
}

// The texts of a list of parts, [{"text": ...}, ...].
std::string Texts(const Json& parts) {
  std::string texts;
  for (const Json& part : Items(parts)) {
    const std::string text = JsonStringOr(part, "text");
    if (!text.empty()) absl::StrAppend(&texts, texts.empty() ? "" : "\n", text);
  }
  return texts;
}

class Reader {
 public:
  explicit Reader(ParsedAgentText& parsed) : parsed_(parsed) {}

  void Read(const Json& json) {
    if (json.is_array()) {
      for (const Json& item : json) ReadItem(item);
    } else {
      ReadItem(json);
    }
    if (!parsed_.error.empty()) return;
    if (actions_.empty() && !message_.empty()) actions_.emplace_back().mutable_answer()->set_text(message_);
    if (actions_.empty()) {
      parsed_.error = absl::StrCat("There is no action in it. ", ToAbsl(kUsage));
      return;
    }
    AddThought(message_);
    SetActions(std::move(actions_), parsed_);
  }

 private:
  void ReadItem(const Json& item) {
    if (!parsed_.error.empty()) return;
    const std::string type = JsonStringOr(item, "type");
    if (type == "computer_call") {
      ReadCall(item);
    } else if (type == "reasoning") {
      AddThought(Texts(Member(item, "summary")));
    } else if (type == "message") {
      message_ = Texts(Member(item, "content"));
    } else if (item.is_object() && item.contains("output")) {
      for (const Json& part : Items(item["output"])) {
        if (!part.contains("output")) ReadItem(part);
      }
    } else {
      ReadAction(item);
    }
  }

  void ReadCall(const Json& call) {
    if (call.contains("action")) {
      ReadAction(call["action"]);
    } else {
      for (const Json& action : Items(Member(call, "actions"))) ReadAction(action);
    }
  }

  void ReadAction(const Json& json) {
    if (!parsed_.error.empty()) return;
    const std::string type = JsonStringOr(json, "type");
    if (type.empty()) {
      parsed_.error = absl::StrCat("The action has no \"type\". ", ToAbsl(kUsage));
      return;
    }
    const std::string what = Excerpt(type);
    JsonFields in(json, what);
    v1::Action action;
    BuildAction(type, in, action);
    parsed_.error = in.error();
    actions_.push_back(std::move(action));
  }

  void AddThought(const std::string& text) {
    if (!text.empty()) absl::StrAppend(&parsed_.thought, parsed_.thought.empty() ? "" : "\n", text);
  }

  ParsedAgentText& parsed_;
  std::vector<v1::Action> actions_;
  std::string message_;
};

bool Fits(const Json& json) {
  const Json& first = json.is_array() && !json.empty() ? json[0] : json;
  return first.is_object() && (first.contains("type") || first.contains("output"));
}

}  // namespace

ParsedAgentText ParseOpenAiComputer(std::string_view text) {
  ParsedAgentText parsed;
  const absl::StatusOr<JsonText> found = FindJson(text, Fits);
  if (!found.ok()) {
    parsed.error = absl::StrCat("\"", Excerpt(text), "\": ", found.status().message(), ". ", ToAbsl(kUsage));
    return parsed;
  }
  parsed.thought = found->prose;
  Reader(parsed).Read(found->json);
  return parsed;
}

}  // namespace proctor::env::dialects
