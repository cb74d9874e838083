#include "model/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/model/simulated_timers.h"

namespace proctor::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class GateTest : public testing::Test {
 protected:
  void Open(RateLimit::Options limit, CircuitBreaker::Options breaker = {}) {
    gate_ = std::make_unique<Gate>(limit, breaker, clock_, timers_);
  }
  void Enter(const std::string& name, const CallContext& context = CallContext(), int64_t tokens = 1,
             absl::Duration patience = absl::InfiniteDuration()) {
    gate_->Enter(context, tokens, patience, [this, name](const absl::StatusOr<uint64_t>& ticket) {
      if (ticket.ok()) tickets_[name] = *ticket;
      log_.push_back(ticket.ok() ? name : absl::StrCat(name, ":", absl::StatusCodeToString(ticket.status().code())));
    });
  }
  void Leave(const std::string& name, Gate::Outcome outcome = Gate::Outcome::kServed, int64_t tokens = -1) {
    gate_->Leave(tickets_.at(name), tokens, outcome);
  }

  SimulatedClock clock_;
  SimulatedTimers timers_{clock_};
  std::vector<std::string> log_;
  std::map<std::string, uint64_t> tickets_;
  std::unique_ptr<Gate> gate_;
};

TEST_F(GateTest, LetsInInOrderAsOthersLeave) {
  Open({.max_in_flight = 1});
  Enter("a");
  Enter("b");
  Enter("c");
  EXPECT_THAT(log_, ElementsAre("a"));
  Leave("a");
  EXPECT_THAT(log_, ElementsAre("a", "b"));
  Leave("b");
  EXPECT_THAT(log_, ElementsAre("a", "b", "c"));
}

TEST_F(GateTest, LetsInWhenTheMinuteAllowsIt) {
  Open({.max_in_flight = 10, .requests_per_minute = 2});
  for (const char* name : {"a", "b", "c", "d", "e"}) Enter(name);
  EXPECT_THAT(log_, ElementsAre("a", "b"));
  timers_.Advance(absl::Seconds(59));
  EXPECT_THAT(log_, ElementsAre("a", "b"));
  timers_.Advance(absl::Seconds(1));
  EXPECT_THAT(log_, ElementsAre("a", "b", "c", "d"));
  timers_.Advance(absl::Minutes(1));
  EXPECT_THAT(log_, ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(GateTest, FewerTokensThanEstimatedLetTheNextOneInEarlier) {
  Open({.max_in_flight = 10, .tokens_per_minute = 100});
  Enter("a", CallContext(), 90);
  Enter("b", CallContext(), 50);
  EXPECT_THAT(log_, ElementsAre("a"));
  Leave("a", Gate::Outcome::kServed, 20);
  EXPECT_THAT(log_, ElementsAre("a", "b"));
}

TEST_F(GateTest, CancelledWaiterLeavesTheQueueToOthers) {
  Open({.max_in_flight = 1});
  const auto cancel = std::make_shared<CancelToken>();
  Enter("a");
  Enter("b", CallContext(absl::InfiniteFuture(), cancel));
  Enter("c");
  cancel->Cancel();
  EXPECT_THAT(log_, ElementsAre("a", "b:CANCELLED"));
  Leave("a");
  EXPECT_THAT(log_, ElementsAre("a", "b:CANCELLED", "c"));
}

TEST_F(GateTest, DeadlineEndsTheWait) {
  Open({.max_in_flight = 1});
  Enter("a");
  Enter("b", CallContext::WithTimeout(absl::Hours(1)));
  timers_.Advance(absl::Hours(1));
  EXPECT_THAT(log_, ElementsAre("a", "b:DEADLINE_EXCEEDED"));
}

TEST_F(GateTest, PauseHoldsAllUntilItsEnd) {
  Open({.max_in_flight = 10});
  gate_->Pause(absl::Seconds(7));
  Enter("a");
  EXPECT_THAT(log_, IsEmpty());
  timers_.Advance(absl::Seconds(7));
  EXPECT_THAT(log_, ElementsAre("a"));
}

TEST_F(GateTest, WaitBeyondPatienceOrDeadlineIsNotBegun) {
  Open({.max_in_flight = 10});
  gate_->Pause(absl::Seconds(7));
  Enter("hasty", CallContext(), 1, absl::Seconds(2));
  Enter("late", CallContext::WithTimeout(absl::Seconds(5)));
  Enter("patient", CallContext(), 1, absl::Seconds(8));
  EXPECT_THAT(log_, ElementsAre("hasty:RESOURCE_EXHAUSTED", "late:RESOURCE_EXHAUSTED"));
  timers_.Advance(absl::Seconds(7));
  EXPECT_EQ(log_.back(), "patient");
}

TEST_F(GateTest, PatienceEndsTheWaitForAPlace) {
  Open({.max_in_flight = 1});
  Enter("a");
  Enter("patient");
  Enter("hasty", CallContext(), 1, absl::Hours(2));
  Enter("late", CallContext::WithTimeout(absl::Hours(1)), 1, absl::Hours(2));
  timers_.Advance(absl::Minutes(30));
  EXPECT_THAT(log_, ElementsAre("a"));
  timers_.Advance(absl::Minutes(90));
  EXPECT_THAT(log_, ElementsAre("a", "late:DEADLINE_EXCEEDED", "hasty:RESOURCE_EXHAUSTED"));
  Leave("a");
  Leave("patient");
  Enter("b");
  EXPECT_THAT(log_, ElementsAre("a", "late:DEADLINE_EXCEEDED", "hasty:RESOURCE_EXHAUSTED", "patient", "b"));
}

TEST_F(GateTest, AClockThatIsSetBackLengthensNoPause) {
  Open({.max_in_flight = 10});
  gate_->Pause(absl::Seconds(7));
  clock_.Advance(-absl::Hours(1));
  Enter("a");
  EXPECT_THAT(log_, IsEmpty());
  timers_.Advance(absl::Seconds(7));
  EXPECT_THAT(log_, ElementsAre("a"));
}

TEST_F(GateTest, OpenBreakerRefusesThoseWhoWaitAndThoseWhoCome) {
  Open({.max_in_flight = 1}, {.failures = 1, .cool_down = absl::Seconds(30)});
  Enter("a");
  Enter("b");
  Leave("a", Gate::Outcome::kFailed);
  Enter("c");
  EXPECT_THAT(log_, ElementsAre("a", "b:UNAVAILABLE", "c:UNAVAILABLE"));
  timers_.Advance(absl::Seconds(30));
  Enter("d");
  Enter("e");  // Refused while d is the trial.
  EXPECT_THAT(log_, ElementsAre("a", "b:UNAVAILABLE", "c:UNAVAILABLE", "d", "e:UNAVAILABLE"));
  Leave("d");
  Enter("f");
  EXPECT_EQ(log_.back(), "f");
}

}  // namespace
}  // namespace proctor::model
