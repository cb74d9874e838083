// Trajectories that are read to be judged, in a memory that is bounded.
#include "server/judged_trajectories.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/retry_hint.h"
#include "gtest/gtest.h"
#include "tests/trajectory/fixture.h"

namespace proctor::server {
namespace {

using trajectory::RecordEpisode;
using trajectory::SetStepBytes;

class JudgedTrajectoriesTest : public testing::Test {
 protected:
  const CallContext context_;
  trajectory::Room room_;
  const std::vector<std::string> names_ = {RecordEpisode(room_, "e1", 2), RecordEpisode(room_, "e2", 3)};
  std::unique_ptr<JudgedTrajectories> judged_ = std::make_unique<JudgedTrajectories>(room_.trajectories);
};

TEST_F(JudgedTrajectoriesTest, ReadsThemWholeInTheirOrder) {
  const auto loaded = judged_->LoadAll(context_, names_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->at(0)->name(), "trajectories/e1");
  EXPECT_EQ(loaded->at(0)->steps_size(), 2);
  EXPECT_EQ(loaded->at(1)->name(), "trajectories/e2");
  EXPECT_EQ(loaded->at(1)->steps_size(), 3);
}

TEST_F(JudgedTrajectoriesTest, OneThatDoesNotFitBesideOthersIsRefusedUntilTheyAreGone) {
  SetStepBytes(room_, trajectory::kMaxAllStepsBytes);
  auto two = judged_->LoadAll(context_, names_);
  ASSERT_TRUE(two.ok()) << "the largest fit: " << two.status();
  const absl::Status refused = judged_->Load(context_, names_[0]).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(RetryHint(refused).has_value());
  JudgedTrajectories::Ptr last = two->back();
  two->clear();
  EXPECT_FALSE(judged_->Load(context_, names_[0]).ok()) << "somebody still has one of them";
  last = nullptr;
  EXPECT_TRUE(judged_->Load(context_, names_[0]).ok());
}

TEST_F(JudgedTrajectoriesTest, OfTwoThatDoNotFitNothingIsHeld) {
  SetStepBytes(room_, trajectory::kMaxAllStepsBytes);
  const auto one = judged_->Load(context_, names_[0]);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_FALSE(judged_->LoadAll(context_, names_).ok());
  EXPECT_TRUE(judged_->Load(context_, names_[1]).ok());
}

TEST_F(JudgedTrajectoriesTest, WhatIsNotStepsCountsAsWell) {
  const auto all = static_cast<int64_t>(room_.trajectories.Get(context_, names_[0])->ByteSizeLong());
  std::vector<JudgedTrajectories::Ptr> held;
  SetStepBytes(room_, trajectory::kMaxAllStepsBytes);
  for (int i = 0; i < 2; ++i) held.push_back(judged_->Load(context_, names_[1]).value());
  // Half of what the next one takes is left.
  SetStepBytes(room_, kJudgedBytes - 2 * trajectory::kMaxAllStepsBytes - all / 2);
  held.push_back(judged_->Load(context_, names_[1]).value());
  SetStepBytes(room_, 0);
  EXPECT_EQ(judged_->Load(context_, names_[0]).status().code(), absl::StatusCode::kResourceExhausted);
  held.pop_back();
  EXPECT_TRUE(judged_->Load(context_, names_[0]).ok());
}

TEST_F(JudgedTrajectoriesTest, WhatCannotBeReadHoldsNothing) {
  EXPECT_EQ(judged_->Load(context_, "trajectories/none").status().code(), absl::StatusCode::kNotFound);
  SetStepBytes(room_, trajectory::kMaxAllStepsBytes + 1);
  EXPECT_EQ(judged_->LoadAll(context_, names_).status().code(), absl::StatusCode::kFailedPrecondition);
  SetStepBytes(room_, trajectory::kMaxAllStepsBytes);
  EXPECT_TRUE(judged_->LoadAll(context_, names_).ok());
}

TEST_F(JudgedTrajectoriesTest, WhatWasReadOutlivesIt) {
  const auto loaded = judged_->Load(context_, names_[0]);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  judged_.reset();
  EXPECT_EQ((*loaded)->steps_size(), 2);
}

}  // namespace
}  // namespace proctor::server
