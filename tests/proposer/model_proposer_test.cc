// How it proposes: batch after batch, each told what the earlier ones brought.
#include "proposer/model_proposer.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proposer/model_proposer_fixture.h"

namespace proctor::proposer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

using ModelProposerTest = ModelProposerFixture;

TEST_F(ModelProposerTest, ProposesInBatchesUntilEnoughAreAccepted) {
  (*request_.mutable_tags())["campaign"] = "spring";
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1], "museums"), Line(kGoals[2])},
                       {Line(kGoals[3]), Line(kGoals[4]), Line(kGoals[5])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->accepted(), 4);
  EXPECT_EQ(result->drafted(), 6);
  EXPECT_EQ(result->batches(), 2);
  EXPECT_EQ(result->rejected_by_reason().at("more than were wanted"), 2);
  EXPECT_EQ(result->accepted_by_kind().at("find_information"), 4);
  EXPECT_THAT(result->tasks(), ElementsAre("tasks/j-1-0", "tasks/j-1-1", "tasks/j-1-2", "tasks/j-2-0"));
  const std::vector<v1::Task> stored = Stored();
  ASSERT_THAT(stored, SizeIs(4));
  const v1::Task& task = stored[1];
  EXPECT_EQ(task.goal(), kGoals[1]);
  EXPECT_EQ(task.state(), v1::TASK_STATE_ACCEPTED);
  EXPECT_EQ(task.environment(), "environments/web");
  EXPECT_EQ(task.start_state().start_url(), "https://towers.example/");
  EXPECT_EQ(task.site(), "towers.example");
  EXPECT_FALSE(task.has_oracle());
  EXPECT_NE(task.split(), v1::SPLIT_UNSPECIFIED);
  EXPECT_EQ(task.tags().at("area"), "museums");
  EXPECT_EQ(task.tags().at("difficulty"), "easy");
  EXPECT_EQ(task.tags().at("campaign"), "spring");
  EXPECT_THAT(model_.batches[0].text, HasSubstr(absl::StrCat("1. ", task.tags().at("persona"))));
  EXPECT_EQ(task.lineage().source(), "model");
  EXPECT_EQ(task.lineage().job(), "jobs/j");
  EXPECT_EQ(task.lineage().model(), "scripted-2");
  EXPECT_EQ(task.lineage().prompt_digest().size(), 64u);
  EXPECT_NE(task.lineage().prompt_digest(), stored[3].lineage().prompt_digest());
  EXPECT_THAT(task.lineage().demonstrations(), ElementsAre("trajectories/v"));
}

TEST_F(ModelProposerTest, CountsWhatEveryReplyCost) {
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}, {Line(kGoals[2]), Line(kGoals[3])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->replies(), 6);
  EXPECT_DOUBLE_EQ(result->usage().cost_usd(), 1.5);
  EXPECT_EQ(result->usage().input_tokens(), 600);
  // Told while it grows.
  ASSERT_GE(told_.size(), 4u);
  EXPECT_DOUBLE_EQ(told_[0].usage().cost_usd(), 0.25);
  EXPECT_EQ(told_[0].accepted(), 0);
  EXPECT_EQ(told_[0].drafted(), 2);
}

TEST_F(ModelProposerTest, LaterBatchesSeeWhatIsCovered) {
  Know("Visit the page of the town hall.", v1::SPLIT_TRAIN, "town");
  model_.ProposeLines({{Line(kGoals[0], "coast"), Line(kGoals[1], "museums")}, {Line(kGoals[2]), Line(kGoals[3])}});
  ASSERT_TRUE(Run().ok());
  ASSERT_THAT(model_.batches, SizeIs(2));
  EXPECT_THAT(model_.batches[0].text, HasSubstr("town: 1 (reach_page 1)"));
  EXPECT_THAT(model_.batches[0].text, Not(HasSubstr("coast")));
  EXPECT_THAT(model_.batches[1].text,
              HasSubstr("coast: 1 (find_information 1)\nmuseums: 1 (find_information 1)\ntown: 1 (reach_page 1)"));
  EXPECT_THAT(model_.batches[1].text, HasSubstr(kGoals[0]));
  // Other users, too.
  EXPECT_NE(model_.batches[0].text.substr(model_.batches[0].text.find("these users")),
            model_.batches[1].text.substr(model_.batches[1].text.find("these users")));
}

TEST_F(ModelProposerTest, EndsAfterThreeFruitlessBatches) {
  request_.mutable_model()->set_max_batches(50);
  model_.ProposeLines({{Line(kGoals[0])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 1);
  EXPECT_EQ(result->batches(), 4);
}

TEST_F(ModelProposerTest, EndsAfterMaxBatches) {
  request_.mutable_model()->set_max_batches(2);
  model_.ProposeLines({{Line(kGoals[0])}, {Line(kGoals[1])}, {Line(kGoals[2])}});
  EXPECT_EQ(Run()->batches(), 2);
}

TEST_F(ModelProposerTest, StartedAgainItAsksTheSameAndTakesWhatIsStored) {
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}, {Line(kGoals[2]), Line(kGoals[3])}});
  const auto first = Run();
  ASSERT_TRUE(first.ok());
  const std::vector<Question> asked = model_.batches;
  const std::vector<Question> examined = model_.examined;
  model_.batches.clear();
  model_.examined.clear();
  const auto second = Run();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->DebugString(), first->DebugString());
  ASSERT_EQ(model_.batches.size(), asked.size());
  for (size_t i = 0; i < asked.size(); ++i) EXPECT_EQ(model_.batches[i].text, asked[i].text);
  ASSERT_EQ(model_.examined.size(), examined.size());
  for (size_t i = 0; i < examined.size(); ++i) EXPECT_EQ(model_.examined[i].text, examined[i].text);
}

TEST_F(ModelProposerTest, ABatchThatIsStoredStaysAsItIsWhateverTheModelSaysNow) {
  request_.set_count(2);
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}});
  ASSERT_TRUE(Run().ok());
  model_.batches.clear();
  model_.ProposeLines({{Line(kGoals[5]), Line(kGoals[6]), Line(kGoals[7])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 2);
  EXPECT_EQ(Stored()[0].goal(), kGoals[0]);
}

}  // namespace
}  // namespace proctor::proposer
