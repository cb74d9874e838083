#include "model/wait.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/model/simulated_timers.h"

namespace proctor::model {
namespace {

class WaitTest : public testing::Test {
 protected:
  std::function<void(absl::Status)> Note() {
    return [this](const absl::Status& status) { ends_.push_back(status.code()); };
  }
  SimulatedClock clock_;
  SimulatedTimers timers_{clock_};
  std::vector<absl::StatusCode> ends_;
};

TEST_F(WaitTest, EndsOnceByTheEvent) {
  const auto wait = Wait::Start(CallContext(), timers_, Note());
  EXPECT_FALSE(wait->ended());
  EXPECT_TRUE(wait->Finish());
  EXPECT_FALSE(wait->Finish());
  EXPECT_EQ(ends_, std::vector{absl::StatusCode::kOk});
}

TEST_F(WaitTest, EndsByCancellationAndForgetsItsTimer) {
  const auto cancel = std::make_shared<CancelToken>();
  const auto wait = Wait::Start(CallContext(absl::Now() + absl::Hours(1), cancel), timers_, Note());
  EXPECT_EQ(timers_.pending(), 1u);
  cancel->Cancel();
  EXPECT_EQ(ends_, std::vector{absl::StatusCode::kCancelled});
  EXPECT_FALSE(wait->Finish());
  EXPECT_EQ(timers_.pending(), 0u);
}

TEST_F(WaitTest, EndsAtOnceIfItWasCancelledBefore) {
  const auto cancel = std::make_shared<CancelToken>();
  cancel->Cancel();
  const auto wait = Wait::Start(CallContext(absl::Now() + absl::Hours(1), cancel), timers_, Note());
  EXPECT_TRUE(wait->ended());
  EXPECT_EQ(timers_.pending(), 0u);
}

TEST_F(WaitTest, EndsByTheDeadline) {
  Wait::Start(CallContext::WithTimeout(absl::Hours(1)), timers_, Note());
  timers_.Advance(absl::Hours(1));
  EXPECT_EQ(ends_, std::vector{absl::StatusCode::kDeadlineExceeded});
}

TEST_F(WaitTest, EndsByPatienceOrByTheDeadlineBefore) {
  Wait::Start(CallContext(), timers_, absl::Seconds(5), Note());
  timers_.Advance(absl::Seconds(4));
  EXPECT_TRUE(ends_.empty());
  timers_.Advance(absl::Seconds(1));
  Wait::Start(CallContext::WithTimeout(absl::Seconds(1)), timers_, absl::Seconds(5), Note());
  timers_.Advance(absl::Seconds(2));
  EXPECT_EQ(ends_, (std::vector{absl::StatusCode::kResourceExhausted, absl::StatusCode::kDeadlineExceeded}));
  const auto endless = Wait::Start(CallContext(), timers_, absl::InfiniteDuration(), Note());
  EXPECT_EQ(timers_.pending(), 0u);
  EXPECT_TRUE(endless->Finish());
}

TEST_F(WaitTest, SleepEndsWellOrByTheDeadlineBefore) {
  Wait::Sleep(CallContext(), timers_, absl::Seconds(5), Note());
  timers_.Advance(absl::Seconds(5));
  Wait::Sleep(CallContext::WithTimeout(absl::Seconds(1)), timers_, absl::Seconds(5), Note());
  timers_.Advance(absl::Seconds(2));
  EXPECT_EQ(ends_, (std::vector{absl::StatusCode::kOk, absl::StatusCode::kDeadlineExceeded}));
}

TEST_F(WaitTest, EndsOnceHoweverManyThreadsEndIt) {
  for (int round = 0; round < 200; ++round) {
    ends_.clear();
    const auto cancel = std::make_shared<CancelToken>();
    const auto wait = Wait::Start(CallContext(absl::InfiniteFuture(), cancel), timers_, Note());
    std::thread canceller([&] { cancel->Cancel(); });
    wait->Finish();
    canceller.join();
    EXPECT_EQ(ends_.size(), 1u);
  }
}

}  // namespace
}  // namespace proctor::model
