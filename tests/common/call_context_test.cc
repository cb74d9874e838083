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

TEST(CallContextTest, CallbackAfterCancelRunsAtOnce) {
  CancelToken token;
  token.Cancel();
  bool ran = false;
  EXPECT_EQ(token.AddCallback([&] { ran = true; }), 0u);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace proctor
