#include "model/circuit_breaker.h"

#include <gtest/gtest.h>

namespace proctor::model {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

CircuitBreaker Opened() {
  CircuitBreaker breaker({.failures = 2, .cool_down = absl::Seconds(10)});
  breaker.Fail(kStart);
  breaker.Fail(kStart);
  return breaker;
}

TEST(CircuitBreakerTest, OpensAfterFailuresInARowOnly) {
  CircuitBreaker breaker({.failures = 2, .cool_down = absl::Seconds(10)});
  breaker.Fail(kStart);
  breaker.Succeed();
  breaker.Fail(kStart);
  EXPECT_TRUE(breaker.Passes(kStart));
  breaker.Fail(kStart);
  EXPECT_FALSE(breaker.Passes(kStart + absl::Seconds(9)));
}

TEST(CircuitBreakerTest, LetsOneThroughAfterItsTime) {
  CircuitBreaker breaker = Opened();
  const absl::Time later = kStart + absl::Seconds(10);
  EXPECT_TRUE(breaker.Passes(later));
  breaker.Begin(later);
  EXPECT_FALSE(breaker.Passes(later));
  breaker.Succeed();
  EXPECT_TRUE(breaker.Passes(later));
}

TEST(CircuitBreakerTest, FailureOfThatOneOpensItAgain) {
  CircuitBreaker breaker = Opened();
  const absl::Time later = kStart + absl::Seconds(10);
  breaker.Begin(later);
  breaker.Fail(later);
  EXPECT_FALSE(breaker.Passes(later + absl::Seconds(9)));
  EXPECT_TRUE(breaker.Passes(later + absl::Seconds(10)));
}

TEST(CircuitBreakerTest, AClockThatIsSetBackLetsOneThrough) {
  CircuitBreaker breaker = Opened();
  const absl::Time back = kStart - absl::Hours(1);
  EXPECT_TRUE(breaker.Passes(back));
  breaker.Begin(back);
  EXPECT_FALSE(breaker.Passes(back));
  breaker.Fail(back);
  EXPECT_FALSE(breaker.Passes(back + absl::Seconds(9)));
  EXPECT_TRUE(breaker.Passes(back + absl::Seconds(10)));
}

TEST(CircuitBreakerTest, CancelledTrialLetsAnotherOneThrough) {
  CircuitBreaker breaker = Opened();
  const absl::Time later = kStart + absl::Seconds(10);
  breaker.Begin(later);
  breaker.Ignore();
  EXPECT_TRUE(breaker.Passes(later));
}

}  // namespace
}  // namespace proctor::model
