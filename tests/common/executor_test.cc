#include "common/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "common/call_context.h"

namespace proctor {
namespace {

TEST(ThreadPoolTest, RunsEverythingBeforeItDies) {
  std::atomic<int> count{0};
  {
    ThreadPool pool("test", 4);
    for (int i = 0; i < 1000; ++i) pool.Post([&] { ++count; });
  }
  EXPECT_EQ(count, 1000);
}

TEST(TimerQueueTest, FiresInOrderOfTime) {
  Mutex mutex;
  CondVar condition;
  std::vector<int> fired;
  TimerQueue timers;
  const auto note = [&](int n) {
    return [&, n] {
      MutexLock lock(mutex);
      fired.push_back(n);
      condition.SignalAll();
    };
  };
  timers.RunAfter(absl::Milliseconds(30), note(2));
  timers.RunAfter(absl::Milliseconds(1), note(1));
  MutexLock lock(mutex);
  ASSERT_TRUE(AwaitWithContext(CallContext::WithTimeout(absl::Seconds(20)), mutex, condition,
                               [&] { return fired.size() == 2; }, "timers")
                  .ok());
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
}

TEST(TimerQueueTest, CancelledTimerNeverFires) {
  TimerQueue timers;
  const uint64_t id = timers.RunAfter(absl::Hours(1), [] { FAIL(); });
  EXPECT_TRUE(timers.Cancel(id));
  EXPECT_FALSE(timers.Cancel(id));
}

TEST(TimerQueueTest, CancellingWhatWasNeverSetDoesNotWait) {
  TimerQueue timers;
  EXPECT_FALSE(timers.Cancel(0));
  EXPECT_FALSE(timers.Cancel(12345));
}

}  // namespace
}  // namespace proctor
