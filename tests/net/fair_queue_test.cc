#include "net/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/mutex.h"

namespace proctor::net {
namespace {

using testing::ElementsAre;

// Tasks that say when they begin, and end when they are told to.
class FairQueueTest : public testing::Test {
 protected:
  void Make(FairQueue::Options options) { queue_ = std::make_unique<FairQueue>("fair", options); }

  uint64_t Add(uint64_t owner, const std::string& name) {
    return queue_->Add(owner, [this, name] {
      MutexLock lock(mutex_);
      begun_.push_back(name);
      changed_.SignalAll();
      while (!may_end_ && !ends_.contains(name)) changed_.Wait(mutex_);
    });
  }
  void End(const std::string& name) {
    MutexLock lock(mutex_);
    ends_.insert(name);
    changed_.SignalAll();
  }
  // What began, in order, once it is that many.
  std::vector<std::string> Begun(size_t count) {
    MutexLock lock(mutex_);
    while (begun_.size() < count) changed_.Wait(mutex_);
    return begun_;
  }
  void TearDown() override {
    {
      MutexLock lock(mutex_);
      may_end_ = true;
      changed_.SignalAll();
    }
    queue_.reset();
  }

  Mutex mutex_;
  CondVar changed_;
  bool may_end_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<std::string> ends_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> begun_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<FairQueue> queue_;
};

TEST_F(FairQueueTest, OwnersTakeTurns) {
  Make({.threads = 1, .reserved = 0, .running_per_owner = 1, .queued_per_owner = 10});
  Add(1, "a0");
  Begun(1);
  for (const char* name : {"a1", "a2"}) Add(1, name);
  for (const char* name : {"b1", "b2"}) Add(2, name);
  Add(3, "c1");
  for (const char* name : {"a0", "b1", "c1", "a1", "b2"}) End(name);
  EXPECT_THAT(Begun(6), ElementsAre("a0", "b1", "c1", "a1", "b2", "a2"));
}

TEST_F(FairQueueTest, AnOwnerRunsNoMoreThanItsShare) {
  Make({.threads = 4, .reserved = 0, .running_per_owner = 2, .queued_per_owner = 10});
  for (const char* name : {"a1", "a2", "a3"}) Add(1, name);
  EXPECT_THAT(Begun(2), testing::UnorderedElementsAre("a1", "a2"));
  Add(2, "b1");
  EXPECT_EQ(Begun(3).back(), "b1");
  End("a2");
  EXPECT_EQ(Begun(4).back(), "a3");
}

TEST_F(FairQueueTest, TheLastThreadsAreForOwnersThatHaveNone) {
  Make({.threads = 3, .reserved = 1, .running_per_owner = 3, .queued_per_owner = 10});
  for (const char* name : {"a1", "a2", "a3"}) Add(1, name);
  Begun(2);
  Add(2, "b1");
  Add(2, "b2");
  EXPECT_EQ(Begun(3).back(), "b1");
  // Nothing is free for a second one of either, until two are.
  End("a1");
  Add(3, "c1");
  EXPECT_EQ(Begun(4).back(), "c1");
  End("b1");
  EXPECT_EQ(Begun(5).back(), "b2");
}

TEST_F(FairQueueTest, WhatIsTooMuchIsNotTaken) {
  Make({.threads = 1, .reserved = 0, .running_per_owner = 1, .queued_per_owner = 1});
  EXPECT_NE(Add(1, "a1"), 0u);
  EXPECT_NE(Add(1, "a2"), 0u);
  EXPECT_EQ(Add(1, "a3"), 0u);
  EXPECT_NE(Add(2, "b1"), 0u);
  End("a1");
  End("b1");
  EXPECT_THAT(Begun(3), ElementsAre("a1", "b1", "a2"));
}

TEST_F(FairQueueTest, WhatIsDroppedDoesNotRun) {
  Make({.threads = 1, .reserved = 0, .running_per_owner = 1, .queued_per_owner = 10});
  const uint64_t running = Add(1, "a1");
  const uint64_t waiting = Add(2, "b1");
  Add(3, "c1");
  queue_->Drop(running);
  queue_->Drop(waiting);
  queue_->Drop(waiting);
  queue_->Drop(99);
  End("a1");
  EXPECT_THAT(Begun(2), ElementsAre("a1", "c1"));
}

TEST_F(FairQueueTest, ItsEndDropsWhatWaits) {
  Make({.threads = 1, .reserved = 0, .running_per_owner = 1, .queued_per_owner = 10});
  auto held = std::make_shared<int>();
  Add(1, "a1");
  Begun(1);
  queue_->Add(1, [held] {});
  End("a1");
  {
    // Whether or not its turn came.
    MutexLock lock(mutex_);
    may_end_ = true;
  }
  queue_.reset();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace proctor::net
