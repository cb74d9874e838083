// What retention takes from the reward log, and what it keeps.
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "reward/reward_log.h"
#include "tests/reward/reward_log_fixture.h"

namespace proctor::reward {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RewardRetentionTest : public RewardLogFixture {
 protected:
  absl::StatusOr<int64_t> Commit(int64_t offset) {
    const auto position = world_.consumers().Attach(world_.context, "consumers/c");
    if (!position.ok()) return position.status();
    return world_.consumers().Commit(world_.context, "consumers/c", position->epoch, offset);
  }
};

// Lets somebody else write once, after the next write.
class InterruptedDatabase final : public storage::Database {
 public:
  absl::Status Migrate(std::string_view room, const std::vector<std::string>& migrations) override { return database_->Migrate(room, migrations); }
  absl::Status Write(const CallContext& context, const std::function<absl::Status(storage::Transaction&)>& work) override {
    absl::Status written = database_->Write(context, work);
    if (const auto other = std::exchange(between, nullptr)) other();
    return written;
  }
  absl::Status Read(const CallContext& context, const std::function<absl::Status(storage::Transaction&)>& work) override {
    return database_->Read(context, work);
  }

  std::function<void()> between;

 private:
  const std::unique_ptr<storage::Database> database_ = storage::NewMemoryDatabase().value();
};

TEST_P(RewardRetentionTest, ForgetsIdsStatsAndEndedGroupsAfterTwiceItsTime) {
  const RetentionOptions options{.min_age = absl::Hours(10), .consumer_lifetime = absl::Hours(1)};
  world_.MakeGroup("ended", 1);
  ASSERT_TRUE(Admit("ended", "a").ok());
  world_.Append(Valid("a", "ended"));
  const auto count = [&] { return world_.log().Stats(world_.context, {})->at(0).valid; };
  world_.clock.Advance(absl::Hours(15));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 2);
  world_.MakeGroup("open", 1);
  world_.Append(Valid("b"));
  // The record is gone, but a late retry does not append it again.
  EXPECT_EQ(world_.Append(Valid("a", "ended")).offset(), 1);
  EXPECT_EQ(count(), 2);
  EXPECT_TRUE(world_.groups().Get(world_.context, "groups/ended").ok());
  world_.clock.Advance(absl::Hours(9));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 2);
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/ended").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(world_.groups().Get(world_.context, "groups/open").ok());
  EXPECT_EQ(world_.Append(Valid("b")).offset(), 3);
}

TEST_P(RewardRetentionTest, KeepsAGroupWhoseCompletionIsStillToBeRead) {
  const RetentionOptions options{.min_age = absl::Hours(10), .consumer_lifetime = absl::Hours(1'000)};
  world_.MakeConsumer("c");
  world_.MakeGroup("g", 1);
  EXPECT_EQ(world_.Append(Valid("a", "g")).offset(), 1);
  ASSERT_EQ(world_.log().end_offset(), 2);
  world_.clock.Advance(absl::Hours(30));
  ASSERT_TRUE(Commit(1).ok());
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 1);
  EXPECT_TRUE(world_.groups().Get(world_.context, "groups/g").ok());
  ASSERT_TRUE(Commit(2).ok());
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 2);
  EXPECT_EQ(world_.groups().Get(world_.context, "groups/g").status().code(), absl::StatusCode::kNotFound);
}

// From before it was kept where a group's completion is.
TEST(RewardMigrationTest, AnOldersGroupsGoOnAndAreForgottenAsTheyWere) {
  RewardWorld world(RewardWorld::Engine::kSqlite);
  world.MakeGroup("ended", 1);
  world.MakeGroup("open", 2);
  world.Append(Valid("a", "ended"));
  world.Append(Valid("b", "open"));
  world.Sql("ALTER TABLE reward_groups DROP COLUMN complete_offset");
  world.Sql("UPDATE storage_migrations SET version = 1 WHERE room = 'reward'");
  world.Restart();
  world.Append(Valid("c", "open"));
  EXPECT_EQ(world.groups().Get(world.context, "groups/open")->state(), v1::GROUP_STATE_COMPLETE);
  world.clock.Advance(absl::Hours(30));
  ASSERT_TRUE(world.log().Trim(world.context, {.min_age = absl::Hours(10), .consumer_lifetime = absl::Hours(1)}).ok());
  for (const char* name : {"groups/ended", "groups/open"}) {
    EXPECT_EQ(world.groups().Get(world.context, name).status().code(), absl::StatusCode::kNotFound) << name;
  }
}

TEST_P(RewardRetentionTest, KeepsYoungRecordsThoughTheClockWasSetBackSince) {
  const RetentionOptions options{.min_age = absl::Hours(12), .consumer_lifetime = absl::Hours(1)};
  world_.Append(Valid("young"));
  world_.clock.Advance(-absl::Hours(24));
  world_.Append(Valid("old"));
  world_.clock.Advance(absl::Hours(25));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  EXPECT_THAT(Seen(), ElementsAre("young", "old"));
  world_.clock.Advance(absl::Hours(12));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 2);
}

TEST_P(RewardRetentionTest, AClockThatIsSetBackByMoreThanTheAgeDeletesNothing) {
  const RetentionOptions options{.min_age = absl::Hours(12), .consumer_lifetime = absl::Hours(1)};
  world_.Append(Valid("a"));
  world_.clock.Advance(-absl::Hours(48));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  world_.Append(Valid("b"));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  EXPECT_THAT(Seen(), ElementsAre("a", "b"));
}

TEST_P(RewardRetentionTest, ARecordFromTheFutureHoldsTheLogNoLongerThanAnother) {
  const RetentionOptions options{.min_age = absl::Hours(12), .consumer_lifetime = absl::Hours(1)};
  world_.Append(Valid("first"));
  world_.clock.Advance(absl::Hours(24 * 3650));
  world_.Append(Valid("future"));
  world_.clock.Advance(-absl::Hours(24 * 3650));
  world_.Append(Valid("third"));
  world_.clock.Advance(absl::Hours(11));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  world_.clock.Advance(absl::Hours(2));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 3);
}

TEST_P(RewardRetentionTest, KeepsWhatALiveConsumerHasNotAcked) {
  world_.MakeConsumer("c");
  for (const char* id : {"a", "b", "c"}) world_.Append(Valid(id));
  world_.clock.Advance(absl::Hours(24));
  const RetentionOptions options{.min_age = absl::Hours(13), .consumer_lifetime = absl::Hours(48)};
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  ASSERT_TRUE(Commit(2).ok());
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 2);
  const absl::Status below = world_.log().Read(world_.context, 1, {}).status();
  EXPECT_EQ(below.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(below.message()), HasSubstr("floor is 2"));
  EXPECT_THAT(Seen({}, 2), ElementsAre("c"));
  // A consumer that stays away holds the log no longer, and offsets are never used again.
  world_.clock.Advance(absl::Hours(72));
  const RetentionOptions longer{.min_age = absl::Hours(90), .consumer_lifetime = absl::Hours(48)};
  EXPECT_EQ(*world_.log().Trim(world_.context, longer), 3);
  EXPECT_EQ(world_.consumers().Attach(world_.context, "consumers/c").status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(world_.Append(Valid("d")).offset(), 4);
  EXPECT_EQ(world_.Append(Valid("a")).offset(), 1);
  EXPECT_THAT(Seen({}, 3), ElementsAre("d"));
}

TEST_P(RewardRetentionTest, KeepsWhatAConnectedConsumerHasNotAcked) {
  world_.MakeConsumer("c");
  world_.MakeConsumer("away");
  world_.Append(Valid("a"));
  world_.consumers().SetConnected("consumers/c", true);
  const RetentionOptions options{.min_age = absl::Hours(1), .consumer_lifetime = absl::Hours(48)};
  // Silent for longer than its lifetime, but there.
  world_.clock.Advance(absl::Hours(72));
  ASSERT_TRUE(world_.consumers().TouchConnected(world_.context).ok());
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  world_.consumers().SetConnected("consumers/c", false);
  world_.clock.Advance(absl::Hours(47));
  ASSERT_TRUE(world_.consumers().TouchConnected(world_.context).ok());
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  world_.clock.Advance(absl::Hours(2));
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 1);
}

// It is about to come back.
TEST_P(RewardRetentionTest, KeepsWhatAConsumerThatJustLeftHasNotAcked) {
  world_.MakeConsumer("c");
  world_.Append(Valid("a"));
  world_.consumers().SetConnected("consumers/c", true);
  ASSERT_TRUE(world_.consumers().Attach(world_.context, "consumers/c").ok());
  const RetentionOptions options{.min_age = absl::Hours(1), .consumer_lifetime = absl::Minutes(10)};
  world_.clock.Advance(absl::Hours(2));
  world_.consumers().SetConnected("consumers/c", false);
  world_.clock.Advance(absl::Minutes(9));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(world_.consumers().TouchConnected(world_.context).ok());
    EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  }
  world_.clock.Advance(absl::Minutes(2));
  ASSERT_TRUE(world_.consumers().TouchConnected(world_.context).ok());
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 1);
}

TEST_P(RewardRetentionTest, AllOfALongLogGoes) {
  world_.Append(Valid("a"));
  // More than two transactions take.
  world_.Sql("INSERT INTO reward_records (log_offset, kind, split, policy, environment, grouped, valid, create_time, body) "
             "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 25000) "
             "SELECT n.i, kind, split, policy, environment, grouped, valid, create_time, X'' FROM n JOIN reward_records");
  world_.Sql("UPDATE reward_bounds SET value = 25000 WHERE name = 'end'");
  world_.clock.Advance(absl::Hours(24));
  EXPECT_EQ(world_.Append(Valid("young")).offset(), 25001);
  const RetentionOptions options{.min_age = absl::Hours(12), .consumer_lifetime = absl::Hours(48)};
  world_.MakeConsumer("c");
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 0);
  ASSERT_TRUE(Commit(24000).ok());
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 24000);
  ASSERT_TRUE(Commit(25001).ok());
  EXPECT_EQ(*world_.log().Trim(world_.context, options), 25000);
  EXPECT_THAT(Seen({}, 25000), ElementsAre("young"));
}

// Whoever records waits for each of its transactions.
TEST(RewardTrimTest, OthersWriteBetweenItsParts) {
  const CallContext context;
  SimulatedClock clock;
  storage::UnreadableRecords unreadable;
  InterruptedDatabase database;
  ASSERT_TRUE(MigrateTables(database).ok());
  const auto log = RewardLog::Open(context, database, clock, unreadable);
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE(database
                  .Write(context,
                         [](storage::Transaction& transaction) {
                           return transaction.Execute("UPDATE reward_bounds SET value = 25000 WHERE name = 'end'", {}).status();
                         })
                  .ok());
  Consumers consumers(database, clock, unreadable);
  database.between = [&] {
    v1::CreateConsumerRequest request;
    request.set_name("consumers/c");
    request.mutable_start()->set_earliest(true);
    EXPECT_EQ(consumers.Create(context, request)->committed_offset(), 10'000);
  };
  // A consumer that came meanwhile holds what was there.
  EXPECT_EQ((*log)->Trim(context, {}).value(), 10'000);
  EXPECT_EQ((*log)->Read(context, 10'000, {})->floor_offset, 10'000);
}

INSTANTIATE_TEST_SUITE_P(Databases, RewardRetentionTest, Engines(), EngineName);

}  // namespace
}  // namespace proctor::reward
