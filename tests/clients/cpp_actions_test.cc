#include "clients/cpp/actions.h"

#include <string>

#include "common/proto_json.h"
#include "gtest/gtest.h"

namespace proctor::client {
namespace {

TEST(CppActionsTest, MakesTheActionsOfDesktopsAndPhones) {
  const std::pair<v1::Action, const char*> kActions[] = {
      {MiddleClick(At(1, 2)), R"({"click":{"target":{"point":{"x":1,"y":2}},"count":1,"button":"MOUSE_BUTTON_MIDDLE"}})"},
      {Hover(AtShare(0.5, 1)), R"({"hover":{"target":{"fraction":{"x":0.5,"y":1}}}})"},
      {ScrollAt(Mark(3), 0, -120), R"({"scroll":{"target":{"mark":3},"delta_y":-120}})"},
      {TypeText("milk"), R"({"type":{"text":"milk"}})"},
      {Wait(absl::Milliseconds(1500)), R"({"wait":{"duration":"1.500s"}})"},
      {MouseDown(), R"({"mouse_down":{"button":"MOUSE_BUTTON_LEFT"}})"},
      {MouseUp(v1::MOUSE_BUTTON_RIGHT), R"({"mouse_up":{"button":"MOUSE_BUTTON_RIGHT"}})"},
      {KeyDown("Shift"), R"({"key_down":{"key":"Shift"}})"},
      {KeyUp("Shift"), R"({"key_up":{"key":"Shift"}})"},
      {SetClipboard("a"), R"({"set_clipboard":{"text":"a"}})"},
      {OpenApp("editor"), R"({"open_app":{"name":"editor"}})"},
      {Sequence({KeyDown("a"), Noop()}), R"({"sequence":{"actions":[{"key_down":{"key":"a"}},{"noop":{}}]}})"},
      {LongPress(Mark(3)), R"({"long_press":{"target":{"mark":3},"duration":"1s"}})"},
      {Swipe(At(1, 9), At(1, 2)),
       R"({"swipe":{"from":{"point":{"x":1,"y":9}},"to":{"point":{"x":1,"y":2}},"duration":"0.300s"}})"},
      {PressButton(v1::DEVICE_BUTTON_BACK), R"({"press_button":{"button":"DEVICE_BUTTON_BACK"}})"},
  };
  for (const auto& [action, json] : kActions) {
    v1::Action expected;
    ASSERT_TRUE(ProtoFromJson(json, expected).ok()) << json;
    EXPECT_EQ(ProtoToJson(action), ProtoToJson(expected));
  }
}

}  // namespace
}  // namespace proctor::client
