#include "common/json.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "proctor/v1/task.pb.h"

namespace proctor {
namespace {

TEST(JsonTest, ParsesAndRefusesMalformedInput) {
  EXPECT_EQ((*ParseJson("{\"a\":[1,2]}"))["a"][1], 2);
  for (const char* bad : {"", "{", "{\"a\":}", "nul", "[1,]", "\"\xff\"", "1 2"}) {
    EXPECT_FALSE(ParseJson(bad).ok()) << bad;
  }
}

TEST(JsonTest, ReadsMembersOfWhateverItIs) {
  const Json object = {{"number", 7.9}, {"text", "seven"}};
  EXPECT_EQ(JsonMember(object, "text"), "seven");
  EXPECT_TRUE(JsonMember(object, "none").is_null());
  for (const Json& other : {Json(), Json(1), Json("text"), Json::array({1})}) {
    EXPECT_TRUE(JsonMember(other, "text").is_null());
    EXPECT_EQ(JsonStringOr(other, "text", "otherwise"), "otherwise");
    EXPECT_EQ(JsonIntegerOr(other, "number", 3), 3);
  }
}

TEST(JsonTest, WholeNumbersEndWhereADoubleCountsNoFurther) {
  const int64_t limit = int64_t{1} << 53;
  const auto read = [](std::string_view number) {
    return JsonIntegerOr(ParseJson(absl::StrCat("{\"n\":", ToAbsl(number), "}")).value(), "n", 3);
  };
  EXPECT_EQ(read("-32001"), -32001);
  EXPECT_EQ(read("7.9"), 7);
  EXPECT_EQ(read("-7.9"), -7);
  EXPECT_EQ(read("-3.2e68"), -limit);
  EXPECT_EQ(read("1e300"), limit);
  EXPECT_EQ(read("18446744073709551615"), limit);
  EXPECT_EQ(read("\"7\""), 3);
}

TEST(JsonTest, RefusesDeepNesting) {
  EXPECT_TRUE(ParseJson(std::string(150, '[') + std::string(150, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(100000, '[')).ok());
  EXPECT_FALSE(ParseJson(std::string(1000, '[') + std::string(1000, ']')).ok());
}

TEST(JsonTest, CountsBracketsOutsideOfStringsOnly) {
  EXPECT_TRUE(ParseJson("[\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"]").ok());
  EXPECT_FALSE(ParseJson("[\"x\\\\\"," + std::string(1000, '[') + std::string(1000, ']') + "]").ok());
}

// With a time that grows with the square of their number it would take minutes and not end in the test's time.
TEST(JsonTest, LargeArraysOfObjectsTakeTheirSizeInTime) {
  std::string text = "[{}";
  for (int i = 0; i < 300000; ++i) text += ",{}";
  EXPECT_EQ(ParseJson(text + "]")->size(), 300001u);
}

TEST(JsonTest, ProtoRoundTripKeepsFieldNamesAndRefusesUnknownFields) {
  v1::Task task;
  task.set_name("tasks/a");
  task.set_optimal_steps(3);
  const std::string json = ProtoToJson(task);
  EXPECT_NE(json.find("\"optimal_steps\":3"), std::string::npos);
  v1::Task back;
  ASSERT_TRUE(ProtoFromJson(json, back).ok());
  EXPECT_EQ(ProtoCanonicalBytes(back), ProtoCanonicalBytes(task));
  EXPECT_EQ(ProtoFromJson("{\"no_such\":1}", back).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace proctor
