#include "env/async_queue.h"

#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace proctor::env {
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

TEST(AsyncQueueTest, ATaskRunAtOnceMayBeWhatKeepsTheQueue) {
  ThreadPool pool("test", 1);
  auto owned = std::make_shared<AsyncQueue>(pool);
  AsyncQueue& queue = *owned;
  queue.RunOrPost([owned = std::move(owned)](const AsyncQueue::Finish& finish) mutable {
    owned.reset();
    finish();
  });
}

}  // namespace
}  // namespace proctor::env
