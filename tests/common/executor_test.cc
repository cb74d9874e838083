#include "common/executor.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "common/call_context.h"
#include "common/thread.h"

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

// While it lives the system refuses new threads: none has room for such a stack.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_attr_init(&before_);
    pthread_getattr_default_np(&before_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    EXPECT_EQ(pthread_attr_setstacksize(&huge, size_t{1} << 50), 0);
    EXPECT_EQ(pthread_setattr_default_np(&huge), 0);
    pthread_attr_destroy(&huge);
  }
  ~NoMoreThreads() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

TEST(StartThreadTest, IsRefusedWithAStatus) {
  {
    const NoMoreThreads refused;
    EXPECT_EQ(StartThread([] {}).status().code(), absl::StatusCode::kResourceExhausted);
  }
  absl::StatusOr<std::thread> thread = StartThread([] {});
  ASSERT_TRUE(thread.ok()) << thread.status();
  thread->join();
}

TEST(ThreadPoolTest, DoesAllWithOneThreadWhereNoMoreAreGiven) {
  std::atomic<int> count{0};
  {
    std::promise<void> posted;
    ThreadPool pool("test", 4);
    const NoMoreThreads refused;
    pool.Post([&, all = posted.get_future().share()] {
      all.wait();
      ++count;
    });
    for (int i = 0; i < 10; ++i) pool.Post([&] { ++count; });
    posted.set_value();
  }
  EXPECT_EQ(count, 11);
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
