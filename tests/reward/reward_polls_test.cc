#include "reward/reward_polls.h"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/reward/reward_testing.h"

namespace proctor::reward {
namespace {

// A poll and what became of it.
struct Polled {
  v1::ListRewardsRequest request;
  CallContext context;
  std::optional<absl::StatusOr<v1::ListRewardsResponse>> answer;
};

class RewardPollsTest : public ::testing::Test {
 protected:
  static v1::ListRewardsRequest Waiting(int64_t after = 0) {
    v1::ListRewardsRequest request;
    request.set_after_offset(after);
    request.mutable_max_wait()->set_seconds(60);
    return request;
  }
  // Of what nobody appends.
  static v1::ListRewardsRequest WaitingInVain() {
    v1::ListRewardsRequest request = Waiting();
    request.mutable_filter()->add_policies("nobody's");
    return request;
  }
  std::shared_ptr<Polled> Begin(const v1::ListRewardsRequest& request) {
    auto polled = std::make_shared<Polled>();
    polled->request = request;
    polls_.Begin(polled->context, polled->request, pool_, [polled](absl::StatusOr<v1::ListRewardsResponse> answer) {
      EXPECT_FALSE(polled->answer.has_value()) << "answered twice";
      polled->answer = std::move(answer);
    });
    return polled;
  }
  // What is answered without waiting.
  absl::StatusOr<v1::ListRewardsResponse> List(const v1::ListRewardsRequest& request) {
    const auto polled = Begin(request);
    pool_.RunAll();
    EXPECT_TRUE(polled->answer.has_value());
    return polled->answer.value_or(absl::InternalError("no answer"));
  }

  RewardWorld world_{RewardWorld::Engine::kMemory};
  TimerQueue timers_;
  RewardPolls polls_{world_.log(), timers_};
  ManualExecutor pool_;
};

TEST_F(RewardPollsTest, PagesByOffset) {
  for (const char* id : {"a", "b", "c"}) world_.Append(Valid(id));
  v1::ListRewardsRequest request;
  request.set_page_size(2);
  const auto first = List(request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->records_size(), 2);
  EXPECT_EQ(first->next_after_offset(), 2);
  EXPECT_EQ(first->end_offset(), 3);
  request.set_after_offset(2);
  EXPECT_EQ(List(request)->records_size(), 1);
  request.set_after_offset(3);
  EXPECT_EQ(List(request)->records_size(), 0);
  EXPECT_EQ(List(request)->next_after_offset(), 3);
  request.set_page_size(-1);
  EXPECT_EQ(List(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RewardPollsTest, TellsWhatTheLogRefuses) {
  v1::ListRewardsRequest request = Waiting(4);
  EXPECT_EQ(List(request).status().code(), absl::StatusCode::kOutOfRange);
  request.set_after_offset(-1);
  EXPECT_EQ(List(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RewardPollsTest, WaitsForARecordThatPasses) {
  const auto polled = Begin(Waiting());
  pool_.RunAll();
  v1::Reward held_out = Valid("held-out");
  held_out.set_split(v1::SPLIT_TEST);
  world_.Append(held_out);
  pool_.RunAll();
  EXPECT_FALSE(polled->answer.has_value());
  world_.Append(Valid("a"));
  pool_.RunAll();
  ASSERT_TRUE(polled->answer.has_value());
  ASSERT_TRUE(polled->answer->ok()) << polled->answer->status();
  const v1::ListRewardsResponse& response = **polled->answer;
  ASSERT_EQ(response.records_size(), 1);
  EXPECT_EQ(response.records(0).reward().trajectory(), "trajectories/a");
  EXPECT_EQ(response.next_after_offset(), 2);
}

TEST_F(RewardPollsTest, WhoWaitsHasNoTask) {
  std::vector<std::shared_ptr<Polled>> polled;
  for (int i = 0; i < 100; ++i) polled.push_back(Begin(Waiting()));
  EXPECT_FALSE(pool_.RunOne());
  for (const auto& poll : polled) EXPECT_FALSE(poll->answer.has_value());
  world_.Append(Valid("a"));
  pool_.RunAll();
  for (const auto& poll : polled) {
    ASSERT_TRUE(poll->answer.has_value());
    EXPECT_EQ((*poll->answer)->records_size(), 1);
  }
}

TEST_F(RewardPollsTest, ALongLogThatIsFilteredOutIsReadInTurns) {
  // As if so many had been appended, and retention had taken them.
  world_.Sql("UPDATE reward_bounds SET value = 25000 WHERE name = 'end'");
  v1::ListRewardsRequest request;
  const auto polled = Begin(request);
  int tasks = 0;
  while (!polled->answer.has_value() && pool_.RunOne()) ++tasks;
  // 10,000 offsets each, the first within Begin, and the look that finds the end.
  EXPECT_EQ(tasks, 3);
  ASSERT_TRUE(polled->answer.has_value());
  EXPECT_EQ((*polled->answer)->next_after_offset(), 25000);
}

TEST_F(RewardPollsTest, ARecordThatComesWhileItLooksIsNotMissed) {
  const auto polled = Begin(WaitingInVain());
  const auto other = Begin(Waiting());
  world_.Append(Valid("a"));
  // Woken, but it has not looked yet.
  v1::Reward wanted = Valid("b");
  wanted.set_policy("nobody's");
  world_.Append(wanted);
  pool_.RunAll();
  ASSERT_TRUE(polled->answer.has_value());
  EXPECT_EQ((*polled->answer)->records(0).reward().trajectory(), "trajectories/b");
  ASSERT_TRUE(other->answer.has_value());
  EXPECT_EQ((*other->answer)->records_size(), 2);
}

TEST_F(RewardPollsTest, WhoIsGoneWaitsNoMore) {
  const auto polled = Begin(WaitingInVain());
  polled->context.cancel()->Cancel();
  EXPECT_FALSE(polled->answer.has_value()) << "answered on the canceller's thread";
  pool_.RunAll();
  ASSERT_TRUE(polled->answer.has_value());
  EXPECT_EQ(polled->answer->status().code(), absl::StatusCode::kCancelled);
  world_.Append(Valid("a"));
  EXPECT_FALSE(pool_.RunOne());
}

TEST_F(RewardPollsTest, WhoIsGoneWhileItLooksIsTold) {
  const auto polled = Begin(WaitingInVain());
  world_.Append(Valid("a"));
  polled->context.cancel()->Cancel();
  pool_.RunAll();
  ASSERT_TRUE(polled->answer.has_value());
  EXPECT_EQ(polled->answer->status().code(), absl::StatusCode::kCancelled);
}

TEST_F(RewardPollsTest, AnswersWithNothingWhenItsTimeIsUp) {
  world_.Append(Valid("a"));
  v1::ListRewardsRequest request = WaitingInVain();
  request.mutable_max_wait()->Clear();
  request.mutable_max_wait()->set_nanos(1'000'000);
  ThreadPool pool("poll", 1);
  std::promise<absl::StatusOr<v1::ListRewardsResponse>> answered;
  polls_.Begin(world_.context, request, pool, [&](absl::StatusOr<v1::ListRewardsResponse> answer) { answered.set_value(std::move(answer)); });
  const auto answer = answered.get_future().get();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->records_size(), 0);
  EXPECT_EQ(answer->next_after_offset(), 1);
  EXPECT_EQ(answer->end_offset(), 1);
}

}  // namespace
}  // namespace proctor::reward
