#include "evaluator/csv.h"

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

TEST(CsvToJsonTest, ReadsRowsAndCells) {
  const Case kCases[] = {
      {"", "[]"},
      {"a", R"([["a"]])"},
      {"a,b\r\nc,d\r\n", R"([["a","b"],["c","d"]])"},
      {"a,b\nc,d", R"([["a","b"],["c","d"]])"},
      {"a,b\nc\n", R"([["a","b"],["c"]])"},
      {"a,\n,b\n", R"([["a",""],["","b"]])"},
      {"a\n\nb\n", R"([["a"],[""],["b"]])"},
      {"\xEF\xBB\xBF" "a,b", R"([["a","b"]])"},
      {" a , b ", R"([[" a "," b "]])"},
      {"\"a,b\",\"c\"\"d\",\"e\r\nf\"\n", R"([["a,b","c\"d","e\r\nf"]])"},
      {"\"\",x", R"([["","x"]])"},
      {"a\rb,c", R"([["a\rb","c"]])"},
      {"a\r", R"([["a\r"]])"},
      // The first row says what separates.
      {"a;b;c\n1,5;2;3\n", R"([["a","b","c"],["1,5","2","3"]])"},
      {"a\tb\n1,5\t2;3\n", R"([["a","b"],["1,5","2;3"]])"},
      {"a,b;c\n", R"([["a","b;c"]])"},
      {"\"x;y;z\",b\n", R"([["x;y;z","b"]])"},
      {"\"two\nlines;\";b\n", R"([["two\nlines;","b"]])"},
      {"a\nb;c;d\n", R"([["a"],["b;c;d"]])"},
      {"a;b\tc\td\n", R"([["a;b","c","d"]])"},
  };
  for (const Case& test : kCases) {
    const absl::StatusOr<std::string> json = CsvToJson(test.text);
    ASSERT_TRUE(json.ok()) << json.status() << " in " << test.text;
    EXPECT_EQ(*json, test.json) << test.text;
  }
}

TEST(CsvToJsonTest, NamesTheRowThatIsBroken) {
  const std::pair<const char*, const char*> kCases[] = {
      {"\"a", "row 1"}, {"a\n\"b", "row 2"}, {"a,b\nc,\"d\"e\n", "row 2"}, {"a\nb\"c\n", "row 2"}, {"\"a\"\"", "row 1"}};
  for (const auto& [text, place] : kCases) {
    const absl::StatusOr<std::string> json = CsvToJson(text);
    EXPECT_EQ(json.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(json.status().message()), HasSubstr(place)) << text;
  }
}

TEST(CsvToJsonTest, LargeFilesAreReadInOneGo) {
  EXPECT_TRUE(CsvToJson(std::string(1 << 20, ',')).ok());
  EXPECT_TRUE(CsvToJson(std::string(1 << 20, '\n')).ok());
  EXPECT_TRUE(CsvToJson(std::string(1 << 20, '"')).ok());
  EXPECT_FALSE(CsvToJson(std::string((1 << 20) + 1, '"')).ok());
}

}  // namespace
}  // namespace proctor::evaluator
