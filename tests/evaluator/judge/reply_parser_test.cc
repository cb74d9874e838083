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
label:
  place: {after: "{{verdict_tag}}"}
  labels: [{text: SUCCESS, score: 1}, {text: NOT SUCCESS, score: 0}, {text: UNSURE, undetermined: true}]
)");
}

struct LabelCase {
  const char* name;
  const char* reply;
  // Empty: invalid.
  const char* label;
  const char* reason;
};

// `@` stands for the tag.
std::string WithTag(std::string reply) {
  for (size_t at = reply.find('@'); at != std::string::npos; at = reply.find('@')) reply.replace(at, 1, kTag);
  return reply;
}

class TaggedLabelTest : public testing::TestWithParam<LabelCase> {};

TEST_P(TaggedLabelTest, IsReadOrInvalidWithAReason) {
  const ReadReply read = ParseReply(Tagged(), kTag, WithTag(GetParam().reply));
  EXPECT_EQ(read.sample.label(), GetParam().label) << read.sample.invalid_reason();
  EXPECT_THAT(read.sample.invalid_reason(), HasSubstr(GetParam().reason));
  EXPECT_EQ(read.sample.valid(), *GetParam().label != '\0' && std::string(GetParam().label) != "UNSURE");
}

INSTANTIATE_TEST_SUITE_P(
    Replies, TaggedLabelTest,
    testing::Values(LabelCase{"Plain", "It is there.\n@: SUCCESS", "SUCCESS", ""},
                    LabelCase{"LongestLabelWins", "@: NOT SUCCESS", "NOT SUCCESS", ""},
                    LabelCase{"Markdown", "**@:** **SUCCESS**", "SUCCESS", ""},
                    LabelCase{"Backticks", "`@`: `NOT SUCCESS`", "NOT SUCCESS", ""},
                    LabelCase{"LowerCase", "@: success", "SUCCESS", ""},
                    LabelCase{"LowerCaseTag", "verdict-0123456789abcdef: SUCCESS", "SUCCESS", ""},
                    LabelCase{"NextLine", "@:\n\n SUCCESS\n", "SUCCESS", ""},
                    LabelCase{"Sentence", "@: SUCCESS. All is there.", "SUCCESS", ""},
                    LabelCase{"Brackets", "@: SUCCESS (all parts)", "SUCCESS", ""},
                    LabelCase{"Dash", "@: SUCCESS - all parts", "SUCCESS", ""},
                    LabelCase{"TwiceTheSame", "@: SUCCESS\nSo:\n@: SUCCESS", "SUCCESS", ""},
                    LabelCase{"Unsure", "@: UNSURE", "UNSURE", ""},
                    LabelCase{"TwoVerdicts", "@: SUCCESS\n@: NOT SUCCESS", "", "two different"},
                    LabelCase{"Both", "@: SUCCESS or NOT SUCCESS", "", "none of the labels"},
                    LabelCase{"Pipe", "@: SUCCESS|NOT SUCCESS", "", "none of the labels"},
                    LabelCase{"LongerWord", "@: SUCCESSFUL", "", "none of the labels"},
                    LabelCase{"Negated", "@: no SUCCESS", "", "none of the labels"},
                    LabelCase{"NoTag", "SUCCESS", "", "no verdict"},
                    LabelCase{"AnotherTag", "VERDICT-0000000000000000: SUCCESS", "", "no verdict"},
                    LabelCase{"NothingAfterTag", "I end with @", "", "none of the labels"},
                    LabelCase{"Empty", "", "", "no verdict"},
                    LabelCase{"PlantedBefore", "The page says: Status: SUCCESS\n@: NOT SUCCESS", "NOT SUCCESS", ""},
                    LabelCase{"PlantedAfter", "@: NOT SUCCESS\nIt also said \"SUCCESS\"", "NOT SUCCESS", ""}),
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
  const std::string labels = "labels: [{text: yes, score: 1}, {text: no, score: 0}]";
  EXPECT_EQ(ParseReply(Parser("label: {place: {after: 'Status:'}, " + labels + "}"), kTag, "Status: yes\nStatus: no")
                .sample.label(),
            "no");
  EXPECT_EQ(ParseReply(Parser("label: {place: {after: 'Status:', first: true}, " + labels + "}"), kTag,
                       "Status: yes\nStatus: no")
                .sample.label(),
            "yes");
}

TEST(ReplyParserTest, LabelsAnywhereMustAgreeAndBeWords) {
  const v1::ReplyParser parser =
      Parser("label: {labels: [{text: SUCCESS, score: 1}, {text: NOT SUCCESS, score: 0}]}");
  EXPECT_EQ(ParseReply(parser, kTag, "This is NOT SUCCESS.").sample.label(), "NOT SUCCESS");
  EXPECT_EQ(ParseReply(parser, kTag, "A success, success!").sample.label(), "SUCCESS");
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

v1::ReplyParser JsonLabels() {
  return Parser("json: {field: success, labels: [{text: 'true', score: 1}, {text: 'false', score: 0}], text_field: why}");
}

TEST(ReplyParserTest, ReadsOneJsonObject) {
  const ReadReply read = ParseReply(JsonLabels(), kTag, "```json\n{\"why\": \"seen\", \"success\": true}\n```");
  EXPECT_EQ(read.sample.label(), "true");
  EXPECT_EQ(read.text, "seen");
  EXPECT_EQ(ParseReply(Parser("json: {field: score, min: 0, max: 10}"), kTag, R"({"score": 5})").sample.score(), 0.5);
}

TEST(ReplyParserTest, JsonBesideAnythingElseIsInvalid) {
  for (const char* reply : {R"(The page says {"success": true}. {"success": false})", R"({"success": true} {"success": false})",
                            R"([{"success": true}])", R"({"success": "maybe"})", R"({"success": 1})", R"({"other": true})",
                            R"({"success": true)", "true", "", "\xff\xfe{"}) {
    EXPECT_FALSE(ParseReply(JsonLabels(), kTag, reply).sample.valid()) << reply;
  }
  EXPECT_FALSE(ParseReply(JsonLabels(), kTag, std::string(100000, '{')).sample.valid());
}

TEST(ReplyParserTest, ATextIsTheWholeReply) {
  EXPECT_EQ(ParseReply(Parser("text: {}"), kTag, "  a page\n").text, "a page");
  EXPECT_FALSE(ParseReply(Parser("text: {}"), kTag, " \n").sample.valid());
}

TEST(ReplyParserTest, HostileBytesAreReadWithoutHarm) {
  const std::string tag = kTag;
  for (const v1::ReplyParser& parser :
       {Tagged(), JsonLabels(), Parser("text: {}"), Parser("number: {place: {after: '{{verdict_tag}}'}, min: 1, max: 5}")}) {
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
