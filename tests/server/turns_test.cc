#include "server/rpc/turns.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace proctor::server {
namespace {

TEST(TurnsTest, KeepsOrderWithoutOverlap) {
  std::vector<int> order;  // Unguarded on purpose: the turns are the guard.
  {
    ThreadPool pool("test", 4);
    Turns turns(pool);
    for (int i = 0; i < 1000; ++i) turns.Post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[i], i);
}

TEST(TurnsTest, RunsAtOnceWhatFindsNothingRunning) {
  ThreadPool pool("test", 2);
  Turns turns(pool);
  std::thread::id ran_on;
  turns.RunOrPost([&ran_on] { ran_on = std::this_thread::get_id(); });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(TurnsTest, PostNeverRunsWithinTheCall) {
  std::thread::id ran_on;
  {
    ThreadPool pool("test", 2);
    Turns turns(pool);
    turns.Post([&ran_on] { ran_on = std::this_thread::get_id(); });
  }
  EXPECT_NE(ran_on, std::thread::id());
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(TurnsTest, WhatWouldRunAtOnceWaitsForItsTurn) {
  std::vector<int> order;  // Unguarded on purpose: the turns are the guard.
  {
    ThreadPool pool("test", 4);
    Turns turns(pool);
    turns.RunOrPost([&] {
      turns.Post([&order] { order.push_back(1); });
      turns.RunOrPost([&order] { order.push_back(2); });
      order.push_back(0);
    });
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(TurnsTest, TasksOfManyThreadsNeverOverlap) {
  int count = 0;  // Unguarded on purpose: the turns are the guard.
  {
    ThreadPool pool("test", 4);
    Turns turns(pool);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&turns, &count, i] {
        for (int n = 0; n < 1000; ++n) {
          if (i % 2 == 0) {
            turns.RunOrPost([&count] { ++count; });
          } else {
            turns.Post([&count] { ++count; });
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(count, 4000);
}

}  // namespace
}  // namespace proctor::server
