// What is accepted: the model that filters, and demonstrations that are done again.
#include "proposer/model_proposer.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proposer/model_proposer_fixture.h"

namespace proctor::proposer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using ModelProposerFilterTest = ModelProposerFixture;

std::string LineOfVisit(const std::string& goal, int visit) {
  std::string line = Line(goal);
  line.pop_back();
  return absl::StrCat(line, ", \"visit\": ", visit, "}");
}

TEST_F(ModelProposerFilterTest, TheFilterRejectsWithItsReason) {
  request_.set_count(2);
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1]), Line(kGoals[2])}, {Line(kGoals[3])}});
  model_.examine = [](const Question& question) {
    if (absl::StrContains(question.text, kGoals[0]))
      return Says(absl::StrCat("It takes an account.\n", question.tag, ": REJECT NEEDS_LOGIN"));
    if (absl::StrContains(question.text, kGoals[1])) return Says("ACCEPT");
    return Says(absl::StrCat(question.tag, ": ACCEPT"));
  };
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 2);
  EXPECT_EQ(result->rejected_by_reason().at("needs a login"), 1);
  EXPECT_EQ(result->rejected_by_reason().at("undetermined"), 1);
  EXPECT_EQ(result->rejected(0).goal(), kGoals[0]);
  EXPECT_EQ(result->rejected(0).detail(), "It takes an account.");
  EXPECT_THAT(model_.batches[1].text, HasSubstr(absl::StrCat(kGoals[0], " (needs a login)")));
}

TEST_F(ModelProposerFilterTest, AFilterThatDeclinesIsUndeterminedNeverAccepted) {
  request_.set_count(1);
  model_.ProposeLines({{Line(kGoals[0])}});
  model_.examine = [](const Question& question) {
    model::ChatReply reply = Says(absl::StrCat(question.tag, ": ACCEPT"));
    reply.choices[0].failure = v1::MODEL_FAILURE_REFUSAL;
    return reply;
  };
  auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 0);
  EXPECT_EQ(result->rejected_by_reason().at("undetermined"), 1);
  EXPECT_THAT(result->rejected(0).detail(), HasSubstr("REFUSAL"));
  model_.batches.clear();
  model_.examine = [](const Question&) { return Fails(v1::MODEL_FAILURE_CONTENT_FILTER); };
  result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 0);
}

TEST_F(ModelProposerFilterTest, WithoutTheFilterNothingIsExaminedAndTasksWait) {
  request_.set_count(1);
  request_.mutable_model()->mutable_filter()->set_disabled(true);
  model_.ProposeLines({{Line(kGoals[0])}});
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(model_.examined, IsEmpty());
  EXPECT_EQ(Stored()[0].state(), v1::TASK_STATE_PROPOSED);
}

TEST_F(ModelProposerFilterTest, ExaminesNoMoreThanAreWantedAndNotAllAtOnce) {
  request_.set_count(1);
  request_.mutable_model()->set_batch_size(3);
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1]), Line(kGoals[2])}});
  ASSERT_TRUE(Run().ok());
  EXPECT_THAT(model_.examined, SizeIs(1));
  EXPECT_EQ(model_.most_at_once, 1u);
}

TEST_F(ModelProposerFilterTest, DropsTasksWhoseDemonstrationCannotBeDoneAgain) {
  request_.set_count(3);
  request_.mutable_model()->add_demonstrations("trajectories/w");
  request_.mutable_model()->set_replay(true);
  std::vector<int> tried;
  replay_ = [&](const CallContext&, int visit, const v1::Task& start) -> absl::StatusOr<DemonstrationReplay> {
    tried.push_back(visit);
    EXPECT_EQ(start.environment(), "environments/web");
    EXPECT_EQ(start.start_state().start_url(), "https://towers.example/");
    if (visit == 0) return DemonstrationReplay();
    return DemonstrationReplay{.reason = kCannotBeReplayed, .detail = "step 2: the button is gone"};
  };
  model_.ProposeLines({{LineOfVisit(kGoals[0], 1), LineOfVisit(kGoals[1], 2), LineOfVisit(kGoals[2], 2)},
                       {LineOfVisit(kGoals[3], 1), LineOfVisit(kGoals[4], 2), LineOfVisit(kGoals[5], 1)}});
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accepted(), 3);
  EXPECT_EQ(result->rejected_by_reason().at(kCannotBeReplayed), 3);
  EXPECT_EQ(result->rejected(0).goal(), kGoals[1]);
  EXPECT_EQ(result->rejected(0).detail(), "trajectories/w: step 2: the button is gone");
  // Each once, however many tasks it showed.
  EXPECT_THAT(tried, ElementsAre(0, 1));
  // No money is spent on what is dropped, and the model is told.
  EXPECT_THAT(model_.examined, SizeIs(3));
  EXPECT_THAT(model_.batches[1].text, HasSubstr(absl::StrCat(kGoals[1], " (", kCannotBeReplayed, ")")));
  EXPECT_THAT(Stored()[0].lineage().demonstrations(), ElementsAre("trajectories/v"));
}

TEST_F(ModelProposerFilterTest, WhatCouldNotBeTriedIsTriedAgainInTheNextBatch) {
  request_.set_count(1);
  request_.mutable_model()->set_replay(true);
  int tries = 0;
  replay_ = [&](const CallContext&, int, const v1::Task&) -> absl::StatusOr<DemonstrationReplay> {
    if (++tries == 1) return absl::UnavailableError("the browser does not start");
    return DemonstrationReplay();
  };
  model_.ProposeLines({{LineOfVisit(kGoals[0], 1), LineOfVisit(kGoals[1], 1)}, {LineOfVisit(kGoals[2], 1)}});
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accepted(), 1);
  EXPECT_EQ(result->rejected_by_reason().at("its demonstration could not be tried"), 2);
  EXPECT_THAT(result->rejected(0).detail(), HasSubstr("the browser does not start"));
  EXPECT_EQ(tries, 2);
}

TEST_F(ModelProposerFilterTest, EndsWhereThereIsNoPlaceForAWorld) {
  request_.mutable_model()->set_replay(true);
  int tries = 0;
  replay_ = [&](const CallContext&, int, const v1::Task&) -> absl::StatusOr<DemonstrationReplay> {
    ++tries;
    return absl::ResourceExhaustedError("no place came free");
  };
  model_.ProposeLines({{LineOfVisit(kGoals[0], 1), LineOfVisit(kGoals[1], 1)}});
  const auto result = Run();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("no place came free"));
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace proctor::proposer
