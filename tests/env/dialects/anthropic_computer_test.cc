#include <vector>

#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

constexpr v1::Dialect kDialect = v1::DIALECT_ANTHROPIC_COMPUTER;

TEST(AnthropicComputerTest, ParsesEveryAction) {
  const Row rows[] = {
      {R"({"action":"left_click","coordinate":[10,20]})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {R"({"action":"left_click"})", R"({"click":{"target":{"point":{"x":300,"y":200}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {R"({"action":"left_click","coordinate":[10,20],"text":"ctrl"})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_LEFT","modifiers":["KEY_MODIFIER_CONTROL"]}})"},
      {R"({"action":"left_click","coordinate":[10,20],"text":"ctrl+shift"})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_LEFT","modifiers":["KEY_MODIFIER_CONTROL","KEY_MODIFIER_SHIFT"]}})"},
      {R"({"action":"left_click","coordinate":[10,20],"key":"super"})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_LEFT","modifiers":["KEY_MODIFIER_META"]}})"},
      {R"({"action":"right_click","coordinate":[10,20]})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_RIGHT"}})"},
      {R"({"action":"middle_click","coordinate":[10,20]})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_MIDDLE"}})"},
      {R"({"action":"double_click","coordinate":[10,20]})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_LEFT","count":2}})"},
      {R"({"action":"triple_click","coordinate":[10,20]})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_LEFT","count":3}})"},
      {R"({"action":"mouse_move","coordinate":[10,20]})", R"({"hover":{"target":{"point":{"x":10,"y":20}}}})"},
      {R"({"action":"left_click_drag","start_coordinate":[1,2],"coordinate":[3,4]})",
       R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":3,"y":4}}}})"},
      {R"({"action":"left_click_drag","coordinate":[3,4]})",
       R"({"drag":{"from":{"point":{"x":300,"y":200}},"to":{"point":{"x":3,"y":4}}}})"},
      {R"({"action":"left_mouse_down"})", R"({"mouse_down":{"button":"MOUSE_BUTTON_LEFT"}})"},
      {R"({"action":"left_mouse_up","coordinate":[3,4]})",
       R"({"mouse_up":{"button":"MOUSE_BUTTON_LEFT","target":{"point":{"x":3,"y":4}}}})"},
      {R"({"action":"key","text":"ctrl+s"})", R"({"press_keys":{"chords":["Control+s"]}})"},
      {R"({"action":"key","text":"Return"})", R"({"press_keys":{"chords":["Enter"]}})"},
      {R"({"action":"key","text":"Page_Down"})", R"({"press_keys":{"chords":["PageDown"]}})"},
      {R"({"action":"key","text":"Down Down Return"})", R"({"press_keys":{"chords":["ArrowDown","ArrowDown","Enter"]}})"},
      {R"({"action":"key","text":"Tab","repeat":3})", R"({"press_keys":{"chords":["Tab","Tab","Tab"]}})"},
      {R"({"action":"hold_key","text":"shift","duration":1.5})", R"({"press_keys":{"chords":["Shift"],"hold":"1.5s"}})"},
      {R"({"action":"type","text":"Hello, world!\n"})", R"({"type":{"text":"Hello, world!\n"}})"},
      {R"({"action":"scroll","coordinate":[10,20],"scroll_direction":"down","scroll_amount":5})",
       R"({"scroll":{"target":{"point":{"x":10,"y":20}},"delta_y":300}})"},
      {R"({"action":"scroll","scroll_direction":"up","scroll_amount":1})",
       R"({"scroll":{"target":{"point":{"x":300,"y":200}},"delta_y":-60}})"},
      {R"({"action":"scroll","coordinate":[1,2],"scroll_direction":"left","scroll_amount":2})",
       R"({"scroll":{"target":{"point":{"x":1,"y":2}},"delta_x":-120}})"},
      {R"({"action":"scroll","coordinate":[1,2],"scroll_direction":"right","scroll_amount":2})",
       R"({"scroll":{"target":{"point":{"x":1,"y":2}},"delta_x":120}})"},
      {R"({"action":"scroll","coordinate":[1,2],"scroll_direction":"down","scroll_amount":1,"text":"ctrl"})",
       R"({"sequence":{"actions":[{"key_down":{"key":"Control"}},{"scroll":{"target":{"point":{"x":1,"y":2}},"delta_y":60}},{"key_up":{"key":"Control"}}]}})"},
      {R"({"action":"wait","duration":2})", R"({"wait":{"duration":"2s"}})"},
      {R"({"action":"wait","duration":0})", R"({"noop":{}})"},
      {R"({"action":"screenshot"})", R"({"noop":{}})"},
      {R"({"action":"cursor_position"})", R"({"noop":{}})"},
      {R"({"action":"zoom","region":[0,0,100,100]})", R"({"noop":{}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AnthropicComputerTest, ReadsBlocksAndWholeMessages) {
  const std::string click = R"({"click":{"target":{"point":{"x":1,"y":2}},"button":"MOUSE_BUTTON_LEFT"}})";
  const Row rows[] = {
      {R"({"type":"tool_use","id":"toolu_1","name":"computer","input":{"action":"left_click","coordinate":[1,2]}})", click},
      {R"([{"type":"text","text":"I click it."},{"type":"tool_use","name":"computer","input":{"action":"left_click","coordinate":[1,2]}}])",
       click},
      {R"({"role":"assistant","content":[{"type":"tool_use","name":"computer","input":{"action":"left_click","coordinate":[1,2]}}]})",
       click},
      // The second click goes where the first one left the pointer.
      {R"([{"type":"tool_use","input":{"action":"left_click","coordinate":[1,2]}},{"type":"tool_use","input":{"action":"left_click"}}])",
       R"({"sequence":{"actions":[)" + click + "," + click + "]}}"},
      {R"([{"type":"text","text":"The total is 42."}])", R"({"answer":{"text":"The total is 42."}})"},
      {"I click it: " R"({"action":"left_click","coordinate":[1,2]})", click},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AnthropicComputerTest, TextAndThinkingAreTheThought) {
  EXPECT_EQ(ParseWith(kDialect, R"([{"type":"thinking","thinking":"Hm.","signature":"x"},{"type":"text","text":"I wait."},
                                   {"type":"tool_use","input":{"action":"wait","duration":1}}])")
                .thought,
            "Hm.\nI wait.");
}

TEST(AnthropicComputerTest, ClicksWithoutAPlaceNeedAPointer) {
  v1::Observation blind = LastObservation();
  blind.clear_cursor();
  EXPECT_NE(ParseWith(kDialect, R"({"action":"left_click"})", blind).error.find("coordinate"), std::string::npos);
  EXPECT_NE(ParseWith(kDialect, R"({"action":"left_click_drag","coordinate":[1,2]})", blind).error.find("start_coordinate"),
            std::string::npos);
  EXPECT_TRUE(ParseWith(kDialect, R"({"action":"scroll","scroll_direction":"up","scroll_amount":1})", blind).error.empty());
}

TEST(AnthropicComputerTest, SaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "Write one JSON object"},
      {"left_click 10 20", "", "no JSON object"},
      {R"({"action":"left_click","coordinate":[10,20])", "", "cut off"},
      {R"({"action":"click","coordinate":[10,20]})", "", "actions: key"},
      {R"({"action":7})", "", "no \"action\""},
      {R"({"action":"left_click","coordinate":[10]})", "", "must be [x, y]"},
      {R"({"action":"left_click","coordinate":"10,20"})", "", "must be [x, y]"},
      {R"({"action":"left_click","coordinate":[10,20],"text":"q"})", "", "modifiers"},
      {R"({"action":"mouse_move"})", "", "must be [x, y]"},
      {R"({"action":"key"})", "", "\"text\" must be a text"},
      {R"({"action":"key","text":" "})", "", "must name keys"},
      {R"({"action":"key","text":"Tab","repeat":100})", "", "at most 64"},
      {R"({"action":"key","text":"Tab","repeat":0})", "", "at most 64"},
      {R"({"action":"hold_key","text":"a","duration":11})", "", "0 to 10 seconds"},
      {R"({"action":"hold_key","text":"a"})", "", "\"duration\""},
      {R"({"action":"wait","duration":31})", "", "0 to 30 seconds"},
      {R"({"action":"wait","duration":-1})", "", "0 to 30 seconds"},
      {R"({"action":"scroll","scroll_direction":"down"})", "", "\"scroll_amount\""},
      {R"({"action":"scroll","scroll_direction":"in","scroll_amount":1})", "", "up, down, left or right"},
      {R"({"action":"scroll","scroll_direction":"down","scroll_amount":0})", "", "1 to 1000"},
      {R"({"action":"scroll","scroll_direction":"down","scroll_amount":1,"text":"q"})", "", "modifiers"},
      {R"({"type":"tool_use","name":"computer"})", "", "no \"action\""},
      {R"({"content":[]})", "", "no action"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AnthropicComputerTest, SurvivesHostileText) {
  for (const std::string& text : std::vector<std::string>{std::string(65000, '{'), std::string(65000, '['), R"({"action":"key","text":")" + std::string(60000, '+') + "\"}",
        R"({"action":"key","text":")" + std::string(60000, ' ') + "\"}", R"({"action":")" + std::string(60000, 'x') + "\"}",
        std::string(R"({"action":"type","text":")") + "\xff\"}", R"({"action":"left_click","coordinate":[1e400,2]})",
        R"({"content":{"content":{}}})", R"({"action":{"action":"key"}})", R"([{"type":"text","text":""}])"}) {
    CheckHostile(kDialect, text);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
