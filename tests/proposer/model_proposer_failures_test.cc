// Replies that are no good, models that fail, jobs that are cancelled.
#include "proposer/model_proposer.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proposer/model_proposer_fixture.h"

namespace proctor::proposer {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using ModelProposerFailuresTest = ModelProposerFixture;

TEST_F(ModelProposerFailuresTest, ABadLineCostsOneTaskAndIsTold) {
  request_.set_count(2);
  model_.ProposeLines({{Line(kGoals[0]), "oops", Line(kGoals[1])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 2);
  EXPECT_EQ(result->bad_lines(), 1);
  ASSERT_EQ(result->bad_lines_by_reason_size(), 1);
  EXPECT_EQ(result->bad_lines_by_reason(0).reason(), v1::BAD_LINE_REASON_NOT_JSON);
  EXPECT_EQ(result->bad_lines_by_reason(0).count(), 1);
  EXPECT_EQ(result->first_bad_lines(0).batch(), 1);
  EXPECT_EQ(result->first_bad_lines(0).line(), 4);
  EXPECT_EQ(result->first_bad_lines(0).excerpt(), "oops");
}

TEST_F(ModelProposerFailuresTest, ARefusalCostsItsBatch) {
  model_.propose = [](const Question& question) {
    if (question.batch > 1) return Says(absl::StrCat(question.tag, "\n", Line(kGoals[question.batch])));
    model::ChatReply reply = Says("I would rather not.");
    reply.choices[0].failure = v1::MODEL_FAILURE_REFUSAL;
    return reply;
  };
  request_.set_count(1);
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 1);
  EXPECT_EQ(result->first_bad_lines(0).reason(), v1::BAD_LINE_REASON_NO_TEXT);
  EXPECT_THAT(result->first_bad_lines(0).detail(), HasSubstr("REFUSAL"));
}

TEST_F(ModelProposerFailuresTest, ACutOffReplyKeepsItsWholeLines) {
  request_.set_count(1);
  model_.propose = [](const Question& question) {
    model::ChatReply reply = Says(absl::StrCat(question.tag, "\n", Line(kGoals[0]), "\n{\"goal\": \"Hal"));
    reply.choices[0].failure = v1::MODEL_FAILURE_TRUNCATED;
    return reply;
  };
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 1);
  EXPECT_EQ(result->first_bad_lines(0).reason(), v1::BAD_LINE_REASON_CUT_OFF);
}

TEST_F(ModelProposerFailuresTest, AModelThatCannotBeAskedIsAnError) {
  const std::vector<std::pair<v1::ModelFailure, absl::StatusCode>> failures = {
      {v1::MODEL_FAILURE_BUDGET, absl::StatusCode::kResourceExhausted},
      {v1::MODEL_FAILURE_UNREACHABLE, absl::StatusCode::kUnavailable},
      {v1::MODEL_FAILURE_UNAUTHENTICATED, absl::StatusCode::kUnauthenticated},
      {v1::MODEL_FAILURE_NOT_CAPABLE, absl::StatusCode::kFailedPrecondition},
      {v1::MODEL_FAILURE_CANCELLED, absl::StatusCode::kCancelled}};
  for (const auto& [failure, code] : failures) {
    model_.batches.clear();
    model_.propose = [failure = failure](const Question&) { return Fails(failure); };
    EXPECT_EQ(Run().status().code(), code) << v1::ModelFailure_Name(failure);
    model_.batches.clear();
    model_.ProposeLines({{Line(kGoals[0])}});
    model_.examine = [failure = failure](const Question&) { return Fails(failure); };
    EXPECT_EQ(Run().status().code(), code) << v1::ModelFailure_Name(failure);
  }
}

TEST_F(ModelProposerFailuresTest, ABudgetThatEndsLeavesWhatWasStored) {
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}, {Line(kGoals[2])}});
  const auto propose = model_.propose;
  model_.propose = [propose](const Question& question) {
    return question.batch == 2 ? Fails(v1::MODEL_FAILURE_BUDGET) : propose(question);
  };
  EXPECT_TRUE(absl::IsResourceExhausted(Run().status()));
  EXPECT_THAT(Stored(), SizeIs(2));
}

TEST_F(ModelProposerFailuresTest, ACancelledJobAsksNothingMore) {
  const auto cancel = std::make_shared<CancelToken>();
  model_.propose = [cancel](const Question& question) {
    cancel->Cancel();
    return Says(absl::StrCat(question.tag, "\n", Line(kGoals[0])));
  };
  EXPECT_TRUE(absl::IsCancelled(Run(CallContext(absl::InfiniteFuture(), cancel)).status()));
  EXPECT_THAT(model_.batches, SizeIs(1));
  EXPECT_THAT(Stored(), IsEmpty());
}

}  // namespace
}  // namespace proctor::proposer
