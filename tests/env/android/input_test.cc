// Command lines that are built from an agent's words: nothing in them may ever run.
#include "env/android/input.h"

#include <sys/wait.h>

#include <cstdio>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "env/android/device.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::android {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

v1::Point At(double x, double y) {
  v1::Point point;
  point.set_x(x);
  point.set_y(y);
  return point;
}

// What a real shell makes of the words of `script`: each argument in brackets.
std::string RealShell(const std::string& script) {
  const std::string whole = absl::StrCat("input() { shift; printf '[%s]' \"$@\"; }\n", script);
  FILE* pipe = popen(absl::StrCat("/bin/sh -c ", ShellQuote(whole), " 2>&1").c_str(), "r");
  std::string out;
  char bytes[4096];
  while (const size_t got = fread(bytes, 1, sizeof bytes, pipe)) out.append(bytes, got);
  pclose(pipe);
  return out;
}

constexpr const char* kHostile[] = {"$(touch /tmp/never)",
                                    "`id`",
                                    "a; id",
                                    "a && id || id",
                                    "'; id; '",
                                    "\"; id; \"",
                                    "\\'; id",
                                    "$HOME ${HOME} $?",
                                    "-d 0 --help",
                                    "* ? [a-z] ~",
                                    "a > /tmp/never",
                                    "#comment",
                                    "!history",
                                    "a\\",
                                    "  two  spaces  ",
                                    "%20 100%"};

TEST(ShellQuoteTest, GivesARealShellExactlyTheText) {
  for (const std::string text : kHostile) EXPECT_EQ(RealShell(absl::StrCat("input text ", ShellQuote(text))), absl::StrCat("[", text, "]"));
  EXPECT_EQ(RealShell(absl::StrCat("input text ", ShellQuote("line\nbreak"))), "[line\nbreak]");
  EXPECT_EQ(RealShell(absl::StrCat("input text ", ShellQuote(""))), "[]");
}

TEST(TextCommandsTest, TypesHostileTextThroughARealShellAsItIs) {
  for (const std::string text : kHostile) {
    const auto commands = TextCommands(text);
    ASSERT_TRUE(commands.ok());
    std::string typed;
    for (const std::string& line : Join(*commands)) absl::StrAppend(&typed, RealShell(line));
    EXPECT_EQ(typed, absl::StrCat("[", text, "]"));
  }
}

TEST(TextCommandsTest, NeverHandsInputTheTwoCharactersThatItTakesForASpace) {
  for (const std::string text : {"%s", "%%s", "100%s of it", "%s%s", "a%"}) {
    const auto commands = TextCommands(text);
    ASSERT_TRUE(commands.ok());
    std::string typed;
    for (const std::string& command : *commands) {
      const std::string piece = RealShell(command);
      EXPECT_FALSE(absl::StrContains(piece, "%s")) << command;
      typed += piece.substr(1, piece.size() - 2);
    }
    EXPECT_EQ(typed, text);
  }
}

TEST(TextCommandsTest, LongTextWithPercentSignsAtItsSeamsStaysWhole) {
  for (int shift = 0; shift < 4; ++shift) {
    std::string text(498 + shift, 'x');
    text += "%s%s tail";
    const auto commands = TextCommands(text);
    ASSERT_TRUE(commands.ok());
    std::string typed;
    for (const std::string& command : *commands) {
      const std::string piece = RealShell(command);
      EXPECT_FALSE(absl::StrContains(piece, "%s")) << shift;
      typed += piece.substr(1, piece.size() - 2);
    }
    EXPECT_EQ(typed, text);
  }
}

TEST(TextCommandsTest, PressesNewlinesAndTabs) {
  EXPECT_THAT(*TextCommands("a\nb\tc"), ElementsAre("input text 'a'", "input keyevent 66", "input text 'b'", "input keyevent 61", "input text 'c'"));
  EXPECT_TRUE(TextCommands("")->empty());
}

TEST(TextCommandsTest, RefusesWhatItCannotTypeWithWhatToDo) {
  for (const std::string text : {"grün", "日本", "\x01", "a\x7f", "\xff"}) {
    const auto commands = TextCommands(text);
    EXPECT_EQ(commands.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(commands.status().message()), HasSubstr("ADB_KEYBOARD"));
  }
}

TEST(InputTest, BuildsTapsAndSwipes) {
  EXPECT_EQ(TapCommand(At(10.9, 20), 1), "input tap 10 20");
  EXPECT_EQ(TapCommand(At(1, 2), 2), "input tap 1 2 && input tap 1 2");
  EXPECT_EQ(SwipeCommand(At(1, 2), At(3, 4), absl::Milliseconds(300)), "input swipe 1 2 3 4 300");
}

TEST(ChordCommandsTest, KnowsKeysAndCombinations) {
  EXPECT_THAT(*ChordCommands({"Enter", "a", "ArrowDown", "+"}, 33),
              ElementsAre("input keyevent 66", "input text 'a'", "input keyevent 20", "input text '+'"));
  EXPECT_THAT(*ChordCommands({"Control+A", "Shift+Tab"}, 31), ElementsAre("input keycombination 113 29", "input keycombination 59 61"));
}

TEST(ChordCommandsTest, RefusesWhatThereIsNotWithWhatToDo) {
  EXPECT_THAT(std::string(ChordCommands({"Hyper"}, 33).status().message()), HasSubstr("Enter"));
  EXPECT_THAT(std::string(ChordCommands({"Control+A"}, 30).status().message()), HasSubstr("Android 12"));
  EXPECT_THAT(std::string(ChordCommands({"Enter+A"}, 33).status().message()), HasSubstr("modifier"));
  EXPECT_FALSE(ChordCommands({""}, 33).ok());
  EXPECT_FALSE(ChordCommands({"+++"}, 33).ok());
  EXPECT_FALSE(ChordCommands({"Control+"}, 33).ok());
  EXPECT_FALSE(ChordCommands({"$(id)"}, 33).ok());
}

TEST(ClearCommandsTest, DeletesOnBothSidesWhereThereAreNoCombinations) {
  EXPECT_THAT(ClearCommands(33, 500), ElementsAre("input keycombination 113 29", "input keyevent 67"));
  EXPECT_THAT(ClearCommands(28, 2), ElementsAre("input keyevent 123", "input keyevent 67 67", "input keyevent 112 112"));
}

TEST(JoinTest, KeepsOrderAndLength) {
  EXPECT_THAT(Join({"a", "b"}), ElementsAre("a && b"));
  const std::vector<std::string> lines = Join(std::vector<std::string>(100, std::string(50, 'x')));
  EXPECT_LT(lines.size(), 20u);
  for (const std::string& line : lines) EXPECT_LT(line.size(), 700u);
}

// Each line has a time of its own: 500 characters are some seconds' typing.
TEST(JoinTest, LongTextIsManyLines) {
  const auto commands = TextCommands(std::string(16'384, 'x'));
  ASSERT_TRUE(commands.ok());
  EXPECT_EQ(Join(*commands).size(), 33u);
}

}  // namespace
}  // namespace proctor::env::android
