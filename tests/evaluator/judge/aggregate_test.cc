#include "evaluator/judge/aggregate.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "common/yaml_proto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::evaluator {
namespace {

using testing::DoubleNear;
using testing::HasSubstr;

v1::JudgeStage Stage(const std::string& yaml) {
  v1::JudgeStage stage;
  const auto read = ParseYamlProto(yaml, "test", stage);
  EXPECT_TRUE(read.ok()) << read.status();
  return stage;
}

v1::JudgeStage Grades() {
  return Stage("parser: {grade: {grades: [{text: 'yes', score: 1}, {text: 'no', score: 0}, {text: unsure, undetermined: true}]}}");
}

v1::JudgeStage Numbers(const std::string& aggregation) {
  return Stage("{parser: {number: {min: 1, max: 5}}, aggregation: " + aggregation + "}");
}

v1::JudgeQuestion Ask(const v1::JudgeStage& stage, const std::vector<std::string>& replies, double threshold = 0.5) {
  v1::JudgeQuestion question;
  for (const std::string& reply : replies) {
    model::Choice choice;
    choice.text = reply;
    *question.add_samples() = ReadSample(stage, "VERDICT-x", threshold, choice);
  }
  Aggregate(stage, threshold, question);
  return question;
}

TEST(AggregateTest, TheMajorityOfGradesWinsAndItsShareIsTheConfidence) {
  const v1::JudgeQuestion question = Ask(Grades(), {"a\nyes", "b\nno", "c\nno"});
  EXPECT_EQ(question.grade(), "no");
  EXPECT_EQ(question.score(), 0);
  EXPECT_DOUBLE_EQ(question.confidence(), 2.0 / 3);
  EXPECT_EQ(question.text(), "b");
}

TEST(AggregateTest, ATieIsInvalid) {
  const v1::JudgeQuestion question = Ask(Grades(), {"yes", "no"});
  EXPECT_FALSE(question.valid());
  EXPECT_THAT(question.invalid_reason(), HasSubstr("tie"));
}

TEST(AggregateTest, WhatCannotBeReadIsLeftOutAndNeverANumber) {
  const v1::JudgeQuestion question = Ask(Numbers("mean"), {"5", "nothing", "3", "9"});
  EXPECT_TRUE(question.valid());
  EXPECT_DOUBLE_EQ(question.value(), 4);
  EXPECT_DOUBLE_EQ(question.score(), 0.75);
  EXPECT_FALSE(Ask(Numbers("mean"), {"nothing", "9"}).valid());
  EXPECT_EQ(Ask(Numbers("mean"), {"nothing", "9"}).score(), 0);
  EXPECT_THAT(Ask(Numbers("mean"), {"nothing", "9"}).invalid_reason(), HasSubstr("9 is not in 1 to 5"));
}

TEST(AggregateTest, MeanMedianAndMinimum) {
  EXPECT_DOUBLE_EQ(Ask(Numbers("mean"), {"1", "2", "5", "5"}).value(), 3.25);
  EXPECT_DOUBLE_EQ(Ask(Numbers("median"), {"5", "1", "2"}).value(), 2);
  EXPECT_DOUBLE_EQ(Ask(Numbers("median"), {"5", "1", "2", "4"}).value(), 2);
  EXPECT_DOUBLE_EQ(Ask(Numbers("minimum"), {"5", "2", "4"}).value(), 2);
}

TEST(AggregateTest, ConfidenceOfNumbersIsTheShareOnTheSameSideOfTheThreshold) {
  // Scores 1, 0.75, 0: two of three are at or above 0.5, and so is the median.
  EXPECT_DOUBLE_EQ(Ask(Numbers("median"), {"5", "4", "1"}).confidence(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(Ask(Numbers("minimum"), {"5", "4", "1"}).confidence(), 1.0 / 3);
}

TEST(AggregateTest, ThoseThatCannotTellOutvoteFewerThatCan) {
  EXPECT_TRUE(Ask(Grades(), {"unsure", "unsure", "yes"}).undetermined());
  EXPECT_FALSE(Ask(Grades(), {"unsure", "unsure", "yes"}).valid());
  EXPECT_TRUE(Ask(Grades(), {"unsure", "yes", "yes"}).valid());
}

TEST(AggregateTest, AsManyThatCannotTellAsCanDoNotOutvoteThem) {
  const v1::JudgeQuestion question = Ask(Grades(), {"unsure", "yes"});
  EXPECT_TRUE(question.valid());
  EXPECT_EQ(question.grade(), "yes");
}

TEST(AggregateTest, AQuestionWhoseSamplesMostlyFailedIsNotOneThatNobodyCanTell) {
  std::vector<std::string> replies(9, "nothing");
  replies.push_back("unsure");
  const v1::JudgeQuestion failed = Ask(Grades(), replies);
  EXPECT_FALSE(failed.valid());
  EXPECT_FALSE(failed.undetermined());
  EXPECT_THAT(failed.invalid_reason(), HasSubstr("9 of 10"));
  // Those that cannot tell still outvote the only one that can.
  const v1::JudgeQuestion outvoted = Ask(Grades(), {"unsure", "unsure", "yes", "nothing", "nothing"});
  EXPECT_FALSE(outvoted.valid());
  EXPECT_FALSE(outvoted.undetermined());
  EXPECT_TRUE(Ask(Grades(), {"unsure", "unsure", "yes", "nothing"}).undetermined());
}

TEST(AggregateTest, AFailedChoiceHasItsOwnReason) {
  model::Choice choice;
  choice.failure = v1::MODEL_FAILURE_REFUSAL;
  choice.failure_detail = "the model declined";
  choice.text = "yes";
  const v1::JudgeSample sample = ReadSample(Grades(), "", 0.5, choice);
  EXPECT_FALSE(sample.valid());
  EXPECT_EQ(sample.failure(), v1::MODEL_FAILURE_REFUSAL);
  EXPECT_EQ(sample.invalid_reason(), "the model declined");
}

TEST(AggregateTest, ATruncatedReplyMayHaveGivenItsVerdictButIsNoText) {
  model::Choice choice;
  choice.failure = v1::MODEL_FAILURE_TRUNCATED;
  choice.text = "yes";
  EXPECT_TRUE(ReadSample(Grades(), "", 0.5, choice).valid());
  EXPECT_FALSE(ReadSample(Stage("parser: {text: {}}"), "", 0.5, choice).valid());
}

// --- Expectation over log-probabilities -------------------------------------------------------------------------

model::TokenLogProb Token(const std::string& text, double probability) { return {text, std::log(probability)}; }

model::GeneratedToken Generated(const std::string& text, double probability,
                                std::vector<model::TokenLogProb> alternatives) {
  return {Token(text, probability), std::move(alternatives)};
}

v1::NumberParser OneToFive() {
  v1::NumberParser scale;
  scale.set_min(1);
  scale.set_max(5);
  return scale;
}

TEST(ExpectationTest, IsGEvalsWeightedMean) {
  // 1(.05) + 2(.10) + 3(.15) + 4(.40) + 5(.30) = 3.80.
  const auto expectation = ExpectationAt(
      {Generated("4", .4, {Token("1", .05), Token("2", .1), Token("3", .15), Token("4", .4), Token("5", .3)})}, 0, 1,
      OneToFive(), 0.75);
  ASSERT_TRUE(expectation.has_value());
  EXPECT_THAT(expectation->value, DoubleNear(3.80, 1e-12));
  EXPECT_THAT(expectation->success_probability, DoubleNear(0.70, 1e-12));
}

TEST(ExpectationTest, RenormalisesOverTheScaleAndMergesVariants) {
  // " 4", "4" and "4." are .2 + .2 + .1 = .5; "2" .25; "seven", "9" and "the" do not count: (4 x .5 + 2 x .25) / .75.
  const auto expectation = ExpectationAt({Generated("4", .2,
                                                    {Token(" 4", .2), Token("4", .2), Token("4.", .1), Token("2", .25),
                                                     Token("seven", .1), Token("9", .1), Token("the", .05)})},
                                         0, 1, OneToFive(), 0.5);
  ASSERT_TRUE(expectation.has_value());
  EXPECT_THAT(expectation->value, DoubleNear(2.5 / 0.75, 1e-12));
}

TEST(ExpectationTest, CountsTheChosenTokenWhereItIsNotListed) {
  const auto expectation = ExpectationAt({Generated("5", .5, {Token("1", .5)})}, 0, 1, OneToFive(), 0.5);
  ASSERT_TRUE(expectation.has_value());
  EXPECT_THAT(expectation->value, DoubleNear(3, 1e-12));
}

TEST(ExpectationTest, LooksAtTheTokenOfTheNumber) {
  const std::vector<model::GeneratedToken> tokens = {Generated("I gave 1 before. ", 1, {Token("1", 1)}),
                                                     Generated("Rating:", 1, {}), Generated(" 4", 1, {Token(" 4", 1)})};
  const auto expectation = ExpectationAt(tokens, 25, 26, OneToFive(), 0.5);
  ASSERT_TRUE(expectation.has_value());
  EXPECT_EQ(expectation->value, 4);
}

TEST(ExpectationTest, IsNothingWithoutTokensOrForANumberOfSeveral) {
  EXPECT_FALSE(ExpectationAt({}, 0, 1, OneToFive(), 0.5).has_value());
  EXPECT_FALSE(ExpectationAt({Generated("1", 1, {}), Generated("0", 1, {})}, 0, 2, OneToFive(), 0.5).has_value());
  EXPECT_FALSE(ExpectationAt({Generated("x", 1, {Token("y", 1)})}, 0, 1, OneToFive(), 0.5).has_value());
}

TEST(AggregateTest, WithoutLogProbabilitiesTheExpectationIsTheMeanOfTheSamplesThatCanBeRead) {
  const v1::JudgeStage stage = Stage(
      "{parser: {number: {min: 1, max: 5, integers_only: true}}, aggregation: logprob_expectation}");
  std::vector<std::string> replies(17, "4");
  replies.insert(replies.end(), {"?", "none", "6"});
  EXPECT_DOUBLE_EQ(Ask(stage, replies).value(), 4);
}

TEST(AggregateTest, WithLogProbabilitiesValueAndConfidenceAreTheirs) {
  const v1::JudgeStage stage = Stage(
      "{parser: {number: {min: 1, max: 5, integers_only: true}}, aggregation: logprob_expectation}");
  model::Choice choice;
  choice.text = "4";
  choice.tokens = {Generated("4", .6, {Token("4", .6), Token("1", .4)})};
  v1::JudgeQuestion question;
  *question.add_samples() = ReadSample(stage, "", 0.5, choice);
  Aggregate(stage, 0.5, question);
  EXPECT_THAT(question.value(), DoubleNear(2.8, 1e-12));
  EXPECT_THAT(question.score(), DoubleNear(0.45, 1e-12));
  // FAILURE, of which it is 40 % sure.
  EXPECT_THAT(question.confidence(), DoubleNear(0.4, 1e-12));
}

}  // namespace
}  // namespace proctor::evaluator
