#include "trajectory/action_line.h"

#include <string>

#include "common/proto_json.h"
#include "gtest/gtest.h"

namespace proctor::trajectory {
namespace {

std::string Line(const std::string& action_json, const std::string& element_json = "") {
  v1::Step step;
  EXPECT_TRUE(ProtoFromJson(action_json, *step.mutable_action()).ok()) << action_json;
  if (!element_json.empty()) {
    EXPECT_TRUE(ProtoFromJson(element_json, *step.mutable_target_element()).ok());
  }
  return ActionLine(step);
}

TEST(ActionLineTest, SaysWhatWasDone) {
  const std::pair<const char*, const char*> kLines[] = {
      {R"({"click":{"target":{"mark":3}}})", "click [3]"},
      {R"({"click":{"target":{"point":{"x":10,"y":20}},"count":2}})", "double click (10, 20)"},
      {R"({"click":{"target":{"fraction":{"x":0.5,"y":0.25}},"count":3}})", "triple click (50 %, 25 %)"},
      {R"({"click":{"target":{"mark":3},"button":"MOUSE_BUTTON_RIGHT"}})", "right click [3]"},
      {R"({"click":{"target":{"mark":3},"button":"MOUSE_BUTTON_MIDDLE","modifiers":["KEY_MODIFIER_CONTROL","KEY_MODIFIER_SHIFT"]}})",
       "middle click [3] holding Control+Shift"},
      {R"({"type":{"text":"tea","submit":true}})", "type \"tea\" and submit"},
      {R"({"press_keys":{"chords":["Control+a","Delete"]}})", "press Control+a Delete"},
      {R"({"press_keys":{"chords":["Shift"],"hold":"2s"}})", "press Shift for 2s"},
      {R"({"drag":{"from":{"point":{"x":1,"y":2}},"to":{"point":{"x":3,"y":4}}}})", "drag (1, 2) to (3, 4)"},
      {R"({"scroll":{"delta_y":-5}})", "scroll up"},
      {R"({"mouse_down":{}})", "press the left mouse button"},
      {R"({"mouse_up":{"button":"MOUSE_BUTTON_RIGHT","target":{"point":{"x":1,"y":2}}}})", "release the right mouse button at (1, 2)"},
      {R"({"key_down":{"key":"Shift"}})", "press and hold Shift"},
      {R"({"key_up":{"key":"Shift"}})", "release Shift"},
      {R"({"set_clipboard":{"text":"a b"}})", "put \"a b\" on the clipboard"},
      {R"({"open_app":{"name":"Contacts"}})", "open the application \"Contacts\""},
      {R"({"long_press":{"target":{"mark":4}}})", "long press [4]"},
      {R"({"swipe":{"from":{"point":{"x":540,"y":1800}},"to":{"point":{"x":540,"y":600}}}})", "swipe up from (540, 1800) to (540, 600)"},
      {R"({"swipe":{"from":{"fraction":{"x":0.2,"y":0.5}},"to":{"fraction":{"x":0.8,"y":0.5}}}})",
       "swipe right from (20 %, 50 %) to (80 %, 50 %)"},
      {R"({"swipe":{"from":{"mark":1},"to":{"mark":2}}})", "swipe from [1] to [2]"},
      {R"({"press_button":{"button":"DEVICE_BUTTON_BACK"}})", "press the back button"},
      {R"({"press_button":{"button":"DEVICE_BUTTON_ENTER"}})", "press Enter"},
      {R"({"sequence":{"actions":[{"click":{"target":{"point":{"x":1,"y":2}}}},{"type":{"text":"a\nb"}},{"noop":{}}]}})",
       "do 3 actions: click (1, 2); type \"a b\"; do nothing"},
  };
  for (const auto& [action, line] : kLines) EXPECT_EQ(Line(action), line) << action;
}

TEST(ActionLineTest, NamesTheElement) {
  const char* button = R"({"mark":4,"role":"button","name":"Save"})";
  EXPECT_EQ(Line(R"({"long_press":{"target":{"mark":4}}})", button), "long press [button \"Save\"]");
  EXPECT_EQ(Line(R"({"swipe":{"from":{"mark":4},"to":{"point":{"x":1,"y":2}}}})", button), "swipe from [button \"Save\"] to (1, 2)");
  // What a sequence acted on is not one element.
  EXPECT_EQ(Line(R"({"sequence":{"actions":[{"hover":{"target":{"mark":4}}}]}})", button), "do 1 actions: hover over [4]");
}

TEST(ActionLineTest, EveryKindHasWords) {
  const auto* kinds = v1::Action::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    v1::Step step;
    step.mutable_action()->GetReflection()->MutableMessage(step.mutable_action(), kinds->field(i));
    EXPECT_FALSE(ActionLine(step).empty()) << kinds->field(i)->name();
  }
}

TEST(ActionLineTest, TellsFailuresAndTextsThatDidNotParse) {
  v1::Step step;
  step.mutable_agent_text()->set_text("jump\nup");
  EXPECT_EQ(ActionLine(step), "(not understood) \"jump up\"");
  step.mutable_action()->mutable_press_button()->set_button(v1::DEVICE_BUTTON_HOME);
  step.mutable_observation()->set_action_error("the device is locked");
  EXPECT_EQ(ActionLine(step), "press the home button (failed: the device is locked)");
}

}  // namespace
}  // namespace proctor::trajectory
