#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

TEST(BrowserGymTest, ParsesEveryActionOfTheGrammar) {
  const Row rows[] = {
      {"click('a51')", R"({"click":{"target":{"mark":51},"button":"MOUSE_BUTTON_LEFT"}})"},
      {"click('51', button='right', modifiers=['Shift', 'ControlOrMeta'])",
       R"({"click":{"target":{"mark":51},"button":"MOUSE_BUTTON_RIGHT",
           "modifiers":["KEY_MODIFIER_SHIFT","KEY_MODIFIER_CONTROL"]}})"},
      {"click(bid=\"51\", button=\"middle\")",
       R"({"click":{"target":{"mark":51},"button":"MOUSE_BUTTON_MIDDLE"}})"},
      {"dblclick('12')",
       R"({"click":{"target":{"mark":12},"button":"MOUSE_BUTTON_LEFT","count":2}})"},
      {"hover('b8')", R"({"hover":{"target":{"mark":8}}})"},
      {"fill('237', 'example value')",
       R"({"type":{"target":{"mark":237},"text":"example value","clear":true}})"},
      {"fill('a12', \"it's\\n\\u00e9\", enable_autocomplete_menu=True)",
       R"({"type":{"target":{"mark":12},"text":"it's\né","clear":true}})"},
      {"clear('9')", R"({"type":{"target":{"mark":9},"clear":true}})"},
      {"focus('9')", R"({"press_keys":{"target":{"mark":9}}})"},
      {"press('88', 'Backspace')",
       R"({"press_keys":{"target":{"mark":88},"chords":["Backspace"]}})"},
      {"press('88', 'ControlOrMeta+a')",
       R"({"press_keys":{"target":{"mark":88},"chords":["Control+a"]}})"},
      {"select_option('c48', 'blue')",
       R"({"select_option":{"target":{"mark":48},"options":["blue"]}})"},
      {"select_option('c48', ['red', 'green',])",
       R"({"select_option":{"target":{"mark":48},"options":["red","green"]}})"},
      {"check('55')", R"({"check":{"target":{"mark":55},"checked":true}})"},
      {"uncheck('55')", R"({"check":{"target":{"mark":55}}})"},
      {"drag_and_drop('56', '498')", R"({"drag":{"from":{"mark":56},"to":{"mark":498}}})"},
      {"upload_file('572', 'my_receipt.pdf')",
       R"({"upload_file":{"target":{"mark":572},"file_name":"my_receipt.pdf",
           "task_file":"my_receipt.pdf"}})"},
      {"upload_file('572', ['docs/a.txt'])",
       R"({"upload_file":{"target":{"mark":572},"file_name":"a.txt","task_file":"docs/a.txt"}})"},
      {"mouse_move(65.2, -3)", R"({"hover":{"target":{"point":{"x":65.2,"y":-3}}}})"},
      {"mouse_click(887.2, 68)",
       R"({"click":{"target":{"point":{"x":887.2,"y":68}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {"mouse_dblclick(5, 236, 'right')",
       R"({"click":{"target":{"point":{"x":5,"y":236}},"button":"MOUSE_BUTTON_RIGHT","count":2}})"},
      {"mouse_drag_and_drop(10.7, 325, 235.6, 24.54)",
       R"({"drag":{"from":{"point":{"x":10.7,"y":325}},"to":{"point":{"x":235.6,"y":24.54}}}})"},
      {"mouse_upload_file(1, 2, 'a.txt')",
       R"({"upload_file":{"target":{"point":{"x":1,"y":2}},"file_name":"a.txt","task_file":"a.txt"}})"},
      {"keyboard_press('PageDown')", R"({"press_keys":{"chords":["PageDown"]}})"},
      {"keyboard_type('Hello world!')", R"({"type":{"text":"Hello world!"}})"},
      {"keyboard_insert_text('Hi')", R"({"type":{"text":"Hi"}})"},
      {"scroll(0, 200)", R"({"scroll":{"delta_y":200}})"},
      {"scroll(-50.2, -100.5)", R"({"scroll":{"delta_x":-50.2,"delta_y":-100.5}})"},
      {"noop()", R"({"wait":{"duration":"1s"}})"},
      {"noop(500)", R"({"wait":{"duration":"0.5s"}})"},
      {"noop(0)", R"({"noop":{}})"},
      {"send_msg_to_user('N/A')", R"({"answer":{"text":"N/A"}})"},
      {"report_infeasible('no such item')", R"({"give_up":{"reason":"no such item"}})"},
      {"goto('http://www.example.com')", R"({"goto":{"url":"http://www.example.com"}})"},
      {"go_back()", R"({"go_back":{}})"},
      {"go_forward()", R"({"go_forward":{}})"},
      {"new_tab()", R"({"new_tab":{}})"},
      {"tab_close()", R"({"close_tab":{}})"},
      {"tab_focus(2)", R"({"focus_tab":{"index":2}})"},
      {"I click.\n```python\nhover('8')\n```", R"({"hover":{"target":{"mark":8}}})"},
      {"<think>ok</think>\n<action>\nhover('8')  # now\n</action>",
       R"({"hover":{"target":{"mark":8}}})"},
      {"# a comment\nhover('8')\n", R"({"hover":{"target":{"mark":8}}})"},
  };
  for (const Row& row : rows) CheckRow(v1::DIALECT_BROWSERGYM, row);
}

TEST(BrowserGymTest, FocusIsKeysOfNoneAndNeedsATarget) {
  v1::Action focus = ParseWith(v1::DIALECT_BROWSERGYM, "focus('9')").action;
  EXPECT_TRUE(CheckAction(focus, EveryAction()).ok());
  focus.mutable_press_keys()->clear_target();
  EXPECT_EQ(CheckAction(focus, EveryAction()).code(), absl::StatusCode::kInvalidArgument);
}

TEST(BrowserGymTest, RefusesMalformedCallsAndSaysHowToWriteThem) {
  const Row rows[] = {
      {"", "", "expected a function's name"},
      {"I will click('51')", "", "expected '('"},
      {"click('51'", "", "expected ',' or ')'"},
      {"click('51)", "", "not closed"},
      {"click('51')\nclick('52')", "", "exactly one action"},
      {"click('51').then()", "", "exactly one action"},
      {"click(51)", "", "must be a quoted string"},
      {"click(bid)", "", "expected a literal"},
      {"click('5' + '1')", "", "expected ',' or ')'"},
      {"click(str(51))", "", "expected a literal"},
      {"click()", "", "bid is missing"},
      {"click('51', 'left', [], 4)", "", "at most 3"},
      {"click('51', bid='52')", "", "twice"},
      {"click('51', colour='red')", "", "unknown argument"},
      {"click(button='left', '51')", "", "positional argument follows"},
      {"click('51', 'up')", "", "'left', 'middle' or 'right'"},
      {"click('51', modifiers=['Hyper'])", "", "modifiers are"},
      {"click('abc')", "", "a bid ends with its mark"},
      {"click('')", "", "a bid ends with its mark"},
      {"click('a0')", "", "a bid ends with its mark"},
      {"click('a99999999999999')", "", "a bid ends with its mark"},
      {"fill('12')", "", "value is missing"},
      {"fill('12', 5)", "", "must be a quoted string"},
      {"select_option('12', [1, 2])", "", "list of them"},
      {"scroll(0, 0)", "", "must not be 0"},
      {"scroll('0', 5)", "", "must be a number"},
      {"mouse_click(1e999, 5)", "", "malformed number"},
      {"mouse_click(nan, 5)", "", "expected a literal"},
      {"noop(-1)", "", "between 0 and 30000"},
      {"tab_focus(1.5)", "", "tab's number"},
      {"upload_file('5', ['a', 'b'])", "", "exactly one"},
      {"mouse_down(1, 2)", "", "held down"},
      {"keyboard_up('Shift')", "", "held down"},
      {"__import__('os').system('ls')", "", "exactly one action"},
      {"exec('1')", "", "There is no action exec"},
  };
  for (const Row& row : rows) CheckRow(v1::DIALECT_BROWSERGYM, row);
}

TEST(BrowserGymTest, KeepsTheThoughtBeforeTheCall) {
  EXPECT_EQ(ParseWith(v1::DIALECT_BROWSERGYM, "I see.\n```hover('8')```").thought, "I see.");
  EXPECT_EQ(ParseWith(v1::DIALECT_BROWSERGYM, "I see.\n```jump()```").thought, "I see.");
}

TEST(BrowserGymTest, SurvivesHostileText) {
  const std::string hostile[] = {std::string(65536, '('),
                                 "click(" + std::string(60000, '['),
                                 "click('" + std::string(60000, '\\'),
                                 "click('\xff\xfe')",
                                 std::string("click('\0')", 10),
                                 "click('\\U0011ffff1')",
                                 "click(" + std::string(60000, '9') + ")"};
  for (const std::string& text : hostile) {
    const ParsedAgentText parsed = ParseWith(v1::DIALECT_BROWSERGYM, text);
    EXPECT_NE(parsed.error.empty(), parsed.action.kind_case() == v1::Action::KIND_NOT_SET);
    EXPECT_LT(parsed.error.size(), 2000u);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
