#include "common/proto_time.h"

#include "common/retry_hint.h"
#include "common/status.h"
#include "gtest/gtest.h"

namespace proctor {
namespace {

TEST(ProtoTimeTest, RoundTripsTimesBeforeAndAfter1970) {
  for (const double seconds : {-1.25, 0.0, 1.5, 1790000000.25}) {
    const absl::Time time = absl::UnixEpoch() + absl::Seconds(seconds);
    EXPECT_EQ(FromProto(ToProto(time)), time);
    EXPECT_GE(ToProto(time).nanos(), 0);
    EXPECT_EQ(FromProto(ToProto(absl::Seconds(seconds))), absl::Seconds(seconds));
  }
}

TEST(ProtoTimeTest, CutsInfiniteValues) {
  EXPECT_EQ(ToProto(absl::InfiniteFuture()).seconds(), 253402300799);
  EXPECT_EQ(ToProto(-absl::InfiniteDuration()).seconds(), -315576000000);
}

TEST(RetryHintTest, SurvivesAnnotation) {
  const absl::Status status =
      Annotate(WithRetryHint(absl::ResourceExhaustedError("full"), absl::Seconds(2)), "session");
  EXPECT_EQ(RetryHint(status), absl::Seconds(2));
  EXPECT_EQ(RetryHint(absl::UnavailableError("x")), std::nullopt);
}

}  // namespace
}  // namespace proctor
