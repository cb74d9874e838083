#include "common/serial_executor.h"

#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace proctor {
namespace {

TEST(AsyncQueueTest, PostNeverRunsWithinTheCall) {
  std::thread::id ran_on;
  {
    ThreadPool pool("test", 2);
    AsyncQueue queue(pool);
    queue.Post([&ran_on](const AsyncQueue::Finish& finish) {
      ran_on = std::this_thread::get_id();
      finish();
    });
  }
  EXPECT_NE(ran_on, std::thread::id());
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(AsyncQueueTest, RunsAtOnceWhatFindsNothingRunning) {
  ThreadPool pool("test", 2);
  AsyncQueue queue(pool);
  std::thread::id ran_on;
  queue.RunOrPost([&ran_on](const AsyncQueue::Finish& finish) {
    ran_on = std::this_thread::get_id();
    finish();
  });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(AsyncQueueTest, WhatWouldRunAtOnceWaitsUntilTheTaskBeforeIsOver) {
  std::vector<int> order;  // Unguarded on purpose: the queue is the guard.
  {
    ThreadPool pool("test", 4);
    AsyncQueue queue(pool);
    AsyncQueue::Finish first;
    queue.RunOrPost([&first](const AsyncQueue::Finish& finish) { first = finish; });
    queue.RunOrPost([&order](const AsyncQueue::Finish& finish) {
      order.push_back(1);
      finish();
    });
    queue.Post([&order](const AsyncQueue::Finish& finish) {
      order.push_back(2);
      finish();
    });
    order.push_back(0);
    first();
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(AsyncQueueTest, TasksOfManyThreadsNeverOverlap) {
  int count = 0;  // Unguarded on purpose: the queue is the guard.
  {
    ThreadPool pool("test", 4);
    AsyncQueue queue(pool);
    const auto add = [&count](const AsyncQueue::Finish& finish) {
      ++count;
      finish();
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&queue, &add, i] {
        for (int n = 0; n < 1000; ++n) i % 2 == 0 ? queue.RunOrPost(add) : queue.Post(add);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(count, 4000);
}

// A queue that touched itself after the task would be seen by AddressSanitizer alone; that it is gone by then is seen here.
TEST(AsyncQueueTest, ATaskRunAtOnceMayBeWhatKeepsTheQueue) {
  ThreadPool pool("test", 1);
  auto owned = std::make_shared<AsyncQueue>(pool);
  AsyncQueue& queue = *owned;
  const std::weak_ptr<AsyncQueue> left = owned;
  queue.RunOrPost([owned = std::move(owned)](const AsyncQueue::Finish& finish) mutable {
    owned.reset();
    finish();
  });
  EXPECT_TRUE(left.expired());
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

// As with the queue: AddressSanitizer sees what this cannot.
TEST(SerialExecutorTest, ATaskRunAtOnceMayBeWhatKeepsTheExecutor) {
  ThreadPool pool("test", 1);
  auto serial = std::make_shared<SerialExecutor>(pool);
  SerialExecutor& executor = *serial;
  const std::weak_ptr<SerialExecutor> left = serial;
  executor.RunOrPost([serial = std::move(serial)] {});
  EXPECT_TRUE(left.expired());
}

// Against its contract it runs tasks within Post: the next task runs at the first moment at which it may.
class ImmediateExecutor final : public Executor {
 public:
  void Post(std::function<void()> task) override { task(); }
};

TEST(SerialExecutorTest, WhatATaskCapturedIsGoneBeforeTheNextRuns) {
  ImmediateExecutor pool;
  SerialExecutor serial(pool);
  auto captured = std::make_shared<int>();
  long uses = 0;
  serial.RunOrPost([&serial, &uses, captured] {
    serial.Post([&uses, weak = std::weak_ptr<int>(captured)] { uses = weak.use_count(); });
  });
  EXPECT_EQ(uses, 1);
}

}  // namespace
}  // namespace proctor
