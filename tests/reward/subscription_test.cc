#include "reward/subscription.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/reward/reward_testing.h"

namespace proctor::reward {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SubscriptionTest : public ::testing::Test {
 protected:
  SubscriptionTest() {
    hub_ = std::make_unique<SubscriptionHub>(world_.log(), world_.consumers(), pool_, nullptr);
    world_.MakeConsumer("c");
  }
  ~SubscriptionTest() override {
    hub_->EndAll(absl::UnavailableError("over"));
    pool_.RunAll();
  }
  std::shared_ptr<Subscription> Open() {
    return hub_->Open("consumers/c", [this] { ++notified_; });
  }

  // Everything that can be had without more credits or acks.
  std::vector<int64_t> Drain(Subscription& stream) {
    std::vector<int64_t> offsets;
    for (;;) {
      pool_.RunAll();
      const auto response = stream.Next();
      if (!response) return offsets;
      for (const v1::RewardRecord& record : response->records()) offsets.push_back(record.offset());
      committed_ = response->committed_offset();
    }
  }
  void AppendMany(int count) {
    for (int i = 0; i < count; ++i) world_.Append(Valid(absl::StrCat("t", ++appended_)));
  }

  RewardWorld world_{RewardWorld::Engine::kMemory};
  ManualExecutor pool_;
  std::unique_ptr<SubscriptionHub> hub_;
  int notified_ = 0;
  int appended_ = 0;
  int64_t committed_ = 0;
};

TEST_F(SubscriptionTest, SendsAtMostAsManyRecordsAsCredits) {
  AppendMany(5);
  auto stream = Open();
  EXPECT_THAT(Drain(*stream), IsEmpty());
  stream->AddCredits(2);
  EXPECT_THAT(Drain(*stream), ElementsAre(1, 2));
  stream->AddCredits(1);
  stream->AddCredits(1);
  EXPECT_THAT(Drain(*stream), ElementsAre(3, 4));
}

TEST_F(SubscriptionTest, NotifiesWhenRecordsArrive) {
  auto stream = Open();
  stream->AddCredits(10);
  EXPECT_THAT(Drain(*stream), IsEmpty());
  EXPECT_EQ(notified_, 0);
  AppendMany(1);
  EXPECT_THAT(Drain(*stream), ElementsAre(1));
  EXPECT_EQ(notified_, 1);
}

TEST_F(SubscriptionTest, ConfirmsAcksAndResumesAfterThem) {
  AppendMany(3);
  auto stream = Open();
  stream->AddCredits(10);
  EXPECT_THAT(Drain(*stream), ElementsAre(1, 2, 3));
  stream->Ack(2);
  EXPECT_THAT(Drain(*stream), IsEmpty());
  EXPECT_EQ(committed_, 2);
  stream->Close();
  auto again = Open();
  again->AddCredits(10);
  EXPECT_THAT(Drain(*again), ElementsAre(3));
}

TEST_F(SubscriptionTest, FilteredRecordsCountAsReadOnceAllIsAcknowledged) {
  AppendMany(1);
  v1::Reward held_out = Valid("held-out");
  held_out.set_split(v1::SPLIT_TEST);
  world_.Append(held_out);
  auto stream = Open();
  stream->AddCredits(10);
  EXPECT_THAT(Drain(*stream), ElementsAre(1));
  stream->Ack(1);
  Drain(*stream);
  EXPECT_EQ(committed_, 2);
}

TEST_F(SubscriptionTest, ManyFilteredRecordsMoveThePositionWithoutAnAck) {
  v1::Reward held_out = Valid("x");
  held_out.set_split(v1::SPLIT_TEST);
  for (int i = 0; i < 1000; ++i) {
    held_out.set_trajectory(absl::StrCat("trajectories/x", i));
    held_out.set_reward_id(RewardId(held_out.trajectory(), 0));
    world_.Append(held_out);
  }
  auto stream = Open();
  stream->AddCredits(1);
  EXPECT_THAT(Drain(*stream), IsEmpty());
  EXPECT_EQ(world_.consumers().Get(world_.context, "consumers/c")->committed_offset(), 1000);
}

TEST_F(SubscriptionTest, AnAckFromAnEarlierStreamSkipsWhatTheClientHas) {
  AppendMany(3);
  auto stream = Open();
  stream->Ack(2);
  stream->AddCredits(10);
  EXPECT_THAT(Drain(*stream), ElementsAre(3));
}

// The first confirmation was lost with its connection; the log is idle.
TEST_F(SubscriptionTest, AnAckThatIsKnownIsConfirmedAgain) {
  AppendMany(3);
  Open()->Ack(2);
  pool_.RunAll();
  for (const bool at_once : {true, false}) {
    auto stream = Open();
    if (!at_once) {
      EXPECT_THAT(Drain(*stream), IsEmpty());
    }
    committed_ = 0;
    const int before = notified_;
    stream->Ack(at_once ? 2 : 1);
    EXPECT_THAT(Drain(*stream), IsEmpty());
    EXPECT_EQ(committed_, 2) << at_once;
    EXPECT_GT(notified_, before) << at_once;
  }
  auto silent = Open();
  pool_.RunAll();
  silent->Ack(0);
  pool_.RunAll();
  EXPECT_FALSE(silent->Next().has_value());
}

TEST_F(SubscriptionTest, ASecondStreamTakesOver) {
  AppendMany(1);
  auto first = Open();
  first->AddCredits(5);
  pool_.RunAll();
  auto second = Open();
  EXPECT_EQ(first->ended()->code(), absl::StatusCode::kAborted);
  EXPECT_EQ(first->Next(), std::nullopt);
  first->Close();
  EXPECT_TRUE(world_.consumers().Get(world_.context, "consumers/c")->connected());
  second->AddCredits(5);
  EXPECT_THAT(Drain(*second), ElementsAre(1));
  second->Close();
  EXPECT_FALSE(world_.consumers().Get(world_.context, "consumers/c")->connected());
}

TEST_F(SubscriptionTest, EndsWithTheReason) {
  auto unknown = hub_->Open("consumers/none", nullptr);
  pool_.RunAll();
  EXPECT_EQ(unknown->ended()->code(), absl::StatusCode::kNotFound);
  auto greedy = Open();
  greedy->AddCredits(10'001);
  EXPECT_EQ(greedy->ended()->code(), absl::StatusCode::kInvalidArgument);
  auto negative = Open();
  negative->AddCredits(-1);
  EXPECT_EQ(negative->ended()->code(), absl::StatusCode::kInvalidArgument);
  auto ahead = Open();
  ahead->Ack(99);
  pool_.RunAll();
  EXPECT_EQ(ahead->ended()->code(), absl::StatusCode::kOutOfRange);
  auto deleted = Open();
  pool_.RunAll();
  ASSERT_TRUE(world_.consumers().Delete(world_.context, "consumers/c").ok());
  EXPECT_EQ(deleted->ended()->code(), absl::StatusCode::kNotFound);
}

TEST_F(SubscriptionTest, BelowTheFloorIsOutOfRangeWithTheFloor) {
  AppendMany(3);
  world_.clock.Advance(absl::Hours(24 * 60));
  ASSERT_EQ(*world_.log().Trim(world_.context, {}), 3);
  auto stream = Open();
  pool_.RunAll();
  EXPECT_EQ(stream->ended()->code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(stream->ended()->message()), ::testing::HasSubstr("floor is 3"));
}

TEST_F(SubscriptionTest, AFinishedStreamCommitsAndConfirmsWhatWasAcknowledgedFirst) {
  AppendMany(3);
  auto stream = Open();
  stream->AddCredits(2);
  EXPECT_THAT(Drain(*stream), ElementsAre(1, 2));
  // The second ack and the end come while the commit of the first waits its turn.
  stream->Ack(1);
  stream->Ack(2);
  stream->AddCredits(10);
  stream->Finish();
  EXPECT_FALSE(stream->ended());
  EXPECT_THAT(Drain(*stream), IsEmpty());
  EXPECT_EQ(committed_, 2);
  EXPECT_EQ(stream->ended(), absl::OkStatus());
  const auto consumer = world_.consumers().Get(world_.context, "consumers/c");
  EXPECT_EQ(consumer->committed_offset(), 2);
  EXPECT_FALSE(consumer->connected());
}

TEST_F(SubscriptionTest, AFinishedStreamTellsWhyItCouldNotCommit) {
  AppendMany(1);
  auto ahead = Open();
  ahead->Ack(99);
  ahead->Finish();
  pool_.RunAll();
  EXPECT_EQ(ahead->ended()->code(), absl::StatusCode::kOutOfRange);
  // A server that stops tells that it did not.
  auto stopped = Open();
  stopped->Ack(1);
  stopped->Finish();
  hub_->EndAll(absl::UnavailableError("drain"));
  pool_.RunAll();
  EXPECT_EQ(stopped->ended()->code(), absl::StatusCode::kUnavailable);
}

TEST_F(SubscriptionTest, ASlowConsumerHoldsOneBatchAndStopsNobody) {
  world_.MakeConsumer("slow");
  auto slow = hub_->Open("consumers/slow", nullptr);
  slow->AddCredits(10'000);
  auto fast = Open();
  fast->AddCredits(10'000);
  AppendMany(250);
  EXPECT_EQ(Drain(*fast).size(), 250u);
  // The slow one has what one batch holds, nothing more; the rest waits in the store.
  EXPECT_EQ(slow->Next()->records_size(), 100);
  EXPECT_EQ(slow->Next(), std::nullopt);
  pool_.RunAll();
  EXPECT_EQ(slow->Next()->records_size(), 100);
}

TEST_F(SubscriptionTest, DrainEndsAllStreams) {
  auto stream = Open();
  hub_->EndAll(absl::UnavailableError("drain"));
  EXPECT_EQ(stream->ended()->code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Open()->ended()->code(), absl::StatusCode::kUnavailable);
}

TEST_F(SubscriptionTest, PayloadsComeIfAskedAndMayBeGone) {
  SubscriptionHub hub(
      world_.log(), world_.consumers(), pool_,
      [](const CallContext&, const std::string& name, int64_t) -> absl::StatusOr<v1::TrajectoryPayload> {
        if (name == "trajectories/t2") return absl::NotFoundError("deleted");
        if (name == "trajectories/t4") return absl::DataLossError("damaged");
        v1::TrajectoryPayload payload;
        payload.set_goal(name);
        return payload;
      });
  v1::ConsumerFilter filter;
  filter.set_include_payload(true);
  filter.set_delivery(v1::DELIVERY_GROUPS);
  world_.MakeConsumer("p", filter);
  world_.MakeGroup("g", 1);
  AppendMany(2);
  world_.Append(Valid("t3", "g"));
  world_.Append(Valid("t4"));
  world_.Append(Valid("t5"));
  auto stream = hub.Open("consumers/p", nullptr);
  stream->AddCredits(10);
  pool_.RunAll();
  const auto response = stream->Next();
  ASSERT_TRUE(response.has_value());
  ASSERT_EQ(response->records_size(), 5);
  EXPECT_FALSE(response->records(3).reward().has_payload());
  EXPECT_EQ(response->records(4).reward().payload().goal(), "trajectories/t5");
  EXPECT_EQ(response->records(0).reward().payload().goal(), "trajectories/t1");
  EXPECT_FALSE(response->records(1).reward().has_payload());
  EXPECT_EQ(response->records(2).group_complete().rewards(0).payload().goal(), "trajectories/t3");
  stream->Close();
  pool_.RunAll();
}

TEST_F(SubscriptionTest, LargePayloadsComeInSmallBatchesAndTooLargeOnesAreNamed) {
  SubscriptionHub hub(
      world_.log(), world_.consumers(), pool_,
      [](const CallContext&, const std::string& name, int64_t) -> absl::StatusOr<v1::TrajectoryPayload> {
        v1::TrajectoryPayload payload;
        payload.set_goal(std::string(name == "trajectories/t3" ? 5 << 20 : 700 << 10, 'x'));
        return payload;
      });
  v1::ConsumerFilter filter;
  filter.set_include_payload(true);
  filter.set_delivery(v1::DELIVERY_GROUPS);
  world_.MakeConsumer("p", filter);
  AppendMany(4);
  world_.MakeGroup("g", 4);
  for (const char* id : {"g1", "g2", "g3", "g4"}) world_.Append(Valid(id, "g"));
  auto stream = hub.Open("consumers/p", nullptr);
  stream->AddCredits(10);
  std::vector<v1::RewardRecord> records;
  std::vector<std::string> omitted;
  for (;;) {
    pool_.RunAll();
    const auto response = stream->Next();
    if (!response) break;
    EXPECT_LT(response->ByteSizeLong(), 4u << 20);
    for (const v1::RewardRecord& record : response->records()) records.push_back(record);
    for (const std::string& id : response->payloads_omitted()) omitted.push_back(id);
  }
  ASSERT_EQ(records.size(), 5u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(records[i].offset(), i + 1);
    EXPECT_EQ(records[i].reward().has_payload(), i != 2);
  }
  const v1::GroupComplete& group = records[4].group_complete();
  EXPECT_TRUE(group.rewards(0).has_payload());
  EXPECT_TRUE(group.rewards(1).has_payload());
  EXPECT_FALSE(group.rewards(2).has_payload());
  EXPECT_THAT(omitted, ElementsAre(records[2].reward().reward_id(), group.rewards(2).reward_id(),
                                   group.rewards(3).reward_id()));
  stream->Close();
  pool_.RunAll();
}

// Else a stream would begin again and again with the same records, and never come past them.
TEST_F(SubscriptionTest, RecordsWhosePayloadsTakeTooLongWaitForTheNextRead) {
  int loads = 0;
  SubscriptionHub hub(world_.log(), world_.consumers(), pool_,
                      [&](const CallContext&, const std::string& name, int64_t) -> absl::StatusOr<v1::TrajectoryPayload> {
                        if (++loads == 3) return absl::DeadlineExceededError("query: deadline exceeded");
                        v1::TrajectoryPayload payload;
                        payload.set_goal(name);
                        return payload;
                      });
  v1::ConsumerFilter filter;
  filter.set_include_payload(true);
  world_.MakeConsumer("p", filter);
  AppendMany(4);
  auto stream = hub.Open("consumers/p", nullptr);
  stream->AddCredits(10);
  std::vector<std::string> goals;
  for (;;) {
    pool_.RunAll();
    const auto response = stream->Next();
    if (!response) break;
    for (const v1::RewardRecord& record : response->records()) goals.push_back(record.reward().payload().goal());
  }
  EXPECT_EQ(stream->ended(), std::nullopt);
  EXPECT_THAT(goals, ElementsAre("trajectories/t1", "trajectories/t2", "trajectories/t3", "trajectories/t4"));
  loads = 2;
  world_.Append(Valid("t5"));
  pool_.RunAll();
  EXPECT_EQ(stream->ended()->code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(SubscriptionThreadsTest, AppendersAndReadersRunSideBySide) {
  constexpr int kRewards = 200, kConsumers = 3;
  RewardWorld world(RewardWorld::Engine::kSqlite);
  auto pool = std::make_unique<ThreadPool>("rewards", 3);
  auto hub = std::make_unique<SubscriptionHub>(world.log(), world.consumers(), *pool, nullptr);
  std::vector<std::thread> threads;
  for (int c = 0; c < kConsumers; ++c) world.MakeConsumer(absl::StrCat("c", c));
  for (int c = 0; c < kConsumers; ++c) {
    threads.emplace_back([&, c] {
      struct Signal {
        Mutex mutex;
        CondVar ready;
        int count ABSL_GUARDED_BY(mutex) = 0;
      };
      const auto signal = std::make_shared<Signal>();
      auto stream = hub->Open(absl::StrCat("consumers/c", c), [signal] {
        MutexLock lock(signal->mutex);
        ++signal->count;
        signal->ready.SignalAll();
      });
      stream->AddCredits(7);
      int64_t last = 0;
      while (last < kRewards) {
        if (const auto response = stream->Next()) {
          for (const v1::RewardRecord& record : response->records()) {
            EXPECT_EQ(record.offset(), last + 1);
            last = record.offset();
          }
          stream->AddCredits(response->records_size());
          stream->Ack(last);
          continue;
        }
        MutexLock lock(signal->mutex);
        const absl::Status woken = AwaitWithContext(
            CallContext::WithTimeout(absl::Seconds(30)), signal->mutex, signal->ready,
            [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(signal->mutex) { return signal->count > 0; },
            "records");
        ASSERT_TRUE(woken.ok()) << woken;
        signal->count = 0;
      }
      stream->Close();
    });
  }
  for (int i = 0; i < kRewards; ++i) world.Append(Valid(absl::StrCat("t", i)));
  for (std::thread& thread : threads) thread.join();
  hub->EndAll(absl::UnavailableError("over"));
  pool.reset();
  hub.reset();
}

}  // namespace
}  // namespace proctor::reward
