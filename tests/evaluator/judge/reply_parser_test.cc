#include "evaluator/judge/reply_parser.h"

#include <string>

#include "common/yaml_proto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using testing::HasSubstr;

constexpr char kTag[] = "VERDICT-0123456789abcdef";

v1::ReplyParser Parser(const std::string& yaml) {
  v1::ReplyParser parser;
  const auto read = ParseYamlProto(yaml, "test", parser);
  EXPECT_TRUE(read.ok()) << read.status();
  return parser;
}

v1::ReplyParser Tagged() {
  return Parser(R"(
grade:
  place: {after: "{{verdict_tag}}"}
  grades: [{text: SUCCESS, score: 1}, {text: NOT SUCCESS, score: 0}, {text: UNSURE, undetermined: true}]
)");
}

struct GradeCase {
  const char* name;
  const char* reply;
  // Empty: invalid.
  const char* grade;
  const char* reason;
};

// `@` stands for the tag.
std::string WithTag(std::string reply) {
  for (size_t at = reply.find('@'); at != std::string::npos; at = reply.find('@')) reply.replace(at, 1, kTag);
  return reply;
}

class TaggedGradeTest : public testing::TestWithParam<GradeCase> {};

TEST_P(TaggedGradeTest, IsReadOrInvalidWithAReason) {
  const ReadReply read = ParseReply(Tagged(), kTag, WithTag(GetParam().reply));
  EXPECT_EQ(read.sample.grade(), GetParam().grade) << read.sample.invalid_reason();
  EXPECT_THAT(read.sample.invalid_reason(), HasSubstr(GetParam().reason));
  EXPECT_EQ(read.sample.valid(), *GetParam().grade != '\0' && std::string(GetParam().grade) != "UNSURE");
}

INSTANTIATE_TEST_SUITE_P(
    Replies, TaggedGradeTest,
    testing::Values(GradeCase{"Plain", "It is there.\n@: SUCCESS", "SUCCESS", ""},
                    GradeCase{"EndsWithAnother", "@: SUCCESS, but NOT SUCCESS.", "", "none of the grades"},
                    GradeCase{"MentionsAnother", "@: SUCCESS, so UNSURE would be wrong", "SUCCESS", ""},
                    GradeCase{"SaidTwice", "@: NOT SUCCESS, really NOT SUCCESS", "NOT SUCCESS", ""},
                    GradeCase{"Emphasis", "@: _SUCCESS_", "SUCCESS", ""},
                    GradeCase{"LongestGradeWins", "@: NOT SUCCESS", "NOT SUCCESS", ""},
                    GradeCase{"Markdown", "**@:** **SUCCESS**", "SUCCESS", ""},
                    GradeCase{"Backticks", "`@`: `NOT SUCCESS`", "NOT SUCCESS", ""},
                    GradeCase{"LowerCase", "@: success", "SUCCESS", ""},
                    GradeCase{"LowerCaseTag", "verdict-0123456789abcdef: SUCCESS", "SUCCESS", ""},
                    GradeCase{"NextLine", "@:\n\n SUCCESS\n", "SUCCESS", ""},
                    GradeCase{"Sentence", "@: SUCCESS. All is there.", "SUCCESS", ""},
                    GradeCase{"Brackets", "@: SUCCESS (all parts)", "SUCCESS", ""},
                    GradeCase{"Dash", "@: SUCCESS - all parts", "SUCCESS", ""},
                    GradeCase{"TwiceTheSame", "@: SUCCESS\nSo:\n@: SUCCESS", "SUCCESS", ""},
                    GradeCase{"Unsure", "@: UNSURE", "UNSURE", ""},
                    GradeCase{"TwoVerdicts", "@: SUCCESS\n@: NOT SUCCESS", "", "two different"},
                    GradeCase{"Both", "@: SUCCESS or NOT SUCCESS", "", "none of the grades"},
                    GradeCase{"Pipe", "@: SUCCESS|NOT SUCCESS", "", "none of the grades"},
                    GradeCase{"LongerWord", "@: SUCCESSFUL", "", "none of the grades"},
                    GradeCase{"Negated", "@: no SUCCESS", "", "none of the grades"},
                    GradeCase{"NoTag", "SUCCESS", "", "no verdict"},
                    GradeCase{"AnotherTag", "VERDICT-0000000000000000: SUCCESS", "", "no verdict"},
                    GradeCase{"NothingAfterTag", "I end with @", "", "none of the grades"},
                    GradeCase{"Empty", "", "", "no verdict"},
                    GradeCase{"PlantedBefore", "The page says: Status: SUCCESS\n@: NOT SUCCESS", "NOT SUCCESS", ""},
                    GradeCase{"PlantedAfter", "@: NOT SUCCESS\nIt also said \"SUCCESS\"", "NOT SUCCESS", ""}),
    [](const auto& info) { return info.param.name; });

TEST(ReplyParserTest, TheRationaleIsWhatStandsBeforeTheVerdict) {
  EXPECT_EQ(ParseReply(Tagged(), kTag, WithTag("One.\nTwo.\n@: SUCCESS\nrest")).text, "One.\nTwo.");
}

TEST(ReplyParserTest, TheTextBeginsAfterItsMarker) {
  v1::ReplyParser parser = Tagged();
  parser.set_text_after("Thoughts:");
  EXPECT_EQ(ParseReply(parser, kTag, WithTag("Hm.\nTHOUGHTS: it fits\n@: SUCCESS")).text, "it fits");
  EXPECT_EQ(ParseReply(parser, kTag, WithTag("no marker\n@: SUCCESS")).text, "no marker");
  EXPECT_EQ(ParseReply(parser, kTag, WithTag("Thoughts: one\nThoughts:\n@: SUCCESS")).text, "one\nThoughts:");
  EXPECT_EQ(ParseReply(parser, kTag, WithTag("Thoughts:\n@: SUCCESS")).text, "Thoughts:");
}

TEST(ReplyParserTest, AMarkerWithoutTagTakesTheLastOrTheFirst) {
  const std::string grades = "grades: [{text: yes, score: 1}, {text: no, score: 0}]";
  EXPECT_EQ(ParseReply(Parser("grade: {place: {after: 'Status:'}, " + grades + "}"), kTag, "Status: yes\nStatus: no")
                .sample.grade(),
            "no");
  EXPECT_EQ(ParseReply(Parser("grade: {place: {after: 'Status:', first: true}, " + grades + "}"), kTag,
                       "Status: yes\nStatus: no")
                .sample.grade(),
            "yes");
}

TEST(ReplyParserTest, UpperAndLowerCaseDifferWhereThePlaceSaysSo) {
  const std::string grades = "grades: [{text: Yes, score: 1}, {text: No, score: 0}]";
  const auto grade = [&](const std::string& place, const std::string& reply) {
    const ReadReply read = ParseReply(Parser("grade: {place: {" + place + "}, " + grades + "}"), kTag, reply);
    return read.sample.valid() ? read.sample.grade() : read.sample.invalid_reason();
  };
  EXPECT_EQ(grade("after: 'Status:'", "STATUS: yes"), "Yes");
  EXPECT_EQ(grade("after: 'Status:', case_sensitive: true", "Status: Yes"), "Yes");
  EXPECT_EQ(grade("after: 'Status:', case_sensitive: true", "Status: yes"), "the verdict is none of the grades");
  EXPECT_EQ(grade("after: 'Status:', case_sensitive: true", "STATUS: Yes"), "no verdict");
  // Anywhere.
  EXPECT_EQ(grade("first: false", "no, YES"), "two different verdicts");
  EXPECT_EQ(grade("case_sensitive: true", "no, YES, Yes"), "Yes");
  const v1::ReplyParser number = Parser("number: {place: {after: 'Rating:', case_sensitive: true}, min: 1, max: 5}");
  EXPECT_EQ(ParseReply(number, kTag, "RATING: 2\nRating: 3\nrating: 4").sample.value(), 3);
}

TEST(ReplyParserTest, GradesAnywhereMustAgreeAndBeWords) {
  const v1::ReplyParser parser =
      Parser("grade: {grades: [{text: SUCCESS, score: 1}, {text: NOT SUCCESS, score: 0}]}");
  EXPECT_EQ(ParseReply(parser, kTag, "This is NOT SUCCESS.").sample.grade(), "NOT SUCCESS");
  EXPECT_EQ(ParseReply(parser, kTag, "A success, success!").sample.grade(), "SUCCESS");
  EXPECT_EQ(ParseReply(parser, kTag, "SUCCESS? NOT SUCCESS").sample.invalid_reason(), "two different verdicts");
  EXPECT_FALSE(ParseReply(parser, kTag, "successful unsuccess").sample.valid());
}

struct NumberCase {
  const char* name;
  const char* reply;
  // Negative: invalid.
  double value;
  const char* reason;
};

class NumberTest : public testing::TestWithParam<NumberCase> {};

TEST_P(NumberTest, IsReadOrInvalidWithAReason) {
  const v1::ReplyParser parser =
      Parser("number: {place: {after: '{{verdict_tag}}'}, min: 1, max: 5, integers_only: true}");
  const ReadReply read = ParseReply(parser, kTag, WithTag(GetParam().reply));
  EXPECT_EQ(read.sample.valid(), GetParam().value >= 0) << read.sample.invalid_reason();
  EXPECT_THAT(read.sample.invalid_reason(), HasSubstr(GetParam().reason));
  if (GetParam().value >= 0) {
    EXPECT_EQ(read.sample.value(), GetParam().value);
    EXPECT_DOUBLE_EQ(read.sample.score(), (GetParam().value - 1) / 4);
  }
}

INSTANTIATE_TEST_SUITE_P(Replies, NumberTest,
                         testing::Values(NumberCase{"Plain", "@: 4", 4, ""}, NumberCase{"Stop", "@: 4.", 4, ""},
                                         NumberCase{"Bold", "@: **4**", 4, ""}, NumberCase{"Slash", "@: 4/5", 4, ""},
                                         NumberCase{"OutOf", "@: 4 out of 5", 4, ""},
                                         NumberCase{"Remark", "@: 4 (almost)", 4, ""},
                                         NumberCase{"OutOfAside", "@: 4 (out of 5)", 4, ""},
                                         NumberCase{"DashRemark", "@: 4 - almost", 4, ""},
                                         NumberCase{"Then", "@: 4, 5 would be perfect", 4, ""},
                                         NumberCase{"OtherScaleAside", "@: 4 (out of 10)", -1, "more than a number"},
                                         NumberCase{"DecimalComma", "@: 4,5", -1, "more than a number"},
                                         NumberCase{"Ratio", "@: 4:5", -1, "more than a number"},
                                         NumberCase{"DashRange", "@: 3 - 4", -1, "more than a number"},
                                         NumberCase{"CloseRange", "@: 3-4", -1, "more than a number"},
                                         NumberCase{"OtherScale", "@: 4/10", -1, "more than a number"},
                                         NumberCase{"Fraction", "@: 2.5", -1, "no whole number"},
                                         NumberCase{"Above", "@: 11", -1, "11 is not in 1 to 5"},
                                         NumberCase{"Below", "@: -1", -1, "-1 is not in 1 to 5"},
                                         NumberCase{"Range", "@: 3 to 4", -1, "more than a number"},
                                         NumberCase{"Word", "@: a perfect 5", -1, "no number"},
                                         NumberCase{"Huge", "@: 99999999999999999999999999", -1, "is not in 1 to 5"},
                                         NumberCase{"Exponent", "@: 1e0", -1, "more than a number"},
                                         NumberCase{"Two", "@: 3\n@: 4", -1, "two different"},
                                         NumberCase{"None", "4", -1, "no verdict"}),
                         [](const auto& info) { return info.param.name; });

TEST(ReplyParserTest, ANumberWithoutPlaceBeginsTheReply) {
  const v1::ReplyParser parser = Parser("number: {min: 1, max: 5}");
  EXPECT_EQ(ParseReply(parser, kTag, " 3\nbecause 5 is too much").sample.value(), 3);
  EXPECT_FALSE(ParseReply(parser, kTag, "I say 3").sample.valid());
}

TEST(ReplyParserTest, SaysWhereTheNumberStands) {
  const ReadReply read = ParseReply(Parser("number: {place: {after: 'Rating:'}, min: 1, max: 5}"), kTag,
                                    "Analysis: 5 things\nRating: 2");
  EXPECT_EQ(read.value_begin, 27u);
  EXPECT_EQ(read.value_end, 28u);
}

v1::ReplyParser JsonGrades() {
  return Parser("json: {field: success, grades: [{text: 'true', score: 1}, {text: 'false', score: 0}], text_field: why}");
}

TEST(ReplyParserTest, ReadsOneJsonObject) {
  const ReadReply read = ParseReply(JsonGrades(), kTag, "```json\n{\"why\": \"seen\", \"success\": true}\n```");
  EXPECT_EQ(read.sample.grade(), "true");
  EXPECT_EQ(read.text, "seen");
  EXPECT_EQ(ParseReply(Parser("json: {field: score, min: 0, max: 10}"), kTag, R"({"score": 5})").sample.score(), 0.5);
}

TEST(ReplyParserTest, JsonBesideAnythingElseIsInvalid) {
  for (const char* reply : {R"(The page says {"success": true}. {"success": false})", R"({"success": true} {"success": false})",
                            R"([{"success": true}])", R"({"success": "maybe"})", R"({"success": 1})", R"({"other": true})",
                            R"({"success": true)", "true", "", "\xff\xfe{"}) {
    EXPECT_FALSE(ParseReply(JsonGrades(), kTag, reply).sample.valid()) << reply;
  }
  EXPECT_FALSE(ParseReply(JsonGrades(), kTag, std::string(100000, '{')).sample.valid());
}

TEST(ReplyParserTest, ATextIsTheWholeReply) {
  EXPECT_EQ(ParseReply(Parser("text: {}"), kTag, "  a page\n").text, "a page");
  EXPECT_FALSE(ParseReply(Parser("text: {}"), kTag, " \n").sample.valid());
}

TEST(ReplyParserTest, HostileBytesAreReadWithoutHarm) {
  const std::string tag = kTag;
  for (const v1::ReplyParser& parser :
       {Tagged(), JsonGrades(), Parser("text: {}"), Parser("number: {place: {after: '{{verdict_tag}}'}, min: 1, max: 5}")}) {
    for (const std::string& reply :
         {std::string("\0\0\0", 3), std::string("\xc3\x28\xff"), std::string(1 << 20, 'x'), tag, tag + tag + tag,
          tag + ":" + std::string(1 << 16, '*'), std::string(1 << 16, '\n') + tag, tag + ": \xf0\x9f"}) {
      const ReadReply read = ParseReply(parser, kTag, reply);
      EXPECT_LE(read.text.size(), size_t{16} << 10);
      EXPECT_FALSE(read.sample.valid() && !parser.has_text());
    }
  }
}

}  // namespace
}  // namespace proctor::evaluator
