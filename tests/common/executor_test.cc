#include "common/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
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

TEST(SerialExecutorTest, KeepsOrderWithoutOverlap) {
  std::vector<int> order;  // Unguarded on purpose: the executor is the guard.
  {
    ThreadPool pool("test", 4);
    SerialExecutor serial(pool);
    for (int i = 0; i < 1000; ++i) serial.Post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[i], i);
}

TEST(SerialExecutorTest, RunsAtOnceWhatFindsNothingRunning) {
  ThreadPool pool("test", 2);
  SerialExecutor serial(pool);
  std::thread::id ran_on;
  serial.RunOrPost([&ran_on] { ran_on = std::this_thread::get_id(); });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(SerialExecutorTest, PostNeverRunsWithinTheCall) {
  std::thread::id ran_on;
  {
    ThreadPool pool("test", 2);
    SerialExecutor serial(pool);
    serial.Post([&ran_on] { ran_on = std::this_thread::get_id(); });
  }
  EXPECT_NE(ran_on, std::thread::id());
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(SerialExecutorTest, WhatWouldRunAtOnceWaitsForItsTurn) {
  std::vector<int> order;  // Unguarded on purpose: the executor is the guard.
  {
    ThreadPool pool("test", 4);
    SerialExecutor serial(pool);
    serial.RunOrPost([&] {
      serial.Post([&order] { order.push_back(1); });
      serial.RunOrPost([&order] { order.push_back(2); });
      order.push_back(0);
    });
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(SerialExecutorTest, TasksOfManyThreadsNeverOverlap) {
  int count = 0;  // Unguarded on purpose: the executor is the guard.
  {
    ThreadPool pool("test", 4);
    SerialExecutor serial(pool);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&serial, &count, i] {
        for (int n = 0; n < 1000; ++n) {
          if (i % 2 == 0) {
            serial.RunOrPost([&count] { ++count; });
          } else {
            serial.Post([&count] { ++count; });
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(count, 4000);
}

TEST(SerialExecutorTest, ATaskRunAtOnceMayBeWhatKeepsTheExecutor) {
  ThreadPool pool("test", 1);
  auto serial = std::make_shared<SerialExecutor>(pool);
  SerialExecutor& executor = *serial;
  executor.RunOrPost([serial = std::move(serial)] {});
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
