#include <vector>

#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

constexpr v1::Dialect kDialect = v1::DIALECT_ANDROID_WORLD;

TEST(AndroidWorldTest, ParsesEveryAction) {
  const Row rows[] = {
      // Indices count the list of elements from 0: here the marks 9 and 12.
      {R"({"action_type": "click", "index": 0})", R"({"click":{"target":{"mark":9}}})"},
      {R"({"action_type": "click", "index": 1})", R"({"click":{"target":{"mark":12}}})"},
      {R"({"action_type": "click", "index": "1"})", R"({"click":{"target":{"mark":12}}})"},
      {R"({"action_type": "click", "x": 10, "y": 20})", R"({"click":{"target":{"point":{"x":10,"y":20}}}})"},
      {R"({"action_type": "double_tap", "index": 0})", R"({"click":{"target":{"mark":9},"count":2}})"},
      {R"({"action_type": "double_tap", "x": 1, "y": 2})", R"({"click":{"target":{"point":{"x":1,"y":2}},"count":2}})"},
      {R"({"action_type": "long_press", "index": 1})", R"({"long_press":{"target":{"mark":12}}})"},
      {R"({"action_type": "long_press", "x": 1, "y": 2})", R"({"long_press":{"target":{"point":{"x":1,"y":2}}}})"},
      {R"({"action_type": "input_text", "text": "milk", "index": 1})",
       R"({"type":{"target":{"mark":12},"text":"milk","submit":true}})"},
      {R"({"action_type": "input_text", "text": "milk", "index": 1, "clear_text": true})",
       R"({"type":{"target":{"mark":12},"text":"milk","submit":true,"clear":true}})"},
      {R"({"action_type": "input_text", "text": "milk"})", R"({"type":{"text":"milk","submit":true}})"},
      {R"({"action_type": "input_text", "text": 12, "x": 1, "y": 2})",
       R"({"type":{"target":{"point":{"x":1,"y":2}},"text":"12","submit":true}})"},
      {R"({"action_type": "keyboard_enter"})", R"({"press_button":{"button":"DEVICE_BUTTON_ENTER"}})"},
      {R"({"action_type": "navigate_home"})", R"({"press_button":{"button":"DEVICE_BUTTON_HOME"}})"},
      {R"({"action_type": "navigate_back"})", R"({"press_button":{"button":"DEVICE_BUTTON_BACK"}})"},
      {R"({"action_type": "open_app", "app_name": "Contacts"})", R"({"open_app":{"name":"Contacts"}})"},
      {R"({"action_type": "scroll", "direction": "down"})", R"({"scroll":{"delta_y":384}})"},
      {R"({"action_type": "scroll", "direction": "up"})", R"({"scroll":{"delta_y":-384}})"},
      {R"({"action_type": "scroll", "direction": "right"})", R"({"scroll":{"delta_x":512}})"},
      {R"({"action_type": "scroll", "direction": "left", "index": 1})", R"({"scroll":{"target":{"mark":12},"delta_x":-200}})"},
      {R"({"action_type": "scroll", "direction": "down", "index": 0})", R"({"scroll":{"target":{"mark":9},"delta_y":150}})"},
      {R"({"action_type": "swipe", "direction": "up"})",
       R"({"swipe":{"from":{"fraction":{"x":0.5,"y":1}},"to":{"fraction":{"x":0.5,"y":0}},"duration":"0.5s"}})"},
      {R"({"action_type": "swipe", "direction": "down"})",
       R"({"swipe":{"from":{"fraction":{"x":0.5,"y":0}},"to":{"fraction":{"x":0.5,"y":1}},"duration":"0.5s"}})"},
      {R"({"action_type": "swipe", "direction": "left"})",
       R"({"swipe":{"from":{"fraction":{"x":0,"y":0.5}},"to":{"fraction":{"x":1,"y":0.5}},"duration":"0.5s"}})"},
      {R"({"action_type": "swipe", "direction": "right"})",
       R"({"swipe":{"from":{"fraction":{"x":1,"y":0.5}},"to":{"fraction":{"x":0,"y":0.5}},"duration":"0.5s"}})"},
      {R"({"action_type": "answer", "text": "At 10:30."})", R"({"answer":{"text":"At 10:30."}})"},
      {R"({"action_type": "status", "goal_status": "complete"})", R"({"answer":{}})"},
      {R"({"action_type": "status", "goal_status": "infeasible"})", R"({"give_up":{}})"},
      {R"({"action_type": "wait"})", R"({"wait":{"duration":"1s"}})"},
      {R"({"action_type": "unknown"})", R"({"noop":{}})"},
      {"Reason: It is there.\nAction: {\"action_type\": \"click\", \"index\": 0}", R"({"click":{"target":{"mark":9}}})"},
      {R"({"action_type": "click", "index": 0, "x": null, "y": null, "keycode": "KEYCODE_ENTER"})",
       R"({"click":{"target":{"mark":9}}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AndroidWorldTest, TheReasonIsTheThought) {
  EXPECT_EQ(ParseWith(kDialect, "Reason: It is\nthere.\nAction: {\"action_type\": \"wait\"}").thought, "It is\nthere.");
}

TEST(AndroidWorldTest, AnIndexNeedsAListOfElements) {
  v1::Observation bare = LastObservation();
  bare.clear_elements();
  EXPECT_NE(ParseWith(kDialect, R"({"action_type": "click", "index": 0})", bare).error.find("lists no elements"), std::string::npos);
}

TEST(AndroidWorldTest, SaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "Write one JSON object"},
      {"click 3", "", "no JSON object"},
      {"{'action_type': 'click', 'index': 0}", "", "malformed"},
      {R"({"type": "click"})", "", "not an action"},
      {R"({"action_type": "tap", "index": 0})", "", "types: click"},
      {R"({"action_type": "click"})", "", "\"x\" must be a number"},
      {R"({"action_type": "click", "index": 2})", "", "from 0 to 1"},
      {R"({"action_type": "click", "index": -1})", "", "from 0 to 1"},
      {R"({"action_type": "click", "index": 0.5})", "", "from 0 to 1"},
      {R"({"action_type": "click", "index": "a"})", "", "from 0 to 1"},
      {R"({"action_type": "click", "index": 0, "x": 1, "y": 2})", "", "not both"},
      {R"({"action_type": "click", "index": 0, "button": "left"})", "", "no field \"button\""},
      {R"({"action_type": "input_text", "index": 0})", "", "\"text\" must not be empty"},
      {R"({"action_type": "scroll", "direction": "in"})", "", "up, down, left or right"},
      {R"({"action_type": "scroll"})", "", "\"direction\""},
      {R"({"action_type": "swipe", "direction": 1})", "", "\"direction\""},
      {R"({"action_type": "open_app"})", "", "\"app_name\""},
      {R"({"action_type": "status", "goal_status": "done"})", "", "complete or infeasible"},
      {R"({"action_type": "status"})", "", "\"goal_status\""},
      {R"({"action_type": "answer"})", "", "\"text\""},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AndroidWorldTest, SurvivesHostileText) {
  for (const std::string& text : std::vector<std::string>{std::string(65000, '{'), R"({"action_type":")" + std::string(60000, 'x') + "\"}", R"({"action_type":{}})",
        R"({"action_type":"click","index":1e308})", R"({"action_type":"click","index":99999999999999999999999})",
        std::string(R"({"action_type":"answer","text":")") + "\xff\"}", "{\"" + std::string(60000, 'k') + "\":1,\"action_type\":\"wait\"}"}) {
    CheckHostile(kDialect, text);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
