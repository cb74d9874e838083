#include "env/replay_cache.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {
namespace {

class ReplayCacheTest : public testing::Test {
 protected:
  ReplayCacheTest() {
    request_.set_request_id("r1");
    replay_ = cache_.Prepare("r1", request_);
    v1::StepResponse answer;
    answer.set_step_index(7);
    replay_.response = answer.SerializeAsString();
  }
  // The step's index as it was answered before; -1: never.
  int Find() { return Find(cache_); }
  // An answer to a request of that id, which the store does not have.
  Replay OfBytes(const std::string& id, size_t bytes) {
    Replay replay = cache_.Prepare(id, request_);
    v1::StepResponse answer;
    answer.set_step_index(9);
    answer.mutable_observation()->mutable_text()->set_text(std::string(bytes, 'x'));
    replay.response = answer.SerializeAsString();
    return replay;
  }
  int Find(ReplayCache& cache) {
    v1::StepResponse answer;
    const auto found = cache.Find(CallContext(), cache_.Prepare("r1", request_), answer);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.value_or(false) ? answer.step_index() : -1;
  }

  MemorySink sink_;
  ReplayCache cache_{"s1", sink_, ReplayCache::Past::kStored};
  v1::StepRequest request_;
  Replay replay_;
};

TEST_F(ReplayCacheTest, FindsWhatWasKept) {
  EXPECT_EQ(Find(), -1);
  cache_.Keep(replay_);
  EXPECT_EQ(Find(), 7);
}

TEST_F(ReplayCacheTest, HoldsNothingAnyMoreOnceItWasCleared) {
  cache_.Keep(replay_);
  cache_.Clear();
  EXPECT_EQ(Find(), -1);
}

TEST_F(ReplayCacheTest, FindsInTheStoreWhatItDoesNotHold) {
  ASSERT_TRUE(sink_.Keep(CallContext(), replay_).ok());
  EXPECT_EQ(Find(), 7);
}

// The store's answer is another one here, so that it shows where an answer is from.
TEST_F(ReplayCacheTest, HoldsNoMoreThanAMebibyteAndFindsTheRestInTheStore) {
  cache_.Keep(replay_);
  v1::StepResponse stored;
  stored.set_step_index(8);
  Replay in_store = replay_;
  in_store.response = stored.SerializeAsString();
  ASSERT_TRUE(sink_.Keep(CallContext(), in_store).ok());
  cache_.Keep(OfBytes("r2", 600'000));
  EXPECT_EQ(Find(), 7);
  cache_.Keep(OfBytes("r3", 600'000));
  EXPECT_EQ(Find(), 8);
}

TEST_F(ReplayCacheTest, HoldsALargeAnswerOnlyIfTheStoreDoesNotHaveIt) {
  cache_.Keep(OfBytes("r1", 2 << 20));
  EXPECT_EQ(Find(), -1);
  cache_.KeepUnstored(OfBytes("r1", 2 << 20));
  EXPECT_EQ(Find(), 9);
  cache_.Keep(OfBytes("r2", 1));
  EXPECT_EQ(Find(), -1);
}

// The store is told behind the cache's back, so that an answer from there shows that it was asked.
TEST_F(ReplayCacheTest, OfANewSessionAsksTheStoreOnlyForWhatItWasAskedBefore) {
  ReplayCache cache("s1", sink_, ReplayCache::Past::kNone);
  ASSERT_TRUE(sink_.Keep(CallContext(), replay_).ok());
  EXPECT_EQ(Find(cache), -1);
  EXPECT_EQ(Find(cache), 7);
}

TEST_F(ReplayCacheTest, OfANewSessionAsksTheStoreOnceThereWereTooManyToRemember) {
  ReplayCache cache("s1", sink_, ReplayCache::Past::kNone);
  for (int i = 0; i <= 16'384; ++i) {
    v1::StepResponse answer;
    ASSERT_TRUE(cache.Find(CallContext(), cache.Prepare(absl::StrCat("other-", i), request_), answer).ok());
  }
  ASSERT_TRUE(sink_.Keep(CallContext(), replay_).ok());
  EXPECT_EQ(Find(cache), 7);
}

TEST_F(ReplayCacheTest, OfANewSessionAsksTheStoreAfterItWasCleared) {
  ReplayCache cache("s1", sink_, ReplayCache::Past::kNone);
  cache.Clear();
  ASSERT_TRUE(sink_.Keep(CallContext(), replay_).ok());
  EXPECT_EQ(Find(cache), 7);
}

}  // namespace
}  // namespace proctor::env
