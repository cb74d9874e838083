#include <vector>

#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

constexpr v1::Dialect kDialect = v1::DIALECT_PYAUTOGUI;

std::string At(const std::string& point, const std::string& rest = "", const std::string& button = "LEFT") {
  return R"({"click":{"target":{"point":)" + point + R"(},"button":"MOUSE_BUTTON_)" + button + "\"" + rest + "}}";
}

TEST(PyAutoGuiTest, ParsesClicksAndMoves) {
  const Row rows[] = {
      {"pyautogui.click(100, 200)", At(R"({"x":100,"y":200})")},
      {"click(100, 200)", At(R"({"x":100,"y":200})")},
      {"pyautogui.click(x=100, y=200, duration=0.5)", At(R"({"x":100,"y":200})")},
      {"pyautogui.click()", At(R"({"x":300,"y":200})")},
      {"pyautogui.click(None, 50)", At(R"({"x":300,"y":50})")},
      {"pyautogui.click(1.5, 2, clicks=2, interval=0.1, button='right')", At(R"({"x":1.5,"y":2})", R"(,"count":2)", "RIGHT")},
      {"pyautogui.click(1, 2, 3)", At(R"({"x":1,"y":2})", R"(,"count":3)")},
      {"pyautogui.leftClick(1, 2)", At(R"({"x":1,"y":2})")},
      {"pyautogui.rightClick(1, 2)", At(R"({"x":1,"y":2})", "", "RIGHT")},
      {"pyautogui.middleClick(x=1, y=2)", At(R"({"x":1,"y":2})", "", "MIDDLE")},
      {"pyautogui.doubleClick(1, 2)", At(R"({"x":1,"y":2})", R"(,"count":2)")},
      {"pyautogui.tripleClick(1, 2)", At(R"({"x":1,"y":2})", R"(,"count":3)")},
      {"pyautogui.moveTo(1, 2)", R"({"hover":{"target":{"point":{"x":1,"y":2}}}})"},
      {"pyautogui.moveTo(1, 2, duration=1)", R"({"hover":{"target":{"point":{"x":1,"y":2}}}})"},
      {"pyautogui.moveRel(-10, 20)", R"({"hover":{"target":{"point":{"x":290,"y":220}}}})"},
      {"pyautogui.move(yOffset=5)", R"({"hover":{"target":{"point":{"x":300,"y":205}}}})"},
      {"pyautogui.dragTo(1, 2, 0.5, button='left')",
       R"({"drag":{"from":{"point":{"x":300,"y":200}},"to":{"point":{"x":1,"y":2}},"button":"MOUSE_BUTTON_LEFT"}})"},
      {"pyautogui.dragRel(10, -10, duration=1, button='right')",
       R"({"drag":{"from":{"point":{"x":300,"y":200}},"to":{"point":{"x":310,"y":190}},"button":"MOUSE_BUTTON_RIGHT"}})"},
      {"pyautogui.mouseDown()", R"({"mouse_down":{"button":"MOUSE_BUTTON_LEFT"}})"},
      {"pyautogui.mouseUp(1, 2, button='middle')",
       R"({"mouse_up":{"button":"MOUSE_BUTTON_MIDDLE","target":{"point":{"x":1,"y":2}}}})"},
      {"pyautogui.scroll(-10)", R"({"scroll":{"target":{"point":{"x":300,"y":200}},"delta_y":600}})"},
      {"pyautogui.scroll(3, x=1, y=2)", R"({"scroll":{"target":{"point":{"x":1,"y":2}},"delta_y":-180}})"},
      {"pyautogui.vscroll(1)", R"({"scroll":{"target":{"point":{"x":300,"y":200}},"delta_y":-60}})"},
      {"pyautogui.hscroll(2)", R"({"scroll":{"target":{"point":{"x":300,"y":200}},"delta_x":120}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(PyAutoGuiTest, ParsesKeysAndWaits) {
  const Row rows[] = {
      {"pyautogui.typewrite('Hello')", R"({"type":{"text":"Hello"}})"},
      {"pyautogui.write(\"it's\\n\", interval=0.05)", R"({"type":{"text":"it's\n"}})"},
      {"pyautogui.write(message='a')", R"({"type":{"text":"a"}})"},
      {"pyautogui.write('''a\nDONE\nWAIT''')", R"({"type":{"text":"a\nDONE\nWAIT"}})"},
      {"pyautogui.typewrite(['a', 'left', 'enter'])", R"({"press_keys":{"chords":["a","ArrowLeft","Enter"]}})"},
      {"pyautogui.press('enter')", R"({"press_keys":{"chords":["Enter"]}})"},
      {"pyautogui.press('tab', presses=3, interval=0.1)", R"({"press_keys":{"chords":["Tab","Tab","Tab"]}})"},
      {"pyautogui.press(['down', 'enter'])", R"({"press_keys":{"chords":["ArrowDown","Enter"]}})"},
      {"pyautogui.press(keys='pgdn')", R"({"press_keys":{"chords":["PageDown"]}})"},
      {"pyautogui.hotkey('ctrl', 's')", R"({"press_keys":{"chords":["Control+s"]}})"},
      {"pyautogui.hotkey('ctrl', 'shift', 't', interval=0.1)", R"({"press_keys":{"chords":["Control+Shift+t"]}})"},
      {"pyautogui.hotkey(['alt', 'f4'])", R"({"press_keys":{"chords":["Alt+F4"]}})"},
      {"pyautogui.hotkey('winleft')", R"({"press_keys":{"chords":["Meta"]}})"},
      {"pyautogui.keyDown('shift')", R"({"key_down":{"key":"Shift"}})"},
      {"pyautogui.keyUp('ctrlleft')", R"({"key_up":{"key":"Control"}})"},
      {"time.sleep(1.5)", R"({"wait":{"duration":"1.5s"}})"},
      {"pyautogui.sleep(2)", R"({"wait":{"duration":"2s"}})"},
      {"time.sleep(0)", R"({"noop":{}})"},
      {"pyautogui.screenshot()", R"({"noop":{}})"},
      {"WAIT", R"({"wait":{"duration":"2s"}})"},
      {"DONE", R"({"answer":{}})"},
      {"FAIL", R"({"give_up":{}})"},
      {"```DONE```", R"({"answer":{}})"},
      {"```\nWAIT\n```", R"({"wait":{"duration":"2s"}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(PyAutoGuiTest, SeveralCallsAreOneSequence) {
  const std::string moved = R"({"hover":{"target":{"point":{"x":1,"y":2}}}})";
  const std::string dragged =
      R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":3,"y":4}},"button":"MOUSE_BUTTON_LEFT"}})";
  const std::string both = R"({"sequence":{"actions":[)" + moved + "," + dragged + "]}}";
  const Row rows[] = {
      {"pyautogui.moveTo(1, 2)\npyautogui.dragTo(3, 4)", both},
      {"pyautogui.moveTo(1, 2); pyautogui.dragTo(3, 4);", both},
      {"import pyautogui\nimport time  # both\n\npyautogui.moveTo(1, 2)  # there\npyautogui.dragTo(3, 4)\n", both},
      {"import pyautogui as pg\npg.moveTo(1, 2)\npg.dragTo(3, 4)", both},
      {"from pyautogui import moveTo, dragTo\nmoveTo(1, 2)\ndragTo(3, 4)", both},
      {"pyautogui.FAILSAFE = False\npyautogui.PAUSE = 0.5\npyautogui.moveTo(1, 2)\npyautogui.dragTo(3, 4)", both},
      {"I drag it.\n```python\nimport pyautogui\npyautogui.moveTo(1, 2)\n```\nand\n```python\npyautogui.dragTo(3, 4)\n```\nDone.", both},
      {"```py\r\npyautogui.moveTo(1, 2)\r\npyautogui.dragTo(3, 4)\r\n```", both},
      {"pyautogui.moveTo(\n    1,\n    2,\n)\npyautogui.dragTo(3, 4)", both},
      {"pyautogui.press('a')\nWAIT", R"({"sequence":{"actions":[{"press_keys":{"chords":["a"]}},{"wait":{"duration":"2s"}}]}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
  EXPECT_EQ(ParseWith(kDialect, "I drag it.\n```python\nDONE\n```").thought, "I drag it.");
}

TEST(PyAutoGuiTest, AFenceWithinAQuotedTextEndsNothing) {
  const Row rows[] = {
      {"```python\npyautogui.write('''```c\nint i;\n```''')\n```", R"({"type":{"text":"```c\nint i;\n```"}})"},
      {"```python\npyautogui.write(\"\"\"it's ```\"\"\")\n```\nThat is \"it\".", R"({"type":{"text":"it's ```"}})"},
      {"I write.\n```\npyautogui.write('a \\' ``` b')  # don't\n```", R"({"type":{"text":"a ' ``` b"}})"},
      {"```\npyautogui.press('a')  # the end```", R"({"press_keys":{"chords":["a"]}})"},
      {"```\npyautogui.write('''''')\n```\nand\n```\npyautogui.write('```')\n```",
       R"({"sequence":{"actions":[{"type":{"text":""}},{"type":{"text":"```"}}]}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
  EXPECT_EQ(ParseWith(kDialect, "I write.\n```\npyautogui.write('```')\n```").thought, "I write.");
  // A quote that is not closed ends with its line, not with the text.
  EXPECT_NE(ParseWith(kDialect, "```\npyautogui.write('a)\n```\nIt's ''' done.").error.find("not closed"), std::string::npos);
}

TEST(PyAutoGuiTest, CallsWithoutAPlaceNeedAPointer) {
  v1::Observation blind = LastObservation();
  blind.clear_cursor();
  for (const char* text : {"pyautogui.click()", "pyautogui.click(x=3)", "pyautogui.moveRel(1, 1)", "pyautogui.dragTo(3, 4)"}) {
    EXPECT_NE(ParseWith(kDialect, text, blind).error.find("not known where the pointer is"), std::string::npos) << text;
  }
  EXPECT_EQ(ParseWith(kDialect, "pyautogui.moveTo(1, 2); pyautogui.click()", blind).error, "");
  EXPECT_EQ(ParseWith(kDialect, "pyautogui.scroll(1)", blind).error, "");
}

TEST(PyAutoGuiTest, RefusesEverythingElseAndSaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "Write calls"},
      {"# nothing", "", "no action"},
      {"import pyautogui", "", "no action"},
      {"Click the button", "", "literal arguments"},
      {"pyautogui.click(x, y)", "", "expected a literal"},
      {"pyautogui.click(100 + 5, 2)", "", "expected ',' or ')'"},
      {"pyautogui.click((100, 200))", "", "must be a number"},
      {"pyautogui.click('button.png')", "", "must be a number"},
      {"pyautogui.click(1, 2, clicks=4)", "", "clicks must be"},
      {"pyautogui.click(1, 2, button='top')", "", "button must be"},
      {"pyautogui.click(1, 2, duration=-1)", "", "duration must be"},
      {"pyautogui.click(1, 2, where=3)", "", "unknown argument where"},
      {"pyautogui.click(*[1, 2])", "", "expected a literal"},
      {"x = 100\npyautogui.click(x, 2)", "", "literal arguments only"},
      {"for i in range(3): pyautogui.click(1, 2)", "", "literal arguments only"},
      {"while True:\n  pyautogui.click(1, 2)", "", "literal arguments only"},
      {"pyautogui.click(1, 2) + 3", "", "line's end"},
      {"pyautogui.click(1, 2) pyautogui.click(1, 2)", "", "line's end"},
      {"pyautogui.click(1, 2).x", "", "line's end"},
      {"os.system('rm -rf /')", "", "no function os.system"},
      {"__import__('os').system('ls')", "", "line's end"},
      {"print('hi')", "", "no function print"},
      {"eval('1')", "", "no function eval"},
      {"pyautogui.locateOnScreen('a.png')", "", "no function pyautogui.locateOnScreen"},
      {"pyautogui.write(f'{1}')", "", "expected a literal"},
      {"pyautogui.write(7)", "", "quoted string"},
      {"pyautogui.press()", "", "keys is missing"},
      {"pyautogui.press('tab', presses=100)", "", "1 to 64 keys"},
      {"pyautogui.press([])", "", "1 to 64 keys"},
      {"pyautogui.hotkey()", "", "name the keys"},
      {"pyautogui.hotkey('ctrl', 3)", "", "quoted string"},
      {"pyautogui.keyDown('')", "", "must name a key"},
      {"pyautogui.scroll(0)", "", "clicks must be"},
      {"pyautogui.scroll(1e9)", "", "clicks must be"},
      {"time.sleep(31)", "", "at most 30 seconds"},
      {"time.sleep(20); time.sleep(20)", "", "more than 30 s"},
      {"pyautogui.click(1, 2)\nDONE", "", "must come alone"},
      {"FAIL\nDONE", "", "must come alone"},
      {"pyautogui.OTHER = 1", "", "literal arguments only"},
      {"pyautogui.PAUSE = 1 + x", "", "line's end"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(PyAutoGuiTest, SurvivesHostileText) {
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "pyautogui.press('a')\n";
  std::string aliases;
  for (int i = 0; i < 3000; ++i) aliases += "import a as b" + std::to_string(i) + "\n";
  for (const std::string& text : std::vector<std::string>{many, aliases, std::string(65000, '('), std::string(65000, '`'), std::string(65000, ';'), std::string(65000, '\n'),
        "pyautogui.write('" + std::string(60000, '\\') + "')", "pyautogui.press(" + std::string(60000, '[') + ")",
        "pyautogui" + std::string(60000, '.'), "import " + std::string(60000, 'a'), std::string("pyautogui.write('\xff')"),
        std::string("pyautogui\0.click(1, 2)", 22)}) {
    CheckHostile(kDialect, text);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
