#include <set>

#include "env/practice/html.h"
#include "env/practice/names.h"
#include "env/practice/random.h"
#include "env/practice/site.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::env::practice {
namespace {

using ::testing::ElementsAre;

TEST(NamesTest, DatesGoBothWays) {
  EXPECT_EQ(LongDate(0), "1 January 2031");
  EXPECT_EQ(WeekdayName(0), "Wednesday");
  EXPECT_EQ(IsoDate(59), "2031-03-01");
  EXPECT_EQ(IsoDate(365 + 59), "2032-02-29");
  for (int day = 0; day < 1000; ++day) EXPECT_EQ(DayOfIsoDate(IsoDate(day)), day);
  for (const char* bad : {"", "2031-02-29", "2031-13-01", "2031-1-1", "2030-01-01", "2031-01-0x", "2031-01-011"}) EXPECT_EQ(DayOfIsoDate(bad), -1) << bad;
}

TEST(NamesTest, NamesAreDifferent) {
  Random random(1, "test");
  for (const auto& names : {PersonNames(random, 700), TownNames(random, 240), SeriesWords(random, 100)}) {
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
    EXPECT_GE(names.size(), 90u);
  }
}

TEST(NamesTest, WritesNumbers) {
  EXPECT_EQ(Thousands(7), "7");
  EXPECT_EQ(Thousands(1234567), "1,234,567");
  EXPECT_EQ(Money(120605), "$1206.05");
  EXPECT_EQ(Slug("Blue Lamp, 2!"), "blue-lamp-2");
}

TEST(RandomTest, TheSameSeedAndLabelGiveTheSameSequence) {
  EXPECT_EQ(Random(3, "a").Next(), Random(3, "a").Next());
  EXPECT_NE(Random(3, "a").Next(), Random(3, "b").Next());
  EXPECT_NE(Random(3, "a").Next(), Random(4, "a").Next());
}

TEST(HtmlTest, EscapesTextAndUrls) {
  EXPECT_EQ(Escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(EncodeUrl("a b&c/é"), "a+b%26c%2f%c3%a9");
  EXPECT_EQ(DecodeUrl("a+b%26c%2F%zz%4"), "a b&c/%zz%4");
  EXPECT_EQ(Link("/x?a=1&b=\"2\"", "<b>"), "<a href=\"/x?a=1&amp;b=&quot;2&quot;\">&lt;b&gt;</a>");
}

TEST(RequestTest, ParsesPathsQueriesAndForms) {
  Request request;
  ASSERT_TRUE(Request::Parse({.method = "POST", .target = "/a%20b//c?x=1&x=2&y=%20z%20", .host = "", .headers = {}, .body = "t=u+v&n=5"}, request));
  EXPECT_EQ(request.path, "/a b//c");
  EXPECT_THAT(request.segments, ElementsAre("a b", "c"));
  EXPECT_THAT(request.query.All("x"), ElementsAre("1", "2"));
  EXPECT_EQ(request.query.Get("y"), "z");
  EXPECT_EQ(request.form.Get("t"), "u v");
  EXPECT_EQ(request.form.Int("n", 1, 9, 0), 5);
  EXPECT_EQ(request.form.Int("n", 6, 9, 0), 0);
  EXPECT_EQ(request.Segment(7), "");
  Request other;
  EXPECT_FALSE(Request::Parse({.method = "DELETE", .target = "/", .host = "", .headers = {}, .body = ""}, other));
}

TEST(StateTest, EqualStatesGiveEqualJson) {
  State one, other;
  one.Set("b", "2", {{"y", "1"}, {"x", "2"}});
  one.Set("a", "1", {});
  other.Set("a", "1", {});
  other.Set("c", "3", {});
  other.Set("b", "2", {{"x", "2"}, {"y", "1"}});
  other.Erase("c", "3");
  other.Erase("d", "4");
  EXPECT_EQ(one.ToJson(), other.ToJson());
  EXPECT_EQ(one.ToJson(), R"({"a":{"1":{}},"b":{"2":{"x":"2","y":"1"}}})");
  EXPECT_EQ(State().ToJson(), "{}");
}

TEST(SearchTest, AllWordsMustOccur) {
  EXPECT_TRUE(MatchesQuery("Alder Desk Lamp", "lamp ALDER"));
  EXPECT_FALSE(MatchesQuery("Alder Desk Lamp", "alder chair"));
  EXPECT_FALSE(MatchesQuery("Alder Desk Lamp", "  "));
}

}  // namespace
}  // namespace proctor::env::practice
