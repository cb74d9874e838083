#include "server/idle_thread.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace proctor::server {
namespace {

bool StandsBack() { return sched_getscheduler(0) == SCHED_IDLE || getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())) == 19; }

TEST(IdleThreadTest, StandsBackAndItsCallerDoesNot) {
  IdleThread thread("test");
  bool stood_back = false;
  std::thread::id ran_on;
  thread.Run([&] {
    stood_back = StandsBack();
    ran_on = std::this_thread::get_id();
  });
  EXPECT_TRUE(stood_back);
  EXPECT_NE(ran_on, std::this_thread::get_id());
  EXPECT_FALSE(StandsBack());
}

TEST(IdleThreadTest, RunsOneTaskAtATimeToItsEnd) {
  IdleThread thread("test");
  constexpr int kCallers = 8;
  int running = 0;
  int most = 0;
  int done = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] {
      thread.Run([&] {
        most = std::max(most, ++running);
        std::this_thread::yield();
        --running;
        ++done;
      });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(done, kCallers);
}

TEST(IdleThreadTest, HurriesWhereThatIsAllowed) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NICE, &limit), 0);
  if (geteuid() != 0 && limit.rlim_cur < 20) GTEST_SKIP() << "needs root or a limit for nice of 20";
  for (const bool has_begun : {true, false}) {
    IdleThread thread("test");
    if (has_begun) thread.Run([] {});
    thread.Hurry();
    bool stands_back = true;
    thread.Run([&] { stands_back = StandsBack(); });
    EXPECT_FALSE(stands_back) << has_begun;
  }
}

}  // namespace
}  // namespace proctor::server
