#include "evaluator/label_store.h"

#include <memory>
#include <string>

#include "evaluator/evaluator_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/memory_database.h"

namespace proctor::evaluator {
namespace {

using testing::HasSubstr;

class LabelStoreTest : public testing::Test {
 protected:
  LabelStoreTest() { EXPECT_TRUE(MigrateTables(*database_).ok()); }

  static v1::Label Make(const std::string& trajectory, const std::string& annotator, v1::Outcome outcome) {
    v1::Label label;
    label.set_trajectory("trajectories/" + trajectory);
    label.set_annotator(annotator);
    label.set_outcome(outcome);
    return label;
  }

  static v1::LabelSample Sample() {
    v1::LabelSample sample;
    sample.set_evaluator("evaluators/pae");
    sample.set_size(1);
    v1::DrawnTrajectory& drawn = *sample.add_drawn();
    drawn.set_trajectory("trajectories/t1");
    drawn.set_inclusion_probability(0.25);
    return sample;
  }

  const std::unique_ptr<storage::Database> database_ = storage::NewMemoryDatabase().value();
  SimulatedClock clock_;
  LabelStore labels_{*database_, clock_};
  CallContext context_;
};

TEST_F(LabelStoreTest, OneLabelForEachAnnotatorWhichASecondReplaces) {
  ASSERT_TRUE(labels_.Put(context_, Make("t1", "ann", v1::OUTCOME_SUCCESS)).ok());
  ASSERT_TRUE(labels_.Put(context_, Make("t1", "bob", v1::OUTCOME_FAILURE)).ok());
  ASSERT_TRUE(labels_.Put(context_, Make("t1", "ann", v1::OUTCOME_UNDETERMINED)).ok());
  const auto labels = labels_.OfTrajectory(context_, "trajectories/t1");
  ASSERT_TRUE(labels.ok());
  ASSERT_EQ(labels->size(), 2u);
  EXPECT_EQ((*labels)[0].annotator(), "ann");
  EXPECT_EQ((*labels)[0].outcome(), v1::OUTCOME_UNDETERMINED);
}

TEST_F(LabelStoreTest, WhatWasNotDrawnHasNoProbability) {
  v1::Label label = Make("t1", "ann", v1::OUTCOME_SUCCESS);
  label.set_inclusion_probability(0.9);
  EXPECT_EQ(labels_.Put(context_, label)->inclusion_probability(), 0);
}

TEST_F(LabelStoreTest, WhatASampleDrewHasItsProbability) {
  const auto sample = labels_.PutSample(context_, Sample());
  ASSERT_TRUE(sample.ok()) << sample.status();
  v1::Label label = Make("t1", "ann", v1::OUTCOME_SUCCESS);
  label.set_label_sample(sample->name());
  EXPECT_EQ(labels_.Put(context_, label)->inclusion_probability(), 0.25);
  label.set_trajectory("trajectories/t2");
  EXPECT_EQ(labels_.Put(context_, label).status().code(), absl::StatusCode::kInvalidArgument);
  label.set_label_sample("labelSamples/none");
  EXPECT_EQ(labels_.Put(context_, label).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LabelStoreTest, TheSameSampleIsStoredOnce) {
  const auto first = labels_.PutSample(context_, Sample());
  clock_.Advance(absl::Hours(1));
  const auto again = labels_.PutSample(context_, Sample());
  EXPECT_EQ(first->SerializeAsString(), again->SerializeAsString());
  EXPECT_EQ(labels_.GetSample(context_, first->name())->drawn_size(), 1);
  EXPECT_EQ(labels_.GetSample(context_, "labelSamples/none").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LabelStoreTest, ListsInPagesNewestFirst) {
  for (const char* id : {"t1", "t2", "t3"}) {
    ASSERT_TRUE(labels_.Put(context_, Make(id, "ann", v1::OUTCOME_SUCCESS)).ok());
  }
  v1::ListLabelsRequest request;
  request.set_page_size(2);
  const auto first = labels_.List(context_, request);
  ASSERT_EQ(first->labels_size(), 2);
  EXPECT_EQ(first->labels(0).trajectory(), "trajectories/t3");
  request.set_page_token(first->next_page_token());
  const auto second = labels_.List(context_, request);
  EXPECT_EQ(second->labels_size(), 1);
  EXPECT_EQ(second->next_page_token(), "");
  request.set_page_token("x");
  EXPECT_EQ(labels_.List(context_, request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(LabelStoreTest, BadLabelsAreRefused) {
  const auto refused = [&](v1::Label label) {
    const auto stored = labels_.Put(context_, label);
    EXPECT_EQ(stored.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(stored.status().message());
  };
  EXPECT_THAT(refused(Make("t1", "", v1::OUTCOME_SUCCESS)), HasSubstr("annotator"));
  EXPECT_THAT(refused(Make("t1", std::string(65, 'a'), v1::OUTCOME_SUCCESS)), HasSubstr("annotator"));
  EXPECT_THAT(refused(Make("t1", "ann", v1::OUTCOME_UNSPECIFIED)), HasSubstr("outcome"));
  EXPECT_THAT(refused(Make("", "ann", v1::OUTCOME_SUCCESS)), HasSubstr("trajectories"));
  v1::Label label = Make("t1", "ann", v1::OUTCOME_SUCCESS);
  label.set_note(std::string(4001, 'x'));
  EXPECT_THAT(refused(label), HasSubstr("note"));
}

}  // namespace
}  // namespace proctor::evaluator
