#include "common/json.h"

#include <gtest/gtest.h>

#include "proctor/v1/task.pb.h"

namespace proctor {
namespace {

TEST(JsonTest, ParsesAndRefusesMalformedInput) {
  EXPECT_EQ((*ParseJson("{\"a\":[1,2]}"))["a"][1], 2);
  for (const char* bad : {"", "{", "{\"a\":}", "nul", "[1,]", "\"\xff\"", "1 2"}) {
    EXPECT_FALSE(ParseJson(bad).ok()) << bad;
  }
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
