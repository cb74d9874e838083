#include <vector>

#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

constexpr v1::Dialect kDialect = v1::DIALECT_INFANT_AGENT;

std::string Block(const std::string& calls) { return "I do it.\n<execute_ipython>\n" + calls + "\n</execute_ipython>"; }

TEST(InfantAgentTest, ParsesEveryAction) {
  const Row rows[] = {
      {Block("mouse_left_click(100, 200)"), R"({"click":{"target":{"point":{"x":100,"y":200}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {Block("mouse_left_click(x=100, y=200, button='right')"),
       R"({"click":{"target":{"point":{"x":100,"y":200}},"button":"MOUSE_BUTTON_RIGHT"}})"},
      {"mouse_left_click(100, 200)", R"({"click":{"target":{"point":{"x":100,"y":200}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {"Click here <execute_ipython>mouse_left_click(100, 200)</execute_ipython>",
       R"({"click":{"target":{"point":{"x":100,"y":200}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {"<execute_ipython>\nmouse_left_click(100, 200)",
       R"({"click":{"target":{"point":{"x":100,"y":200}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {Block("mouse_double_click(1, 2)"), R"({"click":{"target":{"point":{"x":1,"y":2}},"button":"MOUSE_BUTTON_LEFT","count":2}})"},
      {Block("mouse_right_click(1, 2)"), R"({"click":{"target":{"point":{"x":1,"y":2}},"button":"MOUSE_BUTTON_RIGHT"}})"},
      {Block("mouse_move(1, 2)"), R"({"hover":{"target":{"point":{"x":1,"y":2}}}})"},
      {Block("mouse_drag(1, 2, 3, 4)"),
       R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":3,"y":4}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {Block("mouse_drag(x_start=1, y_start=2, x_end=3, y_end=4, button='right')"),
       R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":3,"y":4}},"button":"MOUSE_BUTTON_RIGHT"}})"},
      {Block("mouse_box_select(1, 2, 3, 4)"),
       R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":3,"y":4}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {Block("mouse_scroll('down', 5)"), R"({"scroll":{"target":{"point":{"x":300,"y":200}},"delta_y":300}})"},
      {Block("mouse_scroll(direction='up', amount=2)"), R"({"scroll":{"target":{"point":{"x":300,"y":200}},"delta_y":-120}})"},
      {Block("mouse_scroll()"), R"({"scroll":{"target":{"point":{"x":300,"y":200}},"delta_y":-60}})"},
      {Block("type_text(\"Artificial Intelligence\")"), R"({"type":{"text":"Artificial Intelligence"}})"},
      {Block("type_text(text='a')"), R"({"type":{"text":"a"}})"},
      {Block("press_key(\"Return\")"), R"({"press_keys":{"chords":["Enter"]}})"},
      {Block("press_key('Ctrl+c')"), R"({"press_keys":{"chords":["Control+c"]}})"},
      {Block("press_key_combination('ctrl+alt+t')"), R"({"press_keys":{"chords":["Control+Alt+t"]}})"},
      {Block("clear_text()"), R"({"press_keys":{"chords":["Control+a","Backspace"]}})"},
      {Block("open_application(\"chrome\")"), R"({"open_app":{"name":"chrome"}})"},
      {Block("open_application(app_name='editor')"), R"({"open_app":{"name":"editor"}})"},
      {Block("take_screenshot()"), R"({"noop":{}})"},
      {Block("mouse_left_click(1, 2)\ntype_text('a')\npress_key('Return')"),
       R"({"sequence":{"actions":[{"click":{"target":{"point":{"x":1,"y":2}},"button":"MOUSE_BUTTON_LEFT"}},{"type":{"text":"a"}},{"press_keys":{"chords":["Enter"]}}]}})"},
      {Block("mouse_move(1, 2)\nmouse_scroll('up', 1)"),
       R"({"sequence":{"actions":[{"hover":{"target":{"point":{"x":1,"y":2}}}},{"scroll":{"target":{"point":{"x":1,"y":2}},"delta_y":-60}}]}})"},
      {"The total is 42.\n<task_finish>exit</task_finish>", R"({"answer":{"text":"The total is 42."}})"},
      {"<task_finish>\nexit\n</task_finish>", R"({"answer":{"text":""}})"},
      {"Done <task_finish>All done", R"({"answer":{"text":"All done"}})"},
      {"It is 42. <finish>exit</finish>", R"({"answer":{"text":"It is 42."}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(InfantAgentTest, TheTextAroundTheBlockIsTheThought) {
  EXPECT_EQ(ParseWith(kDialect, Block("clear_text()")).thought, "I do it.");
  EXPECT_EQ(ParseWith(kDialect, "a <execute_ipython>clear_text()</execute_ipython> b").thought, "a\nb");
}

TEST(InfantAgentTest, SaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "Write one of these calls"},
      {"I am thinking.", "", "Write one of these calls"},
      {Block("mouse_left_click('search bar', 'near the top')"), "", "in pixels"},
      {Block("mouse_left_click(item='search bar', description='near the top')"), "", "x is missing"},
      {Block("mouse_left_click(-1, -1)"), "", "was not found"},
      {Block("mouse_left_click(1)"), "", "y is missing"},
      {Block("mouse_left_click(1, 2, button='top')"), "", "button must be"},
      {Block("mouse_scroll('left', 1)"), "", "'up' or 'down'"},
      {Block("mouse_scroll('up', 0)"), "", "1 to 1000"},
      {Block("press_key('')"), "", "name a key"},
      {Block("open_application('')"), "", "must name an application"},
      {Block("type_text(1)"), "", "quoted string"},
      {Block("download('http://a.test/b')"), "", "no action download"},
      {Block("navigate_to('http://a.test')"), "", "no action navigate_to"},
      {Block("edit_file('a', 'b')"), "", "no action edit_file"},
      {Block("x = 1"), "", "literal arguments only"},
      {Block(""), "", "no action"},
      {"<execute_bash>ls</execute_bash>", "", "no <execute_bash>"},
      {"<browse>http://a.test</browse>", "", "no <browse>"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(InfantAgentTest, SurvivesHostileText) {
  std::string tags;
  for (int i = 0; i < 4000; ++i) tags += "<execute_bash>";
  for (const std::string& text : std::vector<std::string>{tags, std::string(65000, '<'), Block(std::string(60000, '(')), Block(std::string("\xff\xfe")),
                                  "<task_finish>" + std::string(60000, 'a'), std::string("<finish>\0</finish>", 18)}) {
    CheckHostile(kDialect, text);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
