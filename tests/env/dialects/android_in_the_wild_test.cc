#include <vector>

#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

constexpr v1::Dialect kDialect = v1::DIALECT_ANDROID_IN_THE_WILD;

std::string Decision(const std::string& type, const std::string& touch = "[-1.0, -1.0]", const std::string& lift = "[-1.0, -1.0]",
                     const std::string& typed = "") {
  return "Action Plan: [DUAL_POINT,TYPE], Action Decision: \"action_type\": \"" + type + "\", \"touch_point\": \"" + touch +
         "\", \"lift_point\": \"" + lift + "\", \"typed_text\": \"" + typed + "\"";
}

TEST(AndroidInTheWildTest, ParsesEveryAction) {
  const Row rows[] = {
      {Decision("DUAL_POINT", "[0.7761, 0.7089]", "[0.7761, 0.7089]"), R"({"click":{"target":{"fraction":{"x":0.7089,"y":0.7761}}}})"},
      {Decision("DUAL_POINT", "[0.5, 0.5]", "[0.53, 0.52]"), R"({"click":{"target":{"fraction":{"x":0.5,"y":0.5}}}})"},
      {Decision("DUAL_POINT", "[0, 0]", "[0.0, 0.04]"), R"({"click":{"target":{"fraction":{"x":0,"y":0}}}})"},
      {Decision("DUAL_POINT", "[0.5, 0.5]", "[0.5, 0.55]"),
       R"({"swipe":{"from":{"fraction":{"x":0.5,"y":0.5}},"to":{"fraction":{"x":0.55,"y":0.5}}}})"},
      {Decision("DUAL_POINT", "[0.8, 0.5]", "[0.2, 0.4]"),
       R"({"swipe":{"from":{"fraction":{"x":0.5,"y":0.8}},"to":{"fraction":{"x":0.4,"y":0.2}}}})"},
      {Decision("DUAL_POINT", "[1, 1]", "[0, 0]"),
       R"({"swipe":{"from":{"fraction":{"x":1,"y":1}},"to":{"fraction":{"x":0,"y":0}}}})"},
      {Decision("DUAL_POINT", "[1e-1,2e-1]", "[1e-1,2e-1]"), R"({"click":{"target":{"fraction":{"x":0.2,"y":0.1}}}})"},
      {Decision("TYPE", "[-1.0, -1.0]", "[-1.0, -1.0]", "best hotel, Paris"), R"({"type":{"text":"best hotel, Paris"}})"},
      {Decision("TYPE", "[-1.0, -1.0]", "[-1.0, -1.0]", "say \"hi\""), R"({"type":{"text":"say \"hi\""}})"},
      {Decision("PRESS_BACK"), R"({"press_button":{"button":"DEVICE_BUTTON_BACK"}})"},
      {Decision("PRESS_HOME"), R"({"press_button":{"button":"DEVICE_BUTTON_HOME"}})"},
      {Decision("PRESS_ENTER"), R"({"press_button":{"button":"DEVICE_BUTTON_ENTER"}})"},
      {Decision("STATUS_TASK_COMPLETE"), R"({"answer":{}})"},
      {Decision("TASK_IMPOSSIBLE"), R"({"give_up":{}})"},
      {Decision("STATUS_TASK_IMPOSSIBLE"), R"({"give_up":{}})"},
      {R"("action_type": "PRESS_HOME")", R"({"press_button":{"button":"DEVICE_BUTTON_HOME"}})"},
      {R"({"action_type": "DUAL_POINT", "touch_point": [0.5, 0.25], "lift_point": [0.5, 0.25], "typed_text": ""})",
       R"({"click":{"target":{"fraction":{"x":0.25,"y":0.5}}}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AndroidInTheWildTest, ThePlanIsTheThoughtAndTheLastDecisionCounts) {
  EXPECT_EQ(ParseWith(kDialect, Decision("PRESS_BACK")).thought, "Action Plan: [DUAL_POINT,TYPE],");
  CheckRow(kDialect, {Decision("PRESS_BACK") + " " + Decision("PRESS_HOME"), R"({"press_button":{"button":"DEVICE_BUTTON_HOME"}})"});
}

TEST(AndroidInTheWildTest, SaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "has no \"action_type\""},
      {"tap the button", "", "Write \"Action Decision: \""},
      {Decision("SWIPE"), "", "no action_type SWIPE"},
      {Decision("DUAL_POINT"), "", "from 0 to 1"},
      {Decision("DUAL_POINT", "[0.5, 1.5]", "[0.5, 0.5]"), "", "from 0 to 1"},
      {Decision("DUAL_POINT", "[0.5, 0.5]", "[nan, 0.5]"), "", "from 0 to 1"},
      {Decision("DUAL_POINT", "[0.5]", "[0.5, 0.5]"), "", "from 0 to 1"},
      {Decision("DUAL_POINT", "[0.5.5, 0.5]", "[0.5, 0.5]"), "", "from 0 to 1"},
      {R"("action_type": "DUAL_POINT", "touch_point": "[0.5, 0.5]")", "", "\"lift_point\""},
      {Decision("TYPE"), "", "needs a \"typed_text\""},
      {R"("action_type": "TYPE")", "", "needs a \"typed_text\""},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AndroidInTheWildTest, SurvivesHostileText) {
  std::string decisions;
  for (int i = 0; i < 3000; ++i) decisions += "Action Decision:";
  for (const std::string& text : std::vector<std::string>{decisions, std::string(65000, '"'), std::string(65000, '['), Decision("TYPE", "", "", std::string("\xff\xfe")),
        Decision("DUAL_POINT", "[" + std::string(50000, '0') + ", 1]", "[1, 1]"), Decision(std::string(50000, 'A'))}) {
    CheckHostile(kDialect, text);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
