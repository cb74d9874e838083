#include "evaluator/ini.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string text;
  const char* json;
};

TEST(IniToJsonTest, ReadsWhatDesktopsWrite) {
  const Case kCases[] = {
      {"", "{}"},
      {"\n  \n", "{}"},
      {"a=1", R"({"":{"a":"1"}})"},
      {"top = 1\n[View]\nzoom=150\n", R"({"":{"top":"1"},"View":{"zoom":"150"}})"},
      {"[a]\r\nk = v \r\n", R"({"a":{"k":"v"}})"},
      {"\xEF\xBB\xBF[a]\nk=v", R"({"a":{"k":"v"}})"},
      {"; note\n# note\n  ; note\n[a]\n#k=1\nk=2 ; kept # kept\n", R"({"a":{"k":"2 ; kept # kept"}})"},
      {"[a]\nk=\n", R"({"a":{"k":""}})"},
      {"[a]\nk==b=c\n", R"({"a":{"k":"=b=c"}})"},
      {"[a]\nk=\"quoted\"\n", R"({"a":{"k":"\"quoted\""}})"},
      {"[a]\nName[de]=Rechner\nMy Key=x\n", R"({"a":{"My Key":"x","Name[de]":"Rechner"}})"},
      {"[ a b ]\nk=1\n", R"({"a b":{"k":"1"}})"},
      {"[]\nk=1\n", R"({"":{"k":"1"}})"},
      {"[a]\nx=1\n[b]\n[a]\nx=2\ny=3\n", R"({"a":{"x":"2","y":"3"},"b":{}})"},
      {"[a/b~c]\nk=\xC3\xA4\n", "{\"a/b~c\":{\"k\":\"\xC3\xA4\"}}"},
      {std::string("[a]\nk=x\0y\n", 10), R"({"a":{"k":"x\u0000y"}})"},
  };
  for (const Case& test : kCases) {
    const absl::StatusOr<std::string> json = IniToJson(test.text);
    ASSERT_TRUE(json.ok()) << json.status() << " in " << test.text;
    EXPECT_EQ(*json, test.json) << test.text;
  }
}

TEST(IniToJsonTest, NamesTheLineThatIsNone) {
  const std::pair<const char*, const char*> kCases[] = {
      {"[a\n", "line 1"}, {"[a]\nk=1\nword\n", "line 3"}, {"\n=1\n", "line 2"}, {"[a] ; note\n", "line 1"}, {"<xml/>", "line 1"}};
  for (const auto& [text, place] : kCases) {
    const absl::StatusOr<std::string> json = IniToJson(text);
    EXPECT_EQ(json.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(json.status().message()), HasSubstr(place)) << text;
  }
}

TEST(IniToJsonTest, LargeFilesAreReadInOneGo) {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += "[s" + std::to_string(i) + "]\nk=v\n";
  EXPECT_TRUE(IniToJson(text).ok());
  EXPECT_FALSE(IniToJson(std::string(1 << 20, '[')).ok());
  EXPECT_TRUE(IniToJson(std::string(1 << 20, '\n')).ok());
  EXPECT_FALSE(IniToJson(std::string(1 << 20, '=')).ok());
}

}  // namespace
}  // namespace proctor::evaluator
