#include "env/desktop/keysyms.h"

#include <gmock/gmock.h>

#include "gtest/gtest.h"

namespace proctor::env::desktop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(KeysymsTest, TextIsKeysInItsOrder) {
  EXPECT_THAT(*KeysymsOf("aZ ~"), ElementsAre('a', 'Z', ' ', '~'));
  EXPECT_THAT(*KeysymsOf("\t\r\n\n\r"), ElementsAre(0xff09, 0xff0d, 0xff0d, 0xff0d));
  EXPECT_THAT(*KeysymsOf("äÿ"), ElementsAre(0xe4, 0xff));
  EXPECT_THAT(*KeysymsOf("€漢😀"), ElementsAre(0x010020ac, 0x01006f22, 0x0101f600));
  EXPECT_THAT(*KeysymsOf(""), ElementsAre());
}

TEST(KeysymsTest, RefusesWhatNoKeyTypes) {
  for (const char* text : {"\x01", "\x7f", "\xc2\x85", "\x1b[A"}) {
    EXPECT_THAT(std::string(KeysymsOf(text).status().message()), HasSubstr("control character U+00")) << text;
  }
  for (const char* text : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\x80"}) {
    EXPECT_THAT(std::string(KeysymsOf(text).status().message()), HasSubstr("no UTF-8")) << text;
  }
}

TEST(KeysymsTest, ChordsArePressedModifiersFirst) {
  EXPECT_THAT(ParseChord("Control+A")->keysyms, ElementsAre(kKeyControl, 'a'));
  EXPECT_THAT(ParseChord("ctrl+shift+Left")->keysyms, ElementsAre(kKeyControl, kKeyShift, 0xff51));
  EXPECT_THAT(ParseChord("Shift+a")->keysyms, ElementsAre(kKeyShift, 'A'));
  EXPECT_THAT(ParseChord("Shift+1")->keysyms, ElementsAre(kKeyShift, '!'));
  EXPECT_THAT(ParseChord("Control++")->keysyms, ElementsAre(kKeyControl, '+'));
  EXPECT_THAT(ParseChord("+")->keysyms, ElementsAre('+'));
  EXPECT_THAT(ParseChord("A")->keysyms, ElementsAre('A'));
  EXPECT_THAT(ParseChord("F12")->keysyms, ElementsAre(0xffc9));
  EXPECT_THAT(ParseChord("return")->keysyms, ElementsAre(kKeyReturn));
  EXPECT_THAT(ParseChord("Shift")->keysyms, ElementsAre(kKeyShift));
  EXPECT_THAT(ParseChord("ä")->keysyms, ElementsAre(0xe4));
  EXPECT_THAT(ParseChord("Alt+F4")->keysyms, ElementsAre(kKeyAlt, 0xffc1));
}

TEST(KeysymsTest, ShiftChangesLettersAndSigns) {
  EXPECT_EQ(WithShift('a'), uint32_t{'A'});
  EXPECT_EQ(WithShift('1'), uint32_t{'!'});
  for (const uint32_t same : {uint32_t{'A'}, uint32_t{' '}, kKeyReturn, kKeyShift, uint32_t{0xe4}}) EXPECT_EQ(WithShift(same), same);
}

TEST(KeysymsTest, RefusesKeysThatThereAreNot) {
  for (const char* chord : {"", "+ +", "Control+", "Nonsense", "A+B", "Control+Enterr", "\xff", "ab", "F13", "\x01"}) {
    const auto parsed = ParseChord(chord);
    EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << chord;
    EXPECT_FALSE(parsed.status().message().empty());
  }
}

}  // namespace
}  // namespace proctor::env::desktop
