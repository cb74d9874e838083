// Rewards are counted once each, past what cannot be read.
#include "server/reward_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "reward/groups.h"
#include "reward/tables.h"
#include "storage/memory_database.h"

namespace proctor::server {
namespace {

using Rewards = std::map<std::pair<std::string, std::string>, int64_t>;

class RewardCountsTest : public testing::Test {
 protected:
  RewardCountsTest() {
    EXPECT_TRUE(reward::MigrateTables(*database_).ok());
    log_ = reward::RewardLog::Open(context_, *database_, clock_, unreadable_).value();
    counts_ = std::make_unique<RewardCounts>(*log_, unreadable_);
  }

  void Append(const std::string& id, const std::string& group = "") {
    v1::Reward reward;
    reward.set_reward_id(id);
    reward.set_trajectory("trajectories/" + id);
    reward.set_task("tasks/t");
    reward.set_group(group);
    reward.set_status(v1::REWARD_STATUS_VALID);
    ASSERT_TRUE(log_->Append(context_, reward).ok());
  }
  void AppendMasked(const std::string& id) {
    v1::Reward reward;
    reward.set_reward_id(id);
    reward.set_trajectory("trajectories/" + id);
    reward.set_status(v1::REWARD_STATUS_MASKED);
    reward.set_mask_reason(v1::MASK_REASON_CLIENT);
    ASSERT_TRUE(log_->Append(context_, reward).ok());
  }
  std::string MakeGroupOfOne() {
    v1::Group group;
    group.set_task("tasks/t");
    group.set_size(1);
    return reward::Groups(*database_, clock_, unreadable_).Create(context_, group, {})->name();
  }
  void Damage(int64_t offset) {
    const absl::Status status = database_->Write(context_, [&](storage::Transaction& transaction) {
      return transaction.Execute("UPDATE reward_records SET body = $1 WHERE log_offset = $2", {storage::Bytes{"\xff\xff"}, offset}).status();
    });
    ASSERT_TRUE(status.ok()) << status;
  }

  const CallContext context_;
  SimulatedClock clock_;
  storage::UnreadableRecords unreadable_;
  const std::unique_ptr<storage::Database> database_ = storage::NewMemoryDatabase().value();
  std::unique_ptr<reward::RewardLog> log_;
  std::unique_ptr<RewardCounts> counts_;
};

TEST_F(RewardCountsTest, EachIsCountedOnceByStatusAndReason) {
  Append("a");
  AppendMasked("b");
  EXPECT_EQ(counts_->Update(context_).rewards, (Rewards{{{"valid", ""}, 1}, {{"masked", "client"}, 1}}));
  Append("c");
  const RewardCounts::Counted counted = counts_->Update(context_);
  EXPECT_EQ(counted.rewards, (Rewards{{{"valid", ""}, 2}, {{"masked", "client"}, 1}}));
  EXPECT_EQ(counted.end, 3);
  EXPECT_EQ(counted.floor, 0);
}

TEST_F(RewardCountsTest, DamagedOnesArePassedOverAndNoted) {
  for (int i = 1; i <= 5; ++i) Append(absl::StrCat("r", i));
  for (const int64_t offset : {2, 3}) Damage(offset);
  EXPECT_EQ(counts_->Update(context_).rewards, (Rewards{{{"valid", ""}, 3}}));
  EXPECT_EQ(unreadable_.count(), 2);
  Append("later");
  EXPECT_EQ(counts_->Update(context_).rewards, (Rewards{{{"valid", ""}, 4}}));
  EXPECT_EQ(unreadable_.count(), 2);
}

TEST_F(RewardCountsTest, WhatStandsBeforeADamagedOneIsNotNoted) {
  // 1, and the group's record 2.
  Append("a", MakeGroupOfOne());
  Append("damaged");
  Append("b");
  ASSERT_EQ(log_->end_offset(), 4);
  Damage(3);
  EXPECT_EQ(counts_->Update(context_).rewards, (Rewards{{{"valid", ""}, 2}}));
  EXPECT_EQ(unreadable_.count(), 1);
}

TEST_F(RewardCountsTest, OneAtTheEndStopsNothing) {
  Append("a");
  Damage(1);
  EXPECT_EQ(counts_->Update(context_).end, 1);
  EXPECT_EQ(unreadable_.count(), 1);
}

}  // namespace
}  // namespace proctor::server
