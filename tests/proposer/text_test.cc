#include "proposer/text.h"

#include "gtest/gtest.h"

namespace proctor::proposer {
namespace {

TEST(TextTest, CleansWhatPagesSay) {
  EXPECT_EQ(CleanText("  a\xC2\xA0\n b\x01 \xff"), "a b \xEF\xBF\xBD");
  EXPECT_EQ(CleanText("\xC3\xA4\xC3\xA4", 3), "\xC3\xA4");
}

TEST(TextTest, FindsWholeWordsOnly) {
  EXPECT_TRUE(ContainsWords("size: 42 kb.", "42 kb"));
  EXPECT_FALSE(ContainsWords("size: 142 kb", "42 kb"));
  EXPECT_FALSE(ContainsWords("1.2.34", "1.2.3"));
  EXPECT_TRUE(ContainsWords("anything", ""));
}

TEST(TextTest, ReadsQuantities) {
  EXPECT_EQ(ParseQuantity("4,160 kB")->value, 4160);
  EXPECT_EQ(ParseQuantity("4,160 kB")->unit, "kb");
  EXPECT_EQ(ParseQuantity("-2.5")->value, -2.5);
  for (const char* text : {"1.2.3", "2024-01-02", "a 5", "5 of 6", "", "-", "12:30"}) {
    EXPECT_FALSE(ParseQuantity(text).has_value()) << text;
  }
}

TEST(TextTest, ReadsSeparatorsOfNumbers) {
  EXPECT_EQ(ParseQuantity("1,234.5")->value, 1234.5);
  EXPECT_EQ(ParseQuantity("12.50")->value, 12.5);
  EXPECT_EQ(ParseQuantity("1,234")->value, 1234);
  EXPECT_EQ(ParseQuantity("-1,234,567 km")->value, -1234567);
  EXPECT_EQ(ParseQuantity("1,234.125")->value, 1234.125);
  // These dots separate no thousands.
  EXPECT_EQ(ParseQuantity("1234.125")->value, 1234.125);
  EXPECT_EQ(ParseQuantity("0.125")->value, 0.125);
  EXPECT_EQ(ParseQuantity(".5")->value, 0.5);
}

TEST(TextTest, LeavesQuantitiesThatMayBeReadInTwoWays) {
  for (const char* text : {"2,5", "2,5 kg", "1.234", "1.234 km", "-12.345", "1,23,456", "1,2345", "1234,567", "0,125", "1.234,5",
                           "1.234.567", ",123", "1,", "1,234,", "1.", "1,234.", ".", ","}) {
    EXPECT_FALSE(ParseQuantity(text).has_value()) << text;
  }
}

TEST(MinHashTest, TellsLikeFromUnlike) {
  const MinHash one("The version of the package libfoo | Installed size"), same("the version of the package libfoo | installed size"),
      other("Completely different words about stars");
  EXPECT_EQ(one.Similarity(same), 1);
  EXPECT_GT(one.Similarity(MinHash("The version of the package libfoo2 | Installed size")), 0.7);
  EXPECT_LT(one.Similarity(other), 0.2);
  EXPECT_EQ(MinHash("").Similarity(MinHash("")), 1);
}

}  // namespace
}  // namespace proctor::proposer
