#include "reward/consumers.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/reward/reward_testing.h"

namespace proctor::reward {
namespace {

class ConsumersTest : public ::testing::TestWithParam<RewardWorld::Engine> {
 protected:
  absl::StatusOr<v1::Consumer> SeekAfter(int64_t offset) {
    v1::SeekConsumerRequest request;
    request.set_name("consumers/c");
    request.mutable_position()->set_after_offset(offset);
    return world_.consumers().Seek(world_.context, request);
  }
  absl::StatusOr<int64_t> Commit(int64_t epoch, int64_t offset) {
    return world_.consumers().Commit(world_.context, "consumers/c", epoch, offset);
  }
  int64_t Epoch() { return world_.consumers().Attach(world_.context, "consumers/c")->epoch; }
  int64_t Committed() {
    return world_.consumers().Get(world_.context, "consumers/c")->committed_offset();
  }

  RewardWorld world_{GetParam()};
};

TEST_P(ConsumersTest, BeginsAtTheLatestUnlessTold) {
  world_.Append(Valid("a"));
  v1::CreateConsumerRequest request;
  request.set_name("consumers/late");
  EXPECT_EQ(world_.consumers().Create(world_.context, request)->committed_offset(), 1);
  EXPECT_EQ(world_.MakeConsumer("early").committed_offset(), 0);
  request.set_name("consumers/after");
  request.mutable_start()->set_after_offset(2);
  EXPECT_EQ(world_.consumers().Create(world_.context, request).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(world_.consumers().List(world_.context)->size(), 2u);
}

TEST_P(ConsumersTest, OneThatCannotBeReadHidesNoOtherAndCanBeMadeAgain) {
  world_.Append(Valid("a"));
  world_.MakeConsumer("broken");
  world_.MakeConsumer("whole");
  world_.Sql("UPDATE reward_consumers SET filter = X'FFFFFF' WHERE id = 'broken'");
  for (int i = 0; i < 2; ++i) {
    const auto consumers = world_.consumers().List(world_.context);
    ASSERT_TRUE(consumers.ok()) << consumers.status();
    ASSERT_EQ(consumers->size(), 1u);
    EXPECT_EQ(consumers->front().name(), "consumers/whole");
    EXPECT_EQ(world_.unreadable.count(), 1);
  }
  EXPECT_EQ(world_.consumers().Get(world_.context, "consumers/broken").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(world_.consumers().Delete(world_.context, "consumers/broken").ok());
  world_.MakeConsumer("broken");
  EXPECT_EQ(world_.consumers().List(world_.context)->size(), 2u);
}

TEST_P(ConsumersTest, TheSameFilterIsTheSameConsumer) {
  v1::ConsumerFilter filter;
  filter.add_policies("a");
  filter.add_policies("b");
  world_.MakeConsumer("c", filter);
  v1::CreateConsumerRequest request;
  request.set_name("consumers/c");
  request.mutable_filter()->add_policies("b");
  request.mutable_filter()->add_policies("a");
  request.mutable_filter()->add_splits(v1::SPLIT_TRAIN);
  EXPECT_TRUE(world_.consumers().Create(world_.context, request).ok());
  request.mutable_filter()->add_splits(v1::SPLIT_TEST);
  EXPECT_EQ(world_.consumers().Create(world_.context, request).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_P(ConsumersTest, RefusesBadNamesAndFilters) {
  v1::CreateConsumerRequest request;
  for (const char* name : {"", "c", "consumers/", "consumers/Upper", "consumers/-a", "groups/c"}) {
    request.set_name(name);
    EXPECT_EQ(world_.consumers().Create(world_.context, request).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  request.set_name("consumers/c");
  request.mutable_filter()->add_splits(static_cast<v1::Split>(77));
  EXPECT_EQ(world_.consumers().Create(world_.context, request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(ConsumersTest, CommitsNeverGoBackAndSurviveARestart) {
  world_.MakeConsumer("c");
  for (const char* id : {"a", "b", "c"}) world_.Append(Valid(id));
  const int64_t epoch = Epoch();
  EXPECT_EQ(*Commit(epoch, 2), 2);
  EXPECT_EQ(*Commit(epoch, 1), 2);
  EXPECT_EQ(Commit(epoch, 9).status().code(), absl::StatusCode::kOutOfRange);
  world_.Restart();
  EXPECT_EQ(Committed(), 2);
}

TEST_P(ConsumersTest, AcksOfBeforeASeekDoNotCount) {
  world_.MakeConsumer("c");
  for (const char* id : {"a", "b", "c"}) world_.Append(Valid(id));
  const int64_t epoch = Epoch();
  ASSERT_TRUE(Commit(epoch, 3).ok());
  ASSERT_TRUE(SeekAfter(1).ok());
  EXPECT_EQ(*Commit(epoch, 3), 1);
  EXPECT_EQ(Committed(), 1);
}

TEST_P(ConsumersTest, AcksOfADeletedOneDoNotCountForTheNextOfItsName) {
  world_.MakeConsumer("c");
  for (const char* id : {"a", "b", "c"}) world_.Append(Valid(id));
  const int64_t epoch = Epoch();
  ASSERT_TRUE(world_.consumers().Delete(world_.context, "consumers/c").ok());
  world_.clock.Advance(absl::Milliseconds(1));
  world_.MakeConsumer("c");
  EXPECT_EQ(*Commit(epoch, 3), 0);
  EXPECT_EQ(Committed(), 0);
  EXPECT_EQ(*Commit(Epoch(), 3), 3);
}

TEST_P(ConsumersTest, SeekIsRefusedWhileConnectedAndOutOfRange) {
  world_.MakeConsumer("c");
  world_.Append(Valid("a"));
  EXPECT_EQ(SeekAfter(5).status().code(), absl::StatusCode::kOutOfRange);
  world_.consumers().SetConnected("consumers/c", true);
  EXPECT_EQ(SeekAfter(1).status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(world_.consumers().Get(world_.context, "consumers/c")->connected());
  world_.consumers().SetConnected("consumers/c", false);
  EXPECT_TRUE(SeekAfter(1).ok());
}

TEST_P(ConsumersTest, DeletedConsumersAreGone) {
  world_.MakeConsumer("c");
  EXPECT_TRUE(world_.consumers().Delete(world_.context, "consumers/c").ok());
  EXPECT_EQ(world_.consumers().Delete(world_.context, "consumers/c").code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(world_.consumers().Attach(world_.context, "consumers/c").status().code(),
            absl::StatusCode::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Databases, ConsumersTest,
                         ::testing::Values(RewardWorld::Engine::kMemory,
                                           RewardWorld::Engine::kSqlite),
                         [](const auto& info) {
                           return info.param == RewardWorld::Engine::kSqlite ? "Sqlite" : "Memory";
                         });

}  // namespace
}  // namespace proctor::reward
