#include <vector>

#include "tests/env/dialects/dialect_testing.h"

namespace proctor::env::dialects {
namespace {

constexpr v1::Dialect kDialect = v1::DIALECT_AER_ANDROID;

TEST(AerAndroidTest, ParsesOperations) {
  const Row rows[] = {
      {"Plan: 1. Open it.\nNext Action: Touch the icon.\nGrounded Operation:tap [[851,520]]",
       R"({"click":{"target":{"fraction":{"x":0.851,"y":0.52}}}})"},
      {"Grounded Operation: tap the icon at [[0, 1000]]", R"({"click":{"target":{"fraction":{"x":0,"y":1}}}})"},
      {"Action: tap at [0.5, 0.3]", R"({"click":{"target":{"fraction":{"x":0.5,"y":0.3}}}})"},
      {"Action: Tap [1,0]", R"({"click":{"target":{"fraction":{"x":1,"y":0}}}})"},
      {"Grounded Operation:type \"best hotel, Paris\" in the box", R"({"type":{"text":"best hotel, Paris"}})"},
      {"Action: type \"say \"hi\"\"", R"({"type":{"text":"say \"hi\""}})"},
      {"Action: press home", R"({"press_button":{"button":"DEVICE_BUTTON_HOME"}})"},
      {"Action: press back.", R"({"press_button":{"button":"DEVICE_BUTTON_BACK"}})"},
      {"Action: press enter", R"({"press_button":{"button":"DEVICE_BUTTON_ENTER"}})"},
      {"Action: swipe up", R"({"swipe":{"from":{"fraction":{"x":0.5,"y":0.5}},"to":{"fraction":{"x":0.5,"y":0.2}}}})"},
      {"Action: swipe down", R"({"swipe":{"from":{"fraction":{"x":0.5,"y":0.2}},"to":{"fraction":{"x":0.5,"y":0.5}}}})"},
      {"Action: swipe left", R"({"swipe":{"from":{"fraction":{"x":0.8,"y":0.5}},"to":{"fraction":{"x":0.2,"y":0.5}}}})"},
      {"Action: swipe right", R"({"swipe":{"from":{"fraction":{"x":0.2,"y":0.5}},"to":{"fraction":{"x":0.8,"y":0.5}}}})"},
      {"Action: task complete", R"({"answer":{}})"},
      {"Action: task impossible", R"({"give_up":{}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AerAndroidTest, ParsesLoggedActions) {
  const Row rows[] = {
      {"Action Type: DualPoint, Touch Point: (0.5000, 0.3000), Lift Point: (0.5000, 0.3000)",
       R"({"click":{"target":{"fraction":{"x":0.5,"y":0.3}}}})"},
      {"Action Type: DualPoint, Touch Point: (0.5, 0.3), Lift Point: (0.53, 0.32)",
       R"({"click":{"target":{"fraction":{"x":0.5,"y":0.3}}}})"},
      {"Action Type: DualPoint, Touch Point: (0.5000, 0.8000), Lift Point: (0.5000, 0.2000)",
       R"({"swipe":{"from":{"fraction":{"x":0.5,"y":0.8}},"to":{"fraction":{"x":0.5,"y":0.2}}}})"},
      {"Action Type: Type, Typed Text: 'it's milk'", R"({"type":{"text":"it's milk"}})"},
      {"Action Type: GoBack", R"({"press_button":{"button":"DEVICE_BUTTON_BACK"}})"},
      {"Action Type: GoHome", R"({"press_button":{"button":"DEVICE_BUTTON_HOME"}})"},
      {"Action Type: Enter", R"({"press_button":{"button":"DEVICE_BUTTON_ENTER"}})"},
      {"Action Type: TaskComplete", R"({"answer":{}})"},
      {"Action Type: TaskImpossible", R"({"give_up":{}})"},
      {"Action Type: Idle", R"({"noop":{}})"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AerAndroidTest, ThePlanIsTheThought) {
  EXPECT_EQ(ParseWith(kDialect, "Plan: open it.\nGrounded Operation:tap [[1,2]]").thought, "Plan: open it.");
}

TEST(AerAndroidTest, SaysHowToWriteIt) {
  const Row rows[] = {
      {"", "", "no \"Action:\""},
      {"tap at [0.5, 0.3]", "", "no \"Action:\""},
      {"Action:", "", "is not an action"},
      {"Action: jump", "", "is not an action"},
      {"Action: tap the icon", "", "needs a place"},
      {"Action: tap at [5, 3]", "", "needs a place"},
      {"Action: tap at [[1200, 3]]", "", "needs a place"},
      {"Action: tap at [0.5]", "", "needs a place"},
      {"Action: tap at [-0.1, 0.5]", "", "needs a place"},
      {"Action: type milk", "", "in quotes"},
      {"Action: type \"\"", "", "in quotes"},
      {"Action: swipe", "", "is not an action"},
      {"Action: press power", "", "is not an action"},
      {"Action Type: DualPoint", "", "Touch Point"},
      {"Action Type: DualPoint, Touch Point: (2, 2), Lift Point: (0, 0)", "", "from 0 to 1"},
      {"Action Type: Type", "", "is not an action"},
      {"Action Type: Jump", "", "is not an action"},
      {"Action Type:", "", "is not an action"},
  };
  for (const Row& row : rows) CheckRow(kDialect, row);
}

TEST(AerAndroidTest, SurvivesHostileText) {
  std::string tags;
  for (int i = 0; i < 5000; ++i) tags += "Action:";
  for (const std::string& text : std::vector<std::string>{tags, "Action: tap " + std::string(60000, '['), "Action: type " + std::string(60000, '"'), std::string("Action: type \"\xff\""),
        "Action Type: Type, Typed Text: " + std::string(60000, '\''), "Action: tap [" + std::string(60000, '1') + ",1]"}) {
    CheckHostile(kDialect, text);
  }
}

}  // namespace
}  // namespace proctor::env::dialects
