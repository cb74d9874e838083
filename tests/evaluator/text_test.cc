#include "evaluator/text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NormalizeTextTest, FoldsWidthCaseSpaceQuotesAndFinalPunctuation) {
  const std::pair<std::string, std::string> kCases[] = {
      {"Hello", "hello"},
      {"  two \t\n words  ", "two words"},
      {"\"Quoted.\"", "quoted"},
      {"\u201CQuoted\u201D.", "quoted"},
      {"ＡＢＣ\u3000１２", "abc 12"},
      {"a\u00A0b\u200Bc", "a bc"},
      {"ÄÖÜ ÉÈ", "äöü éè"},
      {"ΑΒΓ ЖЯ", "αβγ жя"},
      {"Really?!", "really"},
      {"it's", "it's"},
      {"don\u2019t", "don't"},
      {"U.S.A.", "u.s.a"},
      {"10\u201320", "10-20"},
      {"...", "..."},
      {"''", "''"},
      {"", ""},
      {"bad \xFF byte", "bad \uFFFD byte"},
  };
  for (const auto& [raw, normal] : kCases) EXPECT_EQ(NormalizeText(raw), normal) << raw;
}

TEST(IsNotApplicableTest, KnowsSpellingsAndExplanations) {
  for (const char* text : {"N/A", "n/a.", "\"N/A\"", "N.A.", "NA", "N/A: there is no such product",
                           "Not applicable", "N.A. There is none", "N/A.There is none", "n\\a.There is none",
                           "Not applicable.The page is empty"}) {
    EXPECT_TRUE(IsNotApplicable(text)) << text;
  }
  for (const char* text : {"", "no", "Naples", "n/array", "nationwide", "the cell says N/A", "N.A.S.A.", "N.A.S.A. runs it"}) {
    EXPECT_FALSE(IsNotApplicable(text)) << text;
  }
}

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  const std::string folded = FoldList(text);
  for (const Fragment& f : SplitList(folded, 100))
    parts.push_back(folded.substr(f.begin, f.end - f.begin));
  return parts;
}

TEST(SplitListTest, SplitsAtCommasSemicolonsLinesAndTheWordAnd) {
  EXPECT_THAT(Split("a, b;c\nd and e"), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Split("a, b, and c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Split("sand, bandana"), ElementsAre("sand", "bandana"));
  EXPECT_THAT(Split("- one\n* two"), ElementsAre("one", "two"));
  EXPECT_THAT(Split(" ,;, and"), IsEmpty());
}

TEST(SplitListTest, DropsBulletsButNoSignsOptionsAndWildcards) {
  EXPECT_THAT(Split("-5, 3"), ElementsAre("-5", "3"));
  EXPECT_THAT(Split("- -5\n*  *.txt\n--help"), ElementsAre("-5", "*.txt", "--help"));
  EXPECT_THAT(Split("* * *\none"), ElementsAre("one"));
  EXPECT_THAT(Split("\u2022red\n\u00b7 green\n\u2022-5\n\u00b75"), ElementsAre("red", "green", "-5", "5"));
  EXPECT_THAT(Split("red, -, green, *"), ElementsAre("red", "green"));
  EXPECT_THAT(Split("3\u00b74"), ElementsAre("3\u20224"));
}

TEST(SplitListTest, StopsAtTheLimit) {
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "a,";
  EXPECT_EQ(SplitList(text, 10).size(), 10u);
}

struct NumberCase {
  const char* text;
  std::vector<std::vector<double>> readings;
};

TEST(FindNumbersTest, ReadsWrittenNumbers) {
  const NumberCase kCases[] = {
      {"12", {{12}}},
      {"$1,234.50", {{1234.5}}},
      {"1.234,50 €", {{1234.5}}},
      {"€12,50", {{12.5}}},
      {"1,234", {{1234}}},
      {"1.234", {{1234, 1.234}}},
      {"0.125", {{0.125}}},
      {"1,00,000", {{100000}}},
      {"1.234.567", {{1234567}}},
      {"1 234 567", {{1234567}}},
      {"1'234", {{1234}}},
      {"12kg", {{12}}},
      {"EUR12", {{12}}},
      {"USD 12.99", {{12.99}}},
      {"50%", {{50}}},
      {"-5", {{-5}}},
      {"\u22125 degrees", {{-5}}},
      {"-$5", {{-5}}},
      {"$-5", {{-5}}},
      {"\u20ac-5", {{-5}}},
      {"\u00a3-12.50", {{-12.5}}},
      {"from \u20ac-5", {{-5}}},
      {"10\u20ac-15\u20ac", {{10}, {15}}},
      {"10 \u20ac-15 \u20ac", {{10}, {15}}},
      {"10k\u20ac-15k\u20ac", {{10e3}, {15e3}}},
      {"5 million \u20ac-10 million \u20ac", {{5e6}, {10e6}}},
      {"5%-10%", {{5}, {10}}},
      {"5 %-10 %", {{5}, {10}}},
      {"in %-5", {{-5}}},
      {"plan k \u20ac-5", {{-5}}},
      {"caf\u00e9-5", {{5}}},
      {".5", {{0.5}}},
      {"2.5 million", {{2.5e6}}},
      {"12k", {{12e3}}},
      {"12K stars", {{12e3}}},
      {"$12K+", {{12e3}}},
      {"12k\u20ac", {{12e3}}},
      {"12 hundred", {{1200}}},
      {"12 trillion", {{12e12}}},
      {"12-million", {{12e6}}},
      {"5 mln", {{5e6}}},
      {"5mln \u20ac", {{5e6}}},
      {"5 tn", {{5e12}}},
      {"5 trn", {{5e12}}},
      {"12M", {{12, 12e6}}},
      {"5 m", {{5, 5e6}}},
      {"5B", {{5, 5e9}}},
      {"300 K", {{300, 300e3}}},
      {"1.234k", {{1234e3, 1234}}},
      {"12e3", {{12e3}}},
      {"12E+3 m", {{12e3}}},
      {"5e-1", {{0.5}}},
      {"2e", {{2}}},
      {"2e3x", {{2}}},
      {"2e999", {{}}},
      {"12 kinds", {{12}}},
      {"5 min", {{5}}},
      {"5 m2", {{5}}},
      {"minus 12", {{-12}}},
      {"Negative $12", {{-12}}},
      {"minus 2k", {{-2e3}}},
      {"-.5", {{-0.5}}},
      {".5 million", {{0.5e6}}},
      {"two hundred", {{200}}},
      {"two hundred thousand", {{200e3}}},
      {"two-hundred-thousand", {{200e3}}},
      {"5 hundred million", {{500e6}}},
      {"2 millions", {{2e6}}},
      {"3 billions of people", {{3e9}}},
      {"12 thousands", {{12e3}}},
      {"2 hundred K", {{200, 200e3}}},
      {"5 thousand m", {{5e3, 5e9}}},
      {"14K gold", {{14e3}}},
      {"12 ks", {{12}}},
      {"two hundred and fifty", {{}}},
      {"two hundred fifty", {{}}},
      {"two-hundred-and-fifty-five", {{}}},
      {"two hundred and five", {{}}},
      {"2 thousand and 50", {{}}},
      {"thirty", {{}}},
      {"thirty-two", {{}}},
      {"ninety nine", {{}}},
      {"twenty-one", {{}}},
      {"twenty-first", {{}}},
      {"twenty ninth", {{}}},
      {"twenty firsts", {{20}}},
      {"two dozen", {{}}},
      {"2 dozen and five", {{}}},
      {"three score", {{}}},
      {"a 4.5 score", {{4.5}}},
      {"2 lakh", {{}}},
      {"two crores", {{}}},
      {"two and a half", {{}}},
      {"2-and-a-quarter", {{}}},
      {"two and a half million", {{}}},
      {"2 million and a half", {{}}},
      {"5 m and a half", {{}}},
      {"2 and a halfway house", {{2}}},
      {"two-thirds", {{}}},
      {"one third", {{}}},
      {"three quarters", {{}}},
      {"3 quarters", {{3}}},
      {"5 third-party apps", {{5}}},
      {"2 thirds", {{}}},
      {"two hundredths", {{}}},
      {"2 thousandths of 12", {{}, {12}}},
      {"3\u00bd", {{}}},
      {"3 \u00be", {{}}},
      {"2\u2153 cups", {{}}},
      {"3\u00b0", {{3}}},
      {"twenty", {{20}}},
      {"twenty thousand", {{20e3}}},
      {"twenty and one", {{20}, {1}}},
      {"hundred", {{}}},
      {"a hundred and two", {{}}},
      {"half a million", {{}}},
      {"fifty thousand two hundred", {{}}},
      {"fifty thousand and 20 of 12", {{}, {12}}},
      {"forty, 5", {{}, {5}}},
      {"hundreds of 12", {{12}}},
      {"two hundred and thousands more", {{200}}},
      {"3 parts per million", {{3}}},
      {"12 per hundred thousand", {{12}}},
      {"12 in thousand", {{12}}},
      {"12 in a hundred thousand", {{12}}},
      {"12 of a hundred", {{12}}},
      {"12 of a hundred and two", {{12}, {}}},
      {"12 or a hundred", {{12}, {}}},
      {"a hundred-year-old house for $5", {{5}}},
      {"a hundred-thousand-dollar house for $5", {{5}}},
      {"hundred - no, 5", {{}, {5}}},
      {"two hundred and more", {{200}}},
      {"two hundred android phones", {{200}}},
      {"two hundred and", {{200}}},
      {"5 m and 3 cm", {{5, 5e6}, {3}}},
      {"12k and 5", {{12e3}, {5}}},
      {"minus three", {{-3}}},
      {"terminus 12", {{12}}},
      {"three", {{3}}},
      {"3 items for $12", {{3}, {12}}},
      {"3-5", {{3}, {5}}},
      {"mp3 v2", {}},
      {"1.2.3", {{}}},
      {"none", {}},
      {"", {}},
  };
  for (const NumberCase& test : kCases) {
    const std::vector<WrittenNumber> numbers = FindNumbers(test.text);
    ASSERT_EQ(numbers.size(), test.readings.size()) << test.text;
    for (size_t i = 0; i < numbers.size(); ++i)
      EXPECT_EQ(numbers[i].readings, test.readings[i]) << test.text;
  }
}

TEST(FindDatesTest, ReadsManySpellings) {
  const absl::CivilDay day(2024, 5, 12);
  for (const char* text :
       {"2024-05-12", "2024/5/12", "12.05.2024", "12.5.24", "May 12, 2024", "May 12th 2024",
        "12 May 2024", "12th of May, 2024", "Sunday, 12 MAY 2024 at 10:30", "12-May-24",
        "2024-05-12T10:00:00Z", "It was on May the 12th, 2024.", "12. May 2024",
        "1. May 12, 2024", "Order 3 - May 12, 2024", "12-May-24, 1530", "12 May 24, 5 p.m.",
        "12 May 24, 1530", "12 May 24 0900", "12. May 24, 2101 people", "40 May 12, 2024"}) {
    const std::vector<WrittenDate> dates = FindDates(text);
    ASSERT_EQ(dates.size(), 1u) << text;
    EXPECT_THAT(dates[0].readings, ElementsAre(day)) << text;
  }
}

TEST(FindDatesTest, KeepsBothReadingsOfAnAmbiguousDate) {
  const std::vector<WrittenDate> dates = FindDates("05/12/2024");
  ASSERT_EQ(dates.size(), 1u);
  EXPECT_THAT(dates[0].readings,
              ElementsAre(absl::CivilDay(2024, 12, 5), absl::CivilDay(2024, 5, 12)));
}

TEST(FindDatesTest, KeepsBothReadingsOfADayBeforeADateThatMayHaveOneOfItsOwn) {
  const std::vector<WrittenDate> dates = FindDates("5 Jun 19, 2000 people");
  ASSERT_EQ(dates.size(), 1u);
  EXPECT_THAT(dates[0].readings, ElementsAre(absl::CivilDay(2000, 6, 19), absl::CivilDay(2019, 6, 5)));
  const std::vector<WrittenDate> no_second = FindDates("12 May 32, 2024");
  ASSERT_EQ(no_second.size(), 1u);
  EXPECT_THAT(no_second[0].readings, ElementsAre(absl::CivilDay(2032, 5, 12)));
}

TEST(FindDatesTest, RefusesWhatIsNoDate) {
  for (const char* text : {"30 February 2024", "May 2024", "12 May", "2024", "99/99/2024",
                           "1.2.3.4", "maybe 12, 2024"}) {
    EXPECT_THAT(FindDates(text), IsEmpty()) << text;
  }
  EXPECT_FALSE(ParseIsoDate("12.05.2024").has_value());
  EXPECT_FALSE(ParseIsoDate("2024-13-01").has_value());
}

}  // namespace
}  // namespace proctor::evaluator
