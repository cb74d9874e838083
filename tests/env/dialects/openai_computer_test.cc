#include <vector>

#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

constexpr v1::Dialect kDialect = v1::DIALECT_OPENAI_COMPUTER;

TEST(OpenAiComputerTest, ParsesEveryAction) {
  const Row rows[] = {
      {R"({"type":"click","x":10,"y":20,"button":"left"})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {R"({"type":"click","x":10.5,"y":20})", R"({"click":{"target":{"point":{"x":10.5,"y":20}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {R"({"type":"click","x":10,"y":20,"button":"right"})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_RIGHT"}})"},
      {R"({"type":"click","x":10,"y":20,"button":"wheel"})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_MIDDLE"}})"},
      {R"({"type":"click","x":10,"y":20,"button":"back"})", R"({"press_keys":{"chords":["Alt+ArrowLeft"]}})"},
      {R"({"type":"click","x":10,"y":20,"button":"forward"})", R"({"press_keys":{"chords":["Alt+ArrowRight"]}})"},
      {R"({"type":"click","x":1,"y":2,"button":"left","keys":["CTRL","SHIFT"]})",
       R"({"click":{"target":{"point":{"x":1,"y":2}},"button":"MOUSE_BUTTON_LEFT","modifiers":["KEY_MODIFIER_CONTROL","KEY_MODIFIER_SHIFT"]}})"},
      {R"({"type":"double_click","x":10,"y":20})",
       R"({"click":{"target":{"point":{"x":10,"y":20}},"button":"MOUSE_BUTTON_LEFT","count":2}})"},
      {R"({"type":"move","x":0,"y":767})", R"({"hover":{"target":{"point":{"x":0,"y":767}}}})"},
      {R"({"type":"drag","path":[{"x":1,"y":2},{"x":3,"y":4}]})",
       R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":3,"y":4}}}})"},
      {R"({"type":"drag","path":[[1,2],[3,4],[5,6],[7,8]]})",
       R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":7,"y":8}},"via":[{"x":3,"y":4},{"x":5,"y":6}]}})"},
      {R"({"type":"scroll","x":10,"y":20,"scroll_x":0,"scroll_y":300})",
       R"({"scroll":{"target":{"point":{"x":10,"y":20}},"delta_y":300}})"},
      {R"({"type":"scroll","x":10,"y":20,"scroll_x":-40})", R"({"scroll":{"target":{"point":{"x":10,"y":20}},"delta_x":-40}})"},
      {R"({"type":"keypress","keys":["CTRL","C"]})", R"({"press_keys":{"chords":["Control+c"]}})"},
      {R"({"type":"keypress","keys":["ENTER"]})", R"({"press_keys":{"chords":["Enter"]}})"},
      {R"({"type":"keypress","keys":["PAGEDOWN"]})", R"({"press_keys":{"chords":["PageDown"]}})"},
      {R"({"type":"type","text":"Grüße \"x\"\n"})", R"({"type":{"text":"Grüße \"x\"\n"}})"},
      {R"({"type":"wait"})", R"({"wait":{"duration":"2s"}})"},
      {R"({"type":"screenshot"})", R"({"noop":{}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(OpenAiComputerTest, ReadsItemsAndWholeResponses) {
  const std::string click = R"({"click":{"target":{"point":{"x":1,"y":2}},"button":"MOUSE_BUTTON_LEFT"}})";
  const Row rows[] = {
      {R"({"type":"computer_call","id":"cu_1","call_id":"call_1","action":{"type":"click","button":"left","x":1,"y":2},"pending_safety_checks":[],"status":"completed"})",
       click},
      {R"({"type":"computer_call","call_id":"call_1","actions":[{"type":"click","button":"left","x":1,"y":2}]})", click},
      {R"({"type":"computer_call","actions":[{"type":"click","x":1,"y":2},{"type":"type","text":"a"},{"type":"keypress","keys":["ENTER"]}]})",
       R"({"sequence":{"actions":[)" + click + R"(,{"type":{"text":"a"}},{"press_keys":{"chords":["Enter"]}}]}})"},
      {R"([{"type":"move","x":1,"y":2},{"type":"screenshot"}])",
       R"({"sequence":{"actions":[{"hover":{"target":{"point":{"x":1,"y":2}}}},{"noop":{}}]}})"},
      {R"([{"type":"reasoning","summary":[]},{"type":"computer_call","action":{"type":"wait"}}])", R"({"wait":{"duration":"2s"}})"},
      {R"({"id":"resp_1","output":[{"type":"computer_call","action":{"type":"wait"}}]})", R"({"wait":{"duration":"2s"}})"},
      {R"({"type":"message","role":"assistant","content":[{"type":"output_text","text":"It is 42."}]})",
       R"({"answer":{"text":"It is 42."}})"},
      {"I will click it.\n```json\n" R"({"type":"wait"})" "\n```", R"({"wait":{"duration":"2s"}})"},
      {R"(A set {1} first: {"type":"wait"})", R"({"wait":{"duration":"2s"}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(OpenAiComputerTest, ProseAndReasoningAreTheThought) {
  EXPECT_EQ(ParseWith(kDialect, "I see it.\n```json\n{\"type\":\"wait\"}```").thought, "I see it.");
  EXPECT_EQ(ParseWith(kDialect, R"([{"type":"reasoning","summary":[{"type":"summary_text","text":"Click it."}]},
                                   {"type":"computer_call","action":{"type":"wait"}}])")
                .thought,
            "Click it.");
}

TEST(OpenAiComputerTest, SaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "Write one JSON object"},
      {"click 10 20", "", "no JSON object"},
      {R"({"type":"click","x":10)", "", "cut off"},
      {"{'type': 'click'}", "", "malformed"},
      {R"({"x":10,"y":20})", "", "not an action"},
      {R"({"type":"tap","x":10,"y":20})", "", "types: click"},
      {R"({"type":"click","x":10})", "", "\"y\" must be a number"},
      {R"({"type":"click","x":"10","y":20})", "", "\"x\" must be a number"},
      {R"({"type":"click","x":1,"y":2,"button":"top"})", "", "\"button\" must be"},
      {R"({"type":"click","x":1,"y":2,"keys":["a"]})", "", "CTRL"},
      {R"({"type":"drag","path":[{"x":1,"y":2}]})", "", "2 to 256 points"},
      {R"({"type":"drag","path":[{"x":1,"y":2},{"x":3}]})", "", "2 to 256 points"},
      {R"({"type":"drag"})", "", "\"path\""},
      {R"({"type":"scroll","x":1,"y":2,"scroll_x":0,"scroll_y":0})", "", "must not be 0"},
      {R"({"type":"keypress","keys":[]})", "", "\"keys\" must be a list"},
      {R"({"type":"keypress","keys":"CTRL"})", "", "\"keys\" must be a list"},
      {R"({"type":"type"})", "", "\"text\" must be a text"},
      {R"({"type":"computer_call"})", "", "no action"},
      {R"({"type":"computer_call","action":{}})", "", "no \"type\""},
      {R"({"output":[]})", "", "no action"},
      {R"([{"type":"wait"},7])", "", "no \"type\""},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(OpenAiComputerTest, LimitsWhatOneStepHolds) {
  std::string many = R"([{"type":"move","x":1,"y":2})";
  for (int i = 0; i < 40; ++i) many += R"(,{"type":"move","x":1,"y":2})";
  CheckRow(kDialect, {many + "]", "", "at most 32"});
  std::string waits = R"([{"type":"wait"})";
  for (int i = 0; i < 20; ++i) waits += R"(,{"type":"wait"})";
  CheckRow(kDialect, {waits + "]", "", "more than 30 s"});
}

TEST(OpenAiComputerTest, SurvivesHostileText) {
  for (const std::string& text : std::vector<std::string>{std::string(65000, '{'), std::string(65000, '['), std::string(65000, '"'), "{" + std::string(60000, '\\'),
        R"({"type":")" + std::string(60000, 'x') + "\"}", std::string(R"({"type":"type","text":")") + "\xff\xfe\"}",
        std::string(20000, '{') + R"({"type":"wait"})", R"({"type":"click","x":1e999,"y":2})",
        R"({"type":"computer_call","action":{"type":"computer_call"}})", R"({"type":{"type":"click"}})",
        R"({"output":[{"output":[{"type":"wait"}]}]})", std::string("{\"type\":\"wait\0\"}", 16)}) {
    CheckHostile(kDialect, text);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
