#include "evaluator/judge/validate_judge.h"

#include <string>

#include "common/yaml_proto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using testing::HasSubstr;

constexpr char kParser[] =
    "parser: {grade: {place: {after: '{{verdict_tag}}'}, grades: [{text: a, score: 1}, {text: b, score: 0}]}}";
constexpr char kMessages[] = "messages: [{template: '{{task}} {{verdict_tag}}'}], slots: {task: {task: {}}}";

absl::Status Check(const std::string& stages) {
  v1::Judge judge;
  const auto read = ParseYamlProto("{stages: [" + stages + "]}", "test", judge);
  EXPECT_TRUE(read.ok()) << read.status();
  return ValidateJudge(judge);
}

std::string Stage(const std::string& extra, const std::string& parser = kParser, const std::string& messages = kMessages) {
  return "{id: s, " + messages + ", " + parser + extra + "}";
}

TEST(ValidateJudgeTest, AcceptsWhatIsWhole) { EXPECT_TRUE(Check(Stage("")).ok()) << Check(Stage("")); }

struct BadCase {
  const char* name;
  std::string stages;
  const char* reason;
};

class BadJudgeTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadJudgeTest, IsRefusedWithThePlace) {
  const absl::Status status = Check(GetParam().stages);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr(GetParam().reason));
}

std::string Number(const std::string& fields, const std::string& extra) {
  return Stage(extra, "parser: {number: {" + fields + "}}");
}

INSTANTIATE_TEST_SUITE_P(
    Judges, BadJudgeTest,
    testing::Values(
        BadCase{"NoStages", "", "stages: 1 to 8"}, BadCase{"NoParser", Stage("", "retries: 1"), "a parser needs a kind"},
        BadCase{"BadId", "{id: S, " + std::string(kMessages) + ", " + kParser + "}", "stages[0]: id must be"},
        BadCase{"IdTwice", Stage("") + ", " + Stage(""), "stages[1]: the id `s` is there twice"},
        BadCase{"TextAtTheEnd", Stage("", "parser: {text: {}}"), "the last stage gives the verdict"},
        BadCase{"OneGrade", Stage("", "parser: {grade: {grades: [{text: a}]}}"), "2 to 20"},
        BadCase{"GradeTwice", Stage("", "parser: {grade: {grades: [{text: a}, {text: a}]}}"), "there twice"},
        BadCase{"GradeScore", Stage("", "parser: {grade: {grades: [{text: a, score: 2}, {text: b}]}}"), "score must be 0 to 1"},
        BadCase{"EmptyScale", Number("min: 3, max: 3", ""), "max must be above min"},
        BadCase{"OtherSlotInPlace", Stage("", "parser: {grade: {place: {after: '{{task}}'}, grades: [{text: a}, {text: b}]}}"),
                "only {{verdict_tag}}"},
        BadCase{"UnknownSlot", Stage("", kParser, "messages: [{template: '{{x}}'}]"), "the slot `x` is not declared"},
        BadCase{"UnusedSlot", Stage("", kParser, "messages: [{template: 'x'}], slots: {task: {task: {}}}"), "slots[task] is not used"},
        BadCase{"OpenSlot", Stage("", kParser, "messages: [{template: '{{x'}]"), "`{{` without `}}`"},
        BadCase{"BadSlotName", Stage("", kParser, "messages: [{template: '{{X y}}'}]"), "is no slot"},
        BadCase{"NoUser", Stage("", kParser, "messages: [{role: system, template: x}]"), "at least one USER message"},
        BadCase{"LateSystem", Stage("", kParser, "messages: [{template: x}, {role: system, template: y}]"), "only the first"},
        BadCase{"PictureForSystem",
                Stage("", kParser, "messages: [{role: system, template: '{{p}}'}, {template: x}], slots: {p: {screenshots: {last: 1}}}"),
                "pictures are for USER"},
        BadCase{"SlotWithoutContent", Stage("", kParser, "messages: [{template: '{{p}}'}], slots: {p: {}}"), "slots[p]: a slot needs"},
        BadCase{"TooManyPictures", Stage("", kParser, "messages: [{template: '{{p}}'}], slots: {p: {screenshots: {last: 51}}}"), "1 to 50"},
        BadCase{"CurrentOfTrajectory", Stage("", kParser, "messages: [{template: '{{p}}'}], slots: {p: {screenshots: {current: true}}}"),
                "for the scopes SCREENSHOT and STEP"},
        BadCase{"CurrentAction", Stage("", kParser, "messages: [{template: '{{p}}'}], slots: {p: {actions: {current: true}}}"),
                "for the scope STEP"},
        BadCase{"PageOfStep", Stage("", kParser, "messages: [{template: '{{p}}'}], slots: {p: {page: {moment: before}}}"),
                "for the scope STEP"},
        BadCase{"LaterResult", Stage("", kParser, "messages: [{template: '{{p}}'}], slots: {p: {result: {stage: t}}}"),
                "no earlier stage `t`"},
        BadCase{"KeyOfNoScreenshots",
                Stage("") + ", {id: t, messages: [{template: '{{p}}'}], slots: {p: {screenshots: {key: {stage: s}}}}, " +
                    std::string(kParser) + "}",
                "of scope SCREENSHOT"},
        BadCase{"Retries", Stage(", retries: 6"), "retries must be 0 to 5"},
        BadCase{"Questions", Stage(", max_questions: 1001"), "max_questions"},
        BadCase{"Temperature", Stage(", sampling: {temperature: 3}"), "sampling: temperature"},
        BadCase{"Samples", Stage(", sampling: {n: 129}"), "n must be 0 to 128"},
        BadCase{"Schema", Stage(", sampling: {json_schema: '{'}"), "json_schema is no JSON"},
        BadCase{"MajorityOfNumbers", Number("min: 1, max: 5", ", aggregation: majority"), "MAJORITY is for grades"},
        BadCase{"ExpectationOfGrades", Stage(", aggregation: logprob_expectation"), "is for numbers"},
        BadCase{"ExpectationWithoutLogProbs", Number("min: 1, max: 5, integers_only: true", ", aggregation: logprob_expectation"),
                "needs sampling.top_logprobs"},
        BadCase{"ExpectationOfFractions",
                Number("min: 1, max: 5", ", aggregation: logprob_expectation, sampling: {top_logprobs: 5}"), "integers_only"},
        BadCase{"ExpectationOfOneToTen",
                Number("min: 1, max: 10, integers_only: true", ", aggregation: logprob_expectation, sampling: {top_logprobs: 5}"),
                "the token 1 may be the beginning of 10"},
        // A number so large that one more is the same number.
        BadCase{"ExpectationOfHugeNumbers",
                Number("min: 1e17, max: 100000000000000100, integers_only: true",
                       ", aggregation: logprob_expectation, sampling: {top_logprobs: 5}"),
                "min and max must be"}),
    [](const auto& info) { return info.param.name; });

TEST(ValidateJudgeTest, AnExpectationOverDigitsIsAccepted) {
  const absl::Status status =
      Check(Number("min: 0, max: 9, integers_only: true", ", aggregation: logprob_expectation, sampling: {top_logprobs: 5}"));
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace
}  // namespace proctor::evaluator
