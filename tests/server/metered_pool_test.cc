#include "server/metered_pool.h"

#include <future>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace proctor::server {
namespace {

TEST(MeteredPoolTest, TellsWhatRunsAndWhatWaits) {
  MeteredPool pool("test", 1);
  std::promise<void> begun;
  std::promise<void> end;
  std::promise<void> last;
  pool.Post([&] {
    begun.set_value();
    end.get_future().wait();
  });
  pool.Post([&] { last.set_value(); });
  begun.get_future().wait();
  const PoolUsage during = pool.Usage();
  EXPECT_EQ(during.name, "test");
  EXPECT_EQ(during.threads, 1);
  EXPECT_EQ(during.running, 1);
  EXPECT_EQ(during.queued, 1);
  EXPECT_EQ(during.finished, 0);
  // What runs counts as busy while it runs.
  while (pool.Usage().busy <= during.busy) {
  }
  end.set_value();
  last.get_future().wait();
  while (pool.Usage().finished < 2) {
  }
  const PoolUsage after = pool.Usage();
  EXPECT_EQ(after.running, 0);
  EXPECT_EQ(after.queued, 0);
  EXPECT_GT(after.busy, absl::ZeroDuration());
  EXPECT_EQ(pool.Usage().busy, after.busy);
}

TEST(MeteredPoolTest, RunsWhatWasPostedBeforeItDies) {
  int ran = 0;
  {
    MeteredPool pool("test", 1);
    for (int i = 0; i < 100; ++i) pool.Post([&ran] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

}  // namespace
}  // namespace proctor::server
