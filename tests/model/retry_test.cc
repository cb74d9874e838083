#include "model/retry.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace proctor::model {
namespace {

// 2026-01-01T00:00:00Z.
const absl::Time kNow = absl::FromUnixSeconds(1767225600);

std::optional<absl::Duration> Asked(const Headers& headers, std::string_view body = "") {
  return AskedDelay(headers, body, kNow);
}

TEST(AskedDelayTest, ReadsRetryAfterInEveryForm) {
  EXPECT_EQ(Asked({{"retry-after", "3"}}), absl::Seconds(3));
  EXPECT_EQ(Asked({{"retry-after", "0.25"}}), absl::Milliseconds(250));
  EXPECT_EQ(Asked({{"retry-after", "Thu, 01 Jan 2026 00:01:30 GMT"}}), absl::Seconds(90));
  EXPECT_EQ(Asked({{"retry-after", "Wed, 31 Dec 2025 23:59:00 GMT"}}), absl::ZeroDuration());
  EXPECT_EQ(Asked({{"retry-after", "5"}, {"retry-after-ms", "120"}}), absl::Milliseconds(120));
  EXPECT_EQ(Asked({{"retry-after", "1"}, {"retry-after-ms", "0"}}), absl::Seconds(1));
}

TEST(AskedDelayTest, ReadsWhatBodiesSay) {
  EXPECT_EQ(Asked({}, R"({"error":{"message":"Rate limit. Please try again in 1.5s. Visit"}})"),
            absl::Milliseconds(1500));
  EXPECT_EQ(Asked({}, "Please try again in 6ms."), absl::Milliseconds(6));
  EXPECT_EQ(Asked({}, "Please try again in 1m12.3s."), absl::Seconds(72.3));
  EXPECT_EQ(Asked({}, "Please retry after 20 seconds."), absl::Seconds(20));
  EXPECT_EQ(Asked({}, "try again in 2 minutes"), absl::Minutes(2));
  EXPECT_EQ(
      Asked(
          {},
          R"({"error":{"code":429,"details":[{"@type":"x"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"48s"}]}})"),
      absl::Seconds(48));
  EXPECT_EQ(Asked({}, R"([{"error":{"details":[{"retryDelay":"0.5s"}]}}])"), absl::Milliseconds(500));
}

TEST(AskedDelayTest, ReadsTheResetOfALimitThatIsUsedUp) {
  EXPECT_EQ(Asked({{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "1m13.588s"}}),
            absl::Minutes(1) + absl::Milliseconds(13588));
  EXPECT_EQ(Asked({{"x-ratelimit-remaining-tokens", "0"},
                   {"x-ratelimit-reset-tokens", "12ms"},
                   {"x-ratelimit-remaining-requests", "5"},
                   {"x-ratelimit-reset-requests", "1h"}}),
            absl::Milliseconds(12));
  EXPECT_EQ(Asked({{"anthropic-ratelimit-tokens-remaining", "0"},
                   {"anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:07Z"}}),
            absl::Seconds(7));
}

TEST(AskedDelayTest, SaysNothingWhereNothingIsSaid) {
  EXPECT_EQ(Asked({}), std::nullopt);
  EXPECT_EQ(Asked({{"retry-after", "soon"}, {"x-ratelimit-reset-requests", "1s"}}, "{\"error\":7}"), std::nullopt);
  EXPECT_EQ(Asked({{"retry-after", "nan"}}), std::nullopt);
  EXPECT_EQ(Asked({}, "Please adjust your input and try again."), std::nullopt);
  EXPECT_EQ(Asked({}, std::string(100000, '[')), std::nullopt);
}

TEST(AskedDelayTest, IsNeverNegativeNorForEver) {
  EXPECT_EQ(Asked({{"retry-after", "-5"}}), absl::ZeroDuration());
  EXPECT_EQ(Asked({{"retry-after", "1e300"}}), absl::Hours(24));
  EXPECT_EQ(Asked({}, "try again in 99999999999999999999999 hours"), absl::Hours(24));
}

TEST(BackOffTest, DoublesToItsLimitWithJitterInTheUpperHalf) {
  EXPECT_EQ(BackOff(1, 1), absl::Milliseconds(500));
  EXPECT_EQ(BackOff(1, 0), absl::Milliseconds(250));
  EXPECT_EQ(BackOff(3, 1), absl::Seconds(2));
  EXPECT_EQ(BackOff(1000, 1), absl::Seconds(30));
}

}  // namespace
}  // namespace proctor::model
