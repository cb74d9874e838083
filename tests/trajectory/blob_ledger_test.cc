#include "trajectory/blob_ledger.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proctor::trajectory {
namespace {

TEST(BlobLedgerTest, WhatIsKeptLooseIsForgottenWhenItsTimeIsOver) {
  BlobLedger ledger;
  const absl::Time begin = absl::UnixEpoch();
  // A blob a second, each kept for 100 s.
  for (int i = 0; i < 100'000; ++i) {
    const absl::Time now = begin + absl::Seconds(i);
    ledger.KeepUntil(absl::StrCat("digest", i), now, now + absl::Seconds(100));
    ASSERT_LE(ledger.kept(), 1024u);
  }
  const absl::Time end = begin + absl::Seconds(100'000);
  EXPECT_FALSE(ledger.BeginCollect("digest99999", end));
  EXPECT_TRUE(ledger.BeginCollect("digest99000", end));
  ledger.EndCollect("digest99000");
  EXPECT_TRUE(ledger.BeginCollect("digest99999", end + absl::Seconds(100)));
  ledger.EndCollect("digest99999");
}

TEST(BlobLedgerTest, ALongerTimeIsNotShortened) {
  BlobLedger ledger;
  const absl::Time now = absl::UnixEpoch();
  ledger.KeepUntil("a", now, now + absl::Seconds(100));
  ledger.KeepUntil("a", now, now + absl::Seconds(10));
  EXPECT_FALSE(ledger.BeginCollect("a", now + absl::Seconds(50)));
  EXPECT_TRUE(ledger.BeginCollect("a", now + absl::Seconds(100)));
  ledger.EndCollect("a");
}

}  // namespace
}  // namespace proctor::trajectory
