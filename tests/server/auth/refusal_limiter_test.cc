#include "server/auth/refusal_limiter.h"

#include <gtest/gtest.h>

namespace proctor::server {
namespace {

class RefusalLimiterTest : public ::testing::Test {
 protected:
  // How many of so many have a line.
  int Refuse(int count, std::string_view caller = "") {
    int lines = 0;
    for (int i = 0; i < count; ++i) lines += limiter_.Admit(caller, caller.empty() ? "" : "lab", now_);
    return lines;
  }

  RefusalLimiter limiter_;
  absl::Time now_ = absl::UnixEpoch();
};

TEST_F(RefusalLimiterTest, AFewAllHaveALine) {
  EXPECT_EQ(Refuse(100), 100);
  EXPECT_FALSE(limiter_.pending());
  EXPECT_TRUE(limiter_.Take(now_, /*everything=*/true).empty());
}

TEST_F(RefusalLimiterTest, OfAFloodFewHaveALineAndTheOthersANumber) {
  Refuse(100);
  int lines = 0;
  int numbers = 0;
  int64_t left_out = 0;
  for (int tenth = 0; tenth < 600; ++tenth) {
    lines += Refuse(50);
    for (const auto& one : limiter_.Take(now_, /*everything=*/false)) {
      ++numbers;
      left_out += one.refusals;
    }
    now_ += absl::Milliseconds(100);
  }
  for (const auto& one : limiter_.Take(now_, /*everything=*/true)) left_out += one.refusals;
  EXPECT_GE(lines, 5);
  EXPECT_LE(lines, 6);
  EXPECT_GE(numbers, 5);
  EXPECT_LE(numbers, 6);
  EXPECT_EQ(lines + left_out, 30'000);
  EXPECT_FALSE(limiter_.pending());
}

TEST_F(RefusalLimiterTest, StrangersTakeNoLineFromAKnownCaller) {
  Refuse(1000);
  EXPECT_EQ(Refuse(3, "alpha"), 3);
  EXPECT_EQ(Refuse(100, "alpha"), 97);
  const auto left_out = limiter_.Take(now_, /*everything=*/true);
  ASSERT_EQ(left_out.size(), 2u);
  EXPECT_EQ(left_out[0].caller, "");
  EXPECT_EQ(left_out[0].refusals, 900);
  EXPECT_EQ(left_out[1].caller, "alpha");
  EXPECT_EQ(left_out[1].tenant, "lab");
  EXPECT_EQ(left_out[1].refusals, 3);
}

TEST_F(RefusalLimiterTest, AClockThatIsSetBackDelaysNothing) {
  Refuse(200);
  now_ -= absl::Hours(5);
  EXPECT_EQ(limiter_.Take(now_, /*everything=*/false).size(), 1u);
  EXPECT_EQ(Refuse(1), 0);
  now_ += absl::Seconds(25);
  EXPECT_EQ(Refuse(3), 2);
}

}  // namespace
}  // namespace proctor::server
