#include "evaluator/matchers.h"

#include <string>

#include "common/proto_json.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

template <typename T>
T FromJson(const std::string& json) {
  T message;
  const absl::Status parsed = ProtoFromJson(json, message);
  EXPECT_TRUE(parsed.ok()) << parsed << " in " << json;
  return message;
}

struct TextCase {
  const char* match;
  const char* actual;
  bool holds;
};

TEST(MatchesTextTest, DecidesEachKind) {
  const TextCase kCases[] = {
      {R"({"equals":{"values":["Blue Mug"]}})", "  \"blue  mug\". ", true},
      {R"({"equals":{"values":["Blue Mug","Mug, blue"]}})", "mug, Blue", true},
      {R"({"equals":{"values":["Blue Mug"]}})", "the blue mug", false},
      {R"({"equals":{"values":["Blue Mug"]}})", "", false},
      {R"({"number":{"value":1234.5}})", "$1,234.50", true},
      {R"({"number":{"value":1234.5}})", "EUR 1.234,50", true},
      {R"({"number":{"value":12}})", "It costs 12 USD.", true},
      {R"({"number":{"value":12}})", "12 or 13", false},
      {R"({"number":{"value":12}})", "twelve", true},
      {R"({"number":{"value":12}})", "12, i.e. $12.00", true},
      {R"({"number":{"value":12}})", "no number", false},
      {R"({"number":{"value":12}})", "", false},
      {R"({"number":{"value":12}})", "12k", false},
      {R"({"number":{"value":12}})", "12 trillion", false},
      {R"({"number":{"value":12}})", "12e3", false},
      {R"({"number":{"value":12}})", "minus 12", false},
      {R"({"number":{"value":12}})", "12 m", true},
      {R"({"number":{"value":12000}})", "12K stars", true},
      {R"({"number":{"value":200}})", "two hundred thousand", false},
      {R"({"number":{"value":200}})", "two hundred and fifty", false},
      {R"({"number":{"value":2}})", "2 millions", false},
      {R"({"number":{"value":2}})", "thirty-two", false},
      {R"({"number":{"value":9}})", "ninety-nine", false},
      {R"({"number":{"value":2}})", "a hundred and two", false},
      {R"({"number":{"value":200}})", "fifty thousand two hundred", false},
      {R"({"number":{"value":5}})", "\u20ac-5", false},
      {R"({"number":{"value":2}})", "two dozen", false},
      {R"({"number":{"value":2}})", "two and a half", false},
      {R"({"number":{"value":3}})", "3\u00bd", false},
      {R"({"number":{"value":20}})", "twenty-first", false},
      {R"({"number":{"value":5}})", "a hundred-year-old house for $5", true},
      {R"({"number":{"value":-12}})", "negative 12", true},
      {R"({"number":{"value":10,"tolerance":0.5}})", "10.5", true},
      {R"({"number":{"value":10,"tolerance":0.5}})", "10.6", false},
      {R"({"number":{"value":0.1}})", "0.10", true},
      {R"({"set":{"values":["red","green","blue"]}})", "Blue, red and Green", true},
      {R"({"set":{"values":["red","green","blue"]}})", "[\"blue\", \"green\", \"red\"]", true},
      {R"({"set":{"values":["red","green"]}})", "red, green, blue", false},
      {R"({"set":{"values":["red","green"]}})", "red", false},
      {R"({"set":{"values":["red","red"]}})", "red, red", true},
      {R"({"set":{"values":["red","red","blue"]}})", "red, blue, blue", false},
      {R"({"set":{"values":["salt and pepper","oil"]}})", "Oil; salt and pepper", true},
      {R"({"set":{"values":["Smith, J.","Doe, A."]}})", "Doe, A.; Smith, J.", true},
      {R"({"set":{"values":["-5","3"]}})", "-5, 3", true},
      {R"({"set":{"values":["5","3"]}})", "-5, 3", false},
      {R"({"set":{"values":["--help","*.txt"]}})", "*.txt and --help", true},
      {R"({"set":{"values":["red","green"]}})", "- red\n- green", true},
      {R"({"set":{"values":["red","green"]}})", " [red, green]\n", true},
      {R"({"set":{"values":["red","green"]}})", "\u2022red\n\u2022green", true},
      {R"({"set":{"values":["red","green"]}})", "-red\n-green", true},
      {R"({"sequence":{"values":["red","green"]}})", "*red\n*\"green\"", true},
      {R"({"set":{"values":["red","green"]}})", "red, green, -", true},
      {R"({"set":{"values":["5","3"]}})", "\u20225\n\u20223", true},
      {R"({"set":{"values":["$5","3"]}})", "-$5, 3", false},
      {R"({"set":{"values":["\u20ac5","3"]}})", "-\u20ac5, 3", false},
      {R"({"set":{"values":["help","txt"]}})", "*.txt and --help", false},
      {R"({"set":{"values":["3*4","5"]}})", "3\u00b74, 5", true},
      {R"({"sequence":{"values":["one","two"]}})", "one\ntwo", true},
      {R"({"sequence":{"values":["one","two"]}})", "two, one", false},
      {R"({"contains":{"values":["red","mug"]}})", "A red coffee mug!", true},
      {R"({"contains":{"values":["red","mug"]}})", "A red cup", false},
      {R"({"regex":"order \\d+"})", "Order 123.", true},
      {R"({"regex":"\\d+"})", "order 123", false},
      {R"({"regex":"ORDER \\d+"})", "order 5", true},
      {R"({"date":"2024-05-12"})", "May 12th, 2024", true},
      {R"({"date":"2024-05-12"})", "1. May 12, 2024", true},
      {R"({"date":"2012-05-01"})", "1. May 12, 2024", false},
      {R"({"date":"2024-05-12"})", "12 May 24, 1530", true},
      {R"({"date":"1530-05-24"})", "12 May 24, 1530", false},
      {R"({"date":"2019-06-05"})", "5 Jun 19, 2000 people", true},
      {R"({"date":"2024-05-12"})", "13 May 2024", false},
      {R"({"date":"2024-05-12"})", "12 May 2024 or 13 May 2024", false},
  };
  for (const TextCase& test : kCases) {
    const auto match = FromJson<v1::TextMatch>(test.match);
    ASSERT_TRUE(ValidateTextMatch(match).ok()) << test.match;
    EXPECT_EQ(MatchesText(match, test.actual), test.holds)
        << test.match << " against " << test.actual;
  }
}

TEST(ValidateTextMatchTest, RefusesWhatWouldMatchAnythingOrNothing) {
  for (const char* match :
       {"{}", R"({"equals":{}})", R"({"contains":{"values":[""]}})",
        R"({"set":{"values":["a"," "]}})", R"({"regex":"("})", R"({"date":"12.05.2024"})",
        R"({"number":{"value":1,"tolerance":-1}})", R"({"number":{"value":"NaN"}})"}) {
    EXPECT_EQ(ValidateTextMatch(FromJson<v1::TextMatch>(match)).code(),
              absl::StatusCode::kInvalidArgument)
        << match;
  }
}

TEST(MatchesTextTest, HostileListsEndSoon) {
  v1::TextMatch match;
  std::string actual;
  for (int i = 0; i < 200; ++i) *match.mutable_set()->add_values() = "a, a";
  for (int i = 0; i < 20000; ++i) actual += "a, ";
  EXPECT_FALSE(MatchesText(match, actual));
}

struct JsonCase {
  const char* match;
  const char* json;  // null: no value
  bool holds;
};

TEST(ScoreJsonTest, DecidesEachKind) {
  const JsonCase kCases[] = {
      {R"({"equals_json":"1"})", "1.0", true},
      {R"({"equals_json":"{\"a\":1,\"b\":[2]}"})", R"({"b":[2],"a":1.0})", true},
      {R"({"equals_json":"\"1\""})", "1", false},
      {R"({"equals_json":"null"})", nullptr, false},
      {R"({"text":{"equals":{"values":["12"]}}})", "12", true},
      {R"({"text":{"equals":{"values":["x"]}}})", "\"X\"", true},
      {R"({"text":{"equals":{"values":["null"]}}})", "null", false},
      {R"({"truthy":true})", "\"a\"", true},
      {R"({"truthy":true})", "0", false},
      {R"({"truthy":true})", "[]", false},
      {R"({"truthy":true})", "\"\"", false},
      {R"({"truthy":true})", "false", false},
      {R"({"truthy":true})", nullptr, false},
      {R"({"absent":true})", nullptr, true},
      {R"({"absent":true})", "null", true},
      {R"({"absent":true})", "0", false},
      {R"({"contains_json":"2"})", "[1,2]", true},
      {R"({"contains_json":"{\"id\":4}"})", R"([{"id":3},{"id":4,"n":1}])", true},
      {R"({"contains_json":"{\"id\":5}"})", R"([{"id":3},{"id":4,"n":1}])", false},
      {R"({"contains_json":"{\"a\":{\"b\":1}}"})", R"({"a":{"b":1,"c":2}})", true},
      {R"({"size":"2"})", "[1,2]", true},
      {R"({"size":"0"})", "{}", true},
      {R"({"size":"1"})", "\"a\"", false},
      {R"({"at_least":2})", "2", true},
      {R"({"at_least":2})", "1.9", false},
      {R"({"at_least":-1})", "0", true},
      {R"({"at_least":0})", "\"5\"", false},
      {R"({"at_least":0})", "null", false},
      {R"({"at_least":0})", nullptr, false},
      {R"({"any_text":{"equals":{"values":["mousepad"]}}})", R"(["xvnc",7,"Mousepad"])", true},
      {R"({"any_text":{"equals":{"values":["7"]}}})", R"(["xvnc",7])", false},
      {R"({"any_text":{"equals":{"values":["a"]}}})", R"("a")", false},
      {R"({"any_text":{"equals":{"values":["a"]}}})", nullptr, false},
  };
  for (const JsonCase& test : kCases) {
    const auto match = FromJson<v1::JsonMatch>(test.match);
    ASSERT_TRUE(ValidateJsonMatch(match).ok()) << test.match;
    const auto value = test.json == nullptr ? std::nullopt : std::optional<std::string>(test.json);
    const absl::StatusOr<double> score = ScoreJson(match, value);
    ASSERT_TRUE(score.ok()) << score.status();
    EXPECT_EQ(*score, test.holds ? 1 : 0) << test.match << " against "
                                  << (test.json ? test.json : "nothing");
  }
}

TEST(ScoreJsonTest, ANumberCanBeTheScore) {
  const auto match = FromJson<v1::JsonMatch>(R"({"score":true})");
  for (const auto& [json, score] : std::initializer_list<std::pair<const char*, double>>{
           {"0.75", 0.75}, {"1e300", 1}, {"-3", 0}, {"true", 0}, {"\"1\"", 0}, {"[1]", 0}, {"null", 0}}) {
    EXPECT_EQ(ScoreJson(match, json).value(), score) << json;
  }
  EXPECT_EQ(ScoreJson(match, std::nullopt).value(), 0);
}

TEST(ValidateJsonMatchTest, RefusesWhatCannotBeMeant) {
  for (const char* json : {"{}", R"({"score":false})", R"({"truthy":false})", R"({"absent":false})", R"({"at_least":"NaN"})",
                           R"({"at_least":"Infinity"})", R"({"any_text":{}})", R"({"any_text":{"regex":"("}})",
                           R"({"size":"-1"})", R"({"equals_json":"{"})"}) {
    EXPECT_EQ(ValidateJsonMatch(FromJson<v1::JsonMatch>(json)).code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(ScoreJsonTest, MalformedEvidenceIsAnError) {
  EXPECT_FALSE(ScoreJson(FromJson<v1::JsonMatch>(R"({"truthy":true})"), "{").ok());
}

TEST(JsonAtPointerTest, FollowsRfc6901) {
  const std::string json = R"({"a":[{"b/c":1,"m~n":2}],"":3})";
  EXPECT_EQ(JsonAtPointer(json, "/a/0/b~1c").value(), "1");
  EXPECT_EQ(JsonAtPointer(json, "/a/0/m~0n").value(), "2");
  EXPECT_EQ(JsonAtPointer(json, "/").value(), "3");
  EXPECT_EQ(JsonAtPointer("7", "").value(), "7");
  EXPECT_EQ(JsonAtPointer(json, "/a/00").value(), std::nullopt);
  EXPECT_EQ(JsonAtPointer(json, "/a/1").value(), std::nullopt);
  EXPECT_EQ(JsonAtPointer(json, "/a/-").value(), std::nullopt);
  EXPECT_FALSE(JsonAtPointer(json, "a").ok());
  EXPECT_FALSE(JsonAtPointer(json, "/~2").ok());
}

}  // namespace
}  // namespace proctor::evaluator
