#include "clients/cli/table.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_split.h"
#include "clients/cli/text.h"

namespace proctor::cli {
namespace {

Table Sample() {
  Table table;
  table.AddColumn("NAME", Align::kLeft);
  table.AddColumn("N", Align::kRight);
  table.AddColumn("GOAL", Align::kLeft);
  table.AddRow({"lamp", "7", "Find the cheapest lamp of the whole shop"});
  table.AddRow({"a", "1234", ""});
  return table;
}

TEST(TableTest, AlignsColumnsAndLeavesNoBlanksAtTheEnd) {
  EXPECT_EQ(Sample().Text(0),
            "NAME     N  GOAL\n"
            "lamp     7  Find the cheapest lamp of the whole shop\n"
            "a     1234\n");
}

TEST(TableTest, CutsTheWidestTextColumnToTheTerminal) {
  EXPECT_EQ(Sample().Text(30),
            "NAME     N  GOAL\n"
            "lamp     7  Find the cheapest…\n"
            "a     1234\n");
}

TEST(TableTest, NeverCutsBelowWhatCanBeRead) {
  for (size_t width = 1; width < 60; ++width) {
    for (const auto& line : absl::StrSplit(Sample().Text(width), '\n')) {
      EXPECT_LE(DisplayWidth({line.data(), line.size()}),
                std::max<size_t>(width, 4 + 2 + 4 + 2 + 8));
    }
  }
}

TEST(TableTest, ShowsItsHeadWithoutRows) {
  Table table;
  table.AddColumn("NAME", Align::kLeft);
  EXPECT_EQ(table.Text(0), "NAME\n");
  EXPECT_EQ(Table().Text(10), "\n");
}

TEST(TableTest, FillsMissingCellsAndDropsSurplusOnes) {
  Table table;
  table.AddColumn("A", Align::kLeft);
  table.AddColumn("B", Align::kLeft);
  table.AddRow({"1"});
  table.AddRow({"1", "2", "3"});
  EXPECT_EQ(table.Text(0), "A  B\n1\n1  2\n");
}

TEST(TableTest, AlignsWideAndCombiningCharacters) {
  Table table;
  table.AddColumn("A", Align::kLeft);
  table.AddColumn("B", Align::kLeft);
  table.AddRow({"日本", "x"});
  table.AddRow({"e\u0301e", "y"});
  EXPECT_EQ(table.Text(0), "A     B\n日本  x\ne\u0301e    y\n");
}

// What a page says cannot steer the terminal.
TEST(TextTest, MakesControlCharactersVisible) {
  EXPECT_EQ(OneLine("a\x1b]0;title\x07z"), "a\\x1b]0;title\\x07z");
  EXPECT_EQ(OneLine("a\nb\tc\r"), "a b c ");
  EXPECT_EQ(ManyLines("a\nb\x1b[2J"), "a\nb\\x1b[2J");
  EXPECT_EQ(OneLine("\xc2\x9b"
                    "31m"),
            "\\x9b31m");
  EXPECT_EQ(OneLine("a\u202eb\u2066c\ufeff"), "a\\u202eb\\u2066c\\ufeff");
  EXPECT_EQ(OneLine(std::string("a\0b", 3)), "a\\x00b");
}

TEST(TextTest, ReplacesMalformedUtf8) {
  EXPECT_EQ(OneLine("a\xff"
                    "b"),
            "a\ufffdb");
  EXPECT_EQ(DisplayWidth(OneLine("\xf0\x9f\x98")), OneLine("\xf0\x9f\x98").size() / 3);
}

TEST(TextTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutToWidth("日本語", 6), "日本語");
  EXPECT_EQ(CutToWidth("日本語", 5), "日本…");
  EXPECT_EQ(CutToWidth("日本語", 4), "日…");
  EXPECT_EQ(CutToWidth("abc", 0), "");
  EXPECT_EQ(CutToWidth("abc", 1), "…");
  EXPECT_EQ(CutToWidth("", 0), "");
}

TEST(TextTest, WritesSizesAndTimesForPeople) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(1536), "1.5 KiB");
  EXPECT_EQ(BytesText(1e18), "909494.7 TiB");
  EXPECT_EQ(DurationText(absl::Milliseconds(1234)), "1.2s");
  EXPECT_EQ(DurationText(absl::Milliseconds(61'900)), "1m1s");
  EXPECT_EQ(TimeText({}), "");
}

}  // namespace
}  // namespace proctor::cli
