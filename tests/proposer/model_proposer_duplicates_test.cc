// Near-duplicates, and on which side of the splits a goal belongs.
#include "proposer/model_proposer.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/proposer/model_proposer_fixture.h"

namespace proctor::proposer {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

using ModelProposerDuplicatesTest = ModelProposerFixture;

TEST_F(ModelProposerDuplicatesTest, DropsWhatIsAskedAlready) {
  request_.set_count(3);
  Know("report the height of the lighthouse, at the northern cape", v1::SPLIT_TRAIN);
  model_.ProposeLines(
      {{Line(kGoals[0]), Line(kGoals[1]), Line(kGoals[1])}, {Line(kGoals[1]), Line(kGoals[2]), Line(kGoals[3])}});
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->accepted(), 3);
  EXPECT_EQ(result->duplicates(), 3);
  EXPECT_EQ(result->rejected_by_reason().at("near-duplicate"), 3);
  EXPECT_EQ(result->rejected(0).goal(), kGoals[0]);
  EXPECT_EQ(result->rejected(0).detail(), known_[0].goal());
  // No money is spent on them.
  EXPECT_THAT(model_.examined, SizeIs(3));
}

TEST_F(ModelProposerDuplicatesTest, WhatIsSomewhatLikeAKnownTaskStaysOnItsSide) {
  request_.set_count(1);
  for (const v1::Split side : {v1::SPLIT_TRAIN, v1::SPLIT_VALIDATION, v1::SPLIT_TEST}) {
    known_.clear();
    stored_.clear();
    model_.batches.clear();
    Know("Report in which year the lighthouse at the northern cape of the island was built.", side);
    model_.ProposeLines({{Line("Report in which year the old mill at the northern cape of the island was built.")}});
    ASSERT_TRUE(Run().ok());
    ASSERT_THAT(Stored(), SizeIs(1));
    EXPECT_EQ(Stored()[0].split(), side);
  }
  // The request has no share of that side.
  stored_.clear();
  model_.batches.clear();
  request_.mutable_split_shares()->set_train(1);
  const auto result = Run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->rejected_by_reason().at("near-duplicate on another side"), 1);
  EXPECT_THAT(Stored(), IsEmpty());
}

TEST_F(ModelProposerDuplicatesTest, OfAKnownTaskIsKeptWhatIsLookedAt) {
  Know("report the height of the lighthouse, at the northern cape", v1::SPLIT_TEST);
  known_[0].set_kind("find_information");
  (*known_[0].mutable_tags())["area"] = "lighthouses";
  known_[0].add_files()->set_content(std::string(1 << 20, 'x'));
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}});
  const auto whole = Run();
  ASSERT_TRUE(whole.ok());
  const std::vector<Question> asked = std::move(model_.batches);
  known_[0] = KnownPartOf(known_[0]);
  EXPECT_LT(known_[0].ByteSizeLong(), 500u);
  stored_.clear();
  model_.batches.clear();
  const auto part = Run();
  ASSERT_TRUE(part.ok());
  EXPECT_EQ(part->SerializeAsString(), whole->SerializeAsString());
  ASSERT_EQ(model_.batches.size(), asked.size());
  for (size_t i = 0; i < asked.size(); ++i) EXPECT_EQ(model_.batches[i].text, asked[i].text);
  EXPECT_THAT(asked[0].text, testing::HasSubstr("lighthouses: 1 (find_information 1)"));
}

TEST_F(ModelProposerDuplicatesTest, OtherGoalsAreSpreadOverTheSides) {
  request_.mutable_split_shares()->set_test(1);
  model_.ProposeLines({{Line(kGoals[0]), Line(kGoals[1])}, {Line(kGoals[2]), Line(kGoals[3])}});
  ASSERT_TRUE(Run().ok());
  for (const v1::Task& task : Stored()) EXPECT_EQ(task.split(), v1::SPLIT_TEST);
}

}  // namespace
}  // namespace proctor::proposer
