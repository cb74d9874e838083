#include "net/lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "hanging_resolver.h"

namespace proctor::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CallContext Soon() { return CallContext::WithTimeout(absl::Seconds(20)); }

TEST(LookupTest, FindsTheAddressesOfAHost) {
  EXPECT_THAT(Lookup(Soon(), "127.0.0.1").value(), ElementsAre("127.0.0.1"));
  EXPECT_THAT(Lookup(Soon(), "::1").value(), ElementsAre("::1"));
  EXPECT_THAT(Lookup(Soon(), "localhost").value(), testing::Contains(testing::AnyOf("127.0.0.1", "::1")));
}

TEST(LookupTest, AHostThatIsNotFoundIsUnavailable) {
  // Nobody makes it hang.
  const absl::Status status = Lookup(Soon(), kHangingName).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(kHangingName));
}

TEST(LookupTest, EndsAtDeadlineAndOnCancellationHoweverLongTheResolverTakes) {
  const HangingResolver hanging;
  EXPECT_EQ(Lookup(CallContext::WithTimeout(absl::Milliseconds(20)), kHangingName).status().code(), absl::StatusCode::kDeadlineExceeded);
  const CallContext context;
  std::thread canceller([&] {
    while (hanging.begun() < 2) std::this_thread::yield();
    context.cancel()->Cancel();
  });
  EXPECT_EQ(Lookup(context, kHangingName).status().code(), absl::StatusCode::kCancelled);
  canceller.join();
  EXPECT_TRUE(Lookup(CallContext(), "127.0.0.1").ok()) << "what is numeric waits for nobody";
}

}  // namespace
}  // namespace proctor::net
