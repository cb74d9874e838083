#include "model/rate_limit.h"

#include <gtest/gtest.h>

#include <vector>

namespace proctor::model {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

TEST(RateLimitTest, HoldsTheNumberUnderWay) {
  RateLimit limit({.max_in_flight = 2});
  uint64_t first = 0, second = 0, third = 0;
  EXPECT_EQ(limit.TryBegin(kStart, 1, first), absl::ZeroDuration());
  EXPECT_EQ(limit.TryBegin(kStart, 1, second), absl::ZeroDuration());
  EXPECT_EQ(limit.TryBegin(kStart, 1, third), absl::InfiniteDuration());
  limit.End(first, -1);
  EXPECT_EQ(limit.TryBegin(kStart, 1, third), absl::ZeroDuration());
}

TEST(RateLimitTest, NoWindowOfAMinuteHasMoreRequestsThanAllowed) {
  RateLimit limit({.max_in_flight = 1000, .requests_per_minute = 3});
  std::vector<absl::Time> begun;
  for (absl::Time now = kStart; begun.size() < 20;) {
    uint64_t ticket = 0;
    const absl::Duration wait = limit.TryBegin(now, 1, ticket);
    if (wait == absl::ZeroDuration()) {
      begun.push_back(now);
      now += absl::Seconds(1);
    } else {
      now += wait;
    }
  }
  for (size_t i = 3; i < begun.size(); ++i) EXPECT_GE(begun[i] - begun[i - 3], absl::Minutes(1));
  EXPECT_LT(begun.back() - begun.front(), absl::Minutes(7));  // And no slower than needed.
}

TEST(RateLimitTest, TokensAreEstimatedThenCountedAsReported) {
  RateLimit limit({.max_in_flight = 10, .tokens_per_minute = 100});
  uint64_t first = 0, second = 0;
  EXPECT_EQ(limit.TryBegin(kStart, 80, first), absl::ZeroDuration());
  EXPECT_EQ(limit.TryBegin(kStart + absl::Seconds(10), 40, second), absl::Seconds(50));
  limit.End(first, 30);
  EXPECT_EQ(limit.TryBegin(kStart + absl::Seconds(10), 40, second), absl::ZeroDuration());
  limit.End(second, -1);  // Nobody knows: 40.
  EXPECT_EQ(limit.TryBegin(kStart + absl::Seconds(20), 40, first), absl::Seconds(40));
}

TEST(RateLimitTest, RequestLargerThanTheLimitGoesAlone) {
  RateLimit limit({.max_in_flight = 10, .tokens_per_minute = 100});
  uint64_t ticket = 0;
  EXPECT_EQ(limit.TryBegin(kStart, 10, ticket), absl::ZeroDuration());
  EXPECT_EQ(limit.TryBegin(kStart, 500, ticket), absl::Minutes(1));
  EXPECT_EQ(limit.TryBegin(kStart + absl::Minutes(1), 500, ticket), absl::ZeroDuration());
}

TEST(RateLimitTest, PauseHoldsEverythingAndIsNeverShortened) {
  RateLimit limit({.max_in_flight = 10});
  limit.Pause(kStart, absl::Seconds(5));
  limit.Pause(kStart, absl::Seconds(2));
  uint64_t ticket = 0;
  EXPECT_EQ(limit.TryBegin(kStart, 1, ticket), absl::Seconds(5));
  EXPECT_EQ(limit.TryBegin(kStart + absl::Seconds(5), 1, ticket), absl::ZeroDuration());
}

TEST(RateLimitTest, AClockThatIsSetBackHoldsForOneMinuteMore) {
  RateLimit limit({.max_in_flight = 10, .requests_per_minute = 2, .tokens_per_minute = 100});
  const absl::Time back = kStart - absl::Hours(1);
  uint64_t first = 0, second = 0, third = 0;
  EXPECT_EQ(limit.TryBegin(kStart, 10, first), absl::ZeroDuration());
  EXPECT_EQ(limit.TryBegin(kStart + absl::Seconds(10), 10, second), absl::ZeroDuration());
  EXPECT_EQ(limit.TryBegin(back, 10, third), absl::Minutes(1));
  EXPECT_EQ(limit.TryBegin(back + absl::Minutes(1), 10, third), absl::ZeroDuration());
  // Tickets are still those of their requests: of the minute's 100 tokens 95 are taken by the third.
  limit.End(first, 50);
  limit.End(third, 95);
  EXPECT_EQ(limit.TryBegin(back + absl::Seconds(70), 10, first), absl::Seconds(50));
}

TEST(RateLimitTest, AClockThatIsSetBackHoldsForThePauseOnceMore) {
  RateLimit limit({.max_in_flight = 10});
  const absl::Time back = kStart - absl::Hours(1);
  limit.Pause(kStart, absl::Seconds(5));
  uint64_t ticket = 0;
  EXPECT_EQ(limit.TryBegin(back, 1, ticket), absl::Seconds(5));
  limit.Pause(back + absl::Seconds(1), absl::Seconds(6));
  EXPECT_EQ(limit.TryBegin(back + absl::Seconds(6), 1, ticket), absl::Seconds(1));
  EXPECT_EQ(limit.TryBegin(back + absl::Seconds(7), 1, ticket), absl::ZeroDuration());
}

TEST(RateLimitTest, LateEndOfAForgottenRequestChangesNothing) {
  RateLimit limit({.max_in_flight = 1, .tokens_per_minute = 100});
  uint64_t first = 0, second = 0;
  EXPECT_EQ(limit.TryBegin(kStart, 100, first), absl::ZeroDuration());
  EXPECT_EQ(limit.TryBegin(kStart + absl::Minutes(2), 1, second), absl::InfiniteDuration());
  limit.End(first, 1000000);
  EXPECT_EQ(limit.TryBegin(kStart + absl::Minutes(2), 100, second), absl::ZeroDuration());
}

}  // namespace
}  // namespace proctor::model
