#include "server/byte_budget.h"

#include <memory>
#include <string>

#include "common/retry_hint.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace proctor::server {
namespace {

using ::testing::HasSubstr;

TEST(ByteBudgetTest, SharesGiveBackWhatTheyHeld) {
  ByteBudget budget(100, "tests", "tests.bytes");
  auto first = std::make_unique<ByteBudget::Share>(budget);
  ByteBudget::Share second(budget);
  EXPECT_TRUE(first->Add(40).ok());
  EXPECT_TRUE(first->Add(20).ok());
  EXPECT_TRUE(second.Add(40).ok());
  EXPECT_EQ(budget.held(), 100);
  second.Remove(10);
  EXPECT_EQ(budget.held(), 90);
  EXPECT_TRUE(second.Add(10).ok());
  first.reset();
  EXPECT_EQ(budget.held(), 40);
  second.Clear();
  EXPECT_EQ(budget.held(), 0);
  EXPECT_TRUE(second.Add(100).ok());
}

TEST(ByteBudgetTest, WhatDoesNotFitNowMayBeTriedAgain) {
  ByteBudget budget(100, "tests", "tests.bytes");
  ByteBudget::Share first(budget), second(budget);
  ASSERT_TRUE(first.Add(60).ok());
  ASSERT_TRUE(second.Add(30).ok());
  const absl::Status refused = second.Add(20);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(RetryHint(refused).has_value());
  // It keeps what it had.
  EXPECT_EQ(budget.held(), 90);
  first.Clear();
  EXPECT_TRUE(second.Add(20).ok());
}

TEST(ByteBudgetTest, WhatNeverFitsIsNotWorthTryingAgain) {
  ByteBudget budget(100, "tests", "tests.bytes");
  ByteBudget::Share share(budget);
  ASSERT_TRUE(share.Add(60).ok());
  const absl::Status refused = share.Add(60);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("for tests (tests.bytes)"));
  EXPECT_FALSE(RetryHint(refused).has_value());
}

}  // namespace
}  // namespace proctor::server
