#include "common/call_context.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/time/clock.h"

namespace proctor {
namespace {

TEST(CallContextTest, ChildHasTheSmallerBudget) {
  const CallContext parent = CallContext::WithTimeout(absl::Seconds(100));
  EXPECT_LT(parent.Child(absl::Seconds(1)).remaining(), absl::Seconds(2));
  EXPECT_LE(parent.Child(absl::Hours(1)).deadline(), parent.deadline());
}

TEST(CallContextTest, CancelReachesChildrenAndWaiters) {
  const CallContext parent;
  const CallContext child = parent.Child(absl::Hours(1));
  Mutex mutex;
  CondVar condition;
  std::thread canceller([&] { parent.cancel()->Cancel(); });
  mutex.Lock();
  const absl::Status status =
      AwaitWithContext(child, mutex, condition, [] { return false; }, "a thing");
  mutex.Unlock();
  canceller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST(CallContextTest, WaitEndsAtTheDeadline) {
  const CallContext context = CallContext::WithTimeout(absl::Milliseconds(5));
  Mutex mutex;
  CondVar condition;
  MutexLock lock(mutex);
  EXPECT_EQ(AwaitWithContext(context, mutex, condition, [] { return false; }, "a thing").code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(CallContextTest, WhatWasTakenAgainBeforeTheWaitReturnsIsWaitedForOnceMore) {
  const CallContext context = CallContext::WithTimeout(absl::Seconds(30));
  Mutex mutex;
  CondVar condition;
  // Free when it is looked at first after the fast path, then taken by somebody else, then free for good.
  int looks = 0;
  bool free = false;
  const auto is_free = [&] {
    ++looks;
    free = looks == 2 || looks > 3;
    return free;
  };
  MutexLock lock(mutex);
  EXPECT_TRUE(AwaitWithContext(context, mutex, condition, is_free, "a thing").ok());
  EXPECT_TRUE(free);
}

TEST(CallContextTest, CallbackAfterCancelRunsAtOnce) {
  CancelToken token;
  token.Cancel();
  bool ran = false;
  EXPECT_EQ(token.AddCallback([&] { ran = true; }), 0u);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace proctor
