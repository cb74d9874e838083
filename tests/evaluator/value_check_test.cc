#include "evaluator/value_check.h"

#include <string>

#include "common/proto_json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using ::testing::HasSubstr;

Score FileScore(const std::string& check_json, const std::string& evidence) {
  v1::FileCheck check;
  const absl::Status parsed = ProtoFromJson(check_json, check);
  EXPECT_TRUE(parsed.ok()) << parsed << " in " << check_json;
  return ScoreFile(check, evidence);
}

constexpr char kGone[] = R"({"exists":false})";
constexpr char kLarge[] = R"({"exists":true,"size":5000000})";
constexpr char kBytes[] = R"({"exists":true,"size":2,"base64":"//4="})";

struct Case {
  const char* check;
  const char* evidence;
  double score;
};

TEST(ScoreFileTest, DecidesEachFormat) {
  const Case kCases[] = {
      {R"({"path":"a"})", R"({"exists":true,"size":0,"text":""})", 1},
      {R"({"path":"a"})", kGone, 0},
      {R"({"path":"a"})", kLarge, 1},
      {R"({"path":"a"})", kBytes, 1},
      {R"({"path":"a","match":{"absent":true}})", kGone, 1},
      {R"({"path":"a","match":{"absent":true}})", kLarge, 0},
      {R"({"path":"a","format":"FORMAT_JSON","match":{"absent":true}})", R"({"exists":true,"text":"null"})", 0},
      {R"({"path":"a","match":{"text":{"equals":{"values":["milk"]}}}})", R"({"exists":true,"text":"Milk\n"})", 1},
      {R"({"path":"a","match":{"text":{"equals":{"values":["milk"]}}}})", kGone, 0},
      {R"({"path":"a","match":{"text":{"equals":{"values":["milk"]}}}})", kBytes, 0},
      {R"({"path":"a","match":{"equals_json":"\"12\""}})", R"({"exists":true,"text":"12"})", 1},
      {R"({"path":"a","format":"FORMAT_JSON","match":{"equals_json":"12"}})", R"({"exists":true,"text":"12"})", 1},
      {R"({"path":"a","format":"FORMAT_JSON","pointer":"/b/0","match":{"truthy":true}})",
       R"({"exists":true,"text":"{\"b\":[7]}"})", 1},
      {R"({"path":"a","format":"FORMAT_JSON","pointer":"/c","match":{"absent":true}})",
       R"({"exists":true,"text":"{\"b\":[7]}"})", 1},
      {R"({"path":"a","format":"FORMAT_JSON","pointer":"/c","match":{"absent":true}})", kGone, 0},
      {R"({"path":"a","format":"FORMAT_JSON","pointer":"/c","match":{"absent":true}})",
       R"({"exists":true,"text":"{\"b\":"})", 0},
      {R"({"path":"a","format":"FORMAT_INI","pointer":"/View/zoom","match":{"text":{"number":{"value":150}}}})",
       R"({"exists":true,"text":"[View]\nzoom=150%\n"})", 1},
      {R"({"path":"a","format":"FORMAT_INI","pointer":"/View/zoom","match":{"truthy":true}})",
       R"({"exists":true,"text":"no ini"})", 0},
      {R"({"path":"a","format":"FORMAT_CSV","pointer":"/1/2","match":{"equals_json":"\"9\""}})",
       R"({"exists":true,"text":"a,b,c\n1,2,9\n"})", 1},
      {R"({"path":"a","format":"FORMAT_CSV","match":{"size":"2"}})", R"({"exists":true,"text":"a,b\n1,2\n"})", 1},
      {R"({"path":"a","format":"FORMAT_CSV","match":{"contains_json":"[\"1\",\"2\"]"}})",
       R"({"exists":true,"text":"a,b\n1,2\n"})", 1},
      {R"({"path":"a","format":"FORMAT_CSV","match":{"size":"1"}})", R"({"exists":true,"text":"\"open"})", 0},
  };
  for (const Case& test : kCases) {
    const Score score = FileScore(test.check, test.evidence);
    EXPECT_TRUE(score.determined) << test.check << " on " << test.evidence << ": " << score.detail;
    EXPECT_EQ(score.value, test.score) << test.check << " on " << test.evidence << ": " << score.detail;
  }
}

TEST(ScoreFileTest, WhatWasNotRecordedIsNotDecided) {
  for (const char* evidence : {kLarge, "{}", "null", R"({"exists":"yes"})", "{", "[]"}) {
    const Score score = FileScore(R"({"path":"a","match":{"truthy":true}})", evidence);
    EXPECT_FALSE(score.determined) << evidence;
    EXPECT_EQ(score.reason, v1::UNDETERMINED_REASON_EVIDENCE_MISSING);
  }
}

TEST(ScoreFileTest, AFileThatIsTooLargeIsNoShortText) {
  for (const char* match : {R"({"text":{"equals":{"values":["milk","bread"]}}})", R"({"text":{"sequence":{"values":["milk","bread"]}}})",
                            R"({"equals_json":"\"milk\""})"}) {
    const Score score = FileScore(std::string(R"({"path":"a","match":)") + match + "}", kLarge);
    EXPECT_TRUE(score.determined) << match << ": " << score.detail;
    EXPECT_EQ(score.value, 0) << match;
    EXPECT_THAT(score.detail, HasSubstr("it has 5000000 bytes"));
  }
  // These could hold of it.
  for (const char* check : {R"({"path":"a","match":{"text":{"contains":{"values":["milk"]}}}})", R"({"path":"a","match":{"text":{"regex":".*"}}})",
                            R"({"path":"a","format":"FORMAT_JSON","pointer":"/a","match":{"equals_json":"1"}})",
                            R"({"path":"a","format":"FORMAT_JSON","match":{"equals_json":"1"}})"}) {
    EXPECT_FALSE(FileScore(check, kLarge).determined) << check;
  }
  EXPECT_FALSE(FileScore(R"({"path":"a","match":{"equals_json":"\"milk\""}})", R"({"exists":true})").determined);
}

TEST(ScoreFileTest, SaysWhyItDoesNotRead) {
  const Score score = FileScore(R"({"path":"conf.ini","format":"FORMAT_INI","match":{"truthy":true}})",
                                R"({"exists":true,"text":"[a]\nword"})");
  EXPECT_THAT(score.detail, HasSubstr("conf.ini"));
  EXPECT_THAT(score.detail, HasSubstr("line 2"));
}

TEST(ScoreFileTest, DeeplyNestedContentDoesNotRead) {
  const std::string deep(100000, '[');
  EXPECT_EQ(FileScore(R"({"path":"a","format":"FORMAT_JSON","match":{"truthy":true}})",
                      R"({"exists":true,"text":")" + deep + "\"}")
                .value,
            0);
}

TEST(ScoreValueAtTest, ShowsWhatWasExpectedAndWhatWasFoundInOneForm) {
  v1::JsonMatch match;
  match.set_equals_json("\"/search?q=lamp\"");
  const Score score = ScoreValueAt("page", R"("/search?q=lamp")", "", match);
  EXPECT_EQ(score.value, 1);
  EXPECT_EQ(score.detail, R"(page: expected "/search?q=lamp"; found "/search?q=lamp")");
}

TEST(ScoreValueAtTest, GivesTheNumberItselfAsTheScore) {
  v1::JsonMatch match;
  match.set_score(true);
  EXPECT_DOUBLE_EQ(ScoreValueAt("log", R"({"sum":0.25})", "/sum", match).value, 0.25);
  EXPECT_EQ(ScoreValueAt("log", R"({"sum":7})", "/sum", match).value, 1);
  EXPECT_EQ(ScoreValueAt("log", R"({"sum":-7})", "/sum", match).value, 0);
  EXPECT_EQ(ScoreValueAt("log", R"({"sum":"1"})", "/sum", match).value, 0);
  EXPECT_EQ(ScoreValueAt("log", "{}", "/sum", match).value, 0);
  EXPECT_FALSE(ScoreValueAt("log", "{", "/sum", match).determined);
}

}  // namespace
}  // namespace proctor::evaluator
