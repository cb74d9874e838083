#include "env/dialects/keys.h"

#include "gtest/gtest.h"

namespace proctor::env::dialects {
namespace {

TEST(DomKeyTest, KnowsTheNamesOfXOfPyautoguiAndOfModels) {
  const std::pair<const char*, const char*> kNames[] = {
      {"Return", "Enter"},       {"KP_Enter", "Enter"},    {"enter", "Enter"},         {"ENTER", "Enter"},
      {"Page_Down", "PageDown"}, {"pgdn", "PageDown"},     {"Next", "PageDown"},       {"PAGEUP", "PageUp"},
      {"BackSpace", "Backspace"}, {"del", "Delete"},       {"Escape", "Escape"},       {"esc", "Escape"},
      {"Up", "ArrowUp"},         {"ARROWLEFT", "ArrowLeft"}, {"space", "Space"},       {" ", "Space"},
      {"ctrl", "Control"},       {"Control_L", "Control"}, {"ctrlright", "Control"},   {"Super_L", "Meta"},
      {"win", "Meta"},           {"CMD", "Meta"},          {"option", "Alt"},          {"Shift_R", "Shift"},
      {"minus", "-"},            {"plus", "+"},            {"KP_0", "0"},              {"num7", "7"},
      {"F5", "F5"},              {"f12", "F12"},           {"prtscr", "PrintScreen"},  {"\n", "Enter"},
      {"\t", "Tab"},             {"a", "a"},               {"A", "A"},                 {"_", "_"},
      {"XF86AudioMute", "XF86AudioMute"}, {"", ""}};
  for (const auto& [name, dom] : kNames) EXPECT_EQ(DomKey(name), dom) << name;
  EXPECT_EQ(DomKey(std::string(1000, 'x')), std::string(1000, 'x'));
}

TEST(DomChordTest, JoinsModifiersAndKey) {
  const std::pair<const char*, const char*> kChords[] = {
      {"ctrl+s", "Control+s"},     {"CTRL+S", "Control+s"},        {"ctrl+shift+T", "Control+Shift+T"},
      {"alt+Tab", "Alt+Tab"},      {"ctrl++", "Control++"},        {"ctrl+plus", "Control++"},
      {"+", "+"},                  {"Super_L", "Meta"},            {"shift+a", "Shift+a"},
      {"Page_Down", "PageDown"},   {"alt+F4", "Alt+F4"},           {"ctrl+alt+Delete", "Control+Alt+Delete"}};
  for (const auto& [chord, dom] : kChords) EXPECT_EQ(DomChord(chord), dom) << chord;
  EXPECT_EQ(DomChord(std::vector<std::string>{"CTRL", "A"}), "Control+a");
  EXPECT_EQ(DomChord(std::vector<std::string>{"ctrl+a"}), "Control+a");
  EXPECT_EQ(DomChord(std::vector<std::string>{"A"}), "A");
  EXPECT_EQ(DomChord(std::vector<std::string>{}), "");
  EXPECT_EQ(DomChord(""), "");
}

}  // namespace
}  // namespace proctor::env::dialects
