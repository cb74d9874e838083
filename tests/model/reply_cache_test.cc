#include "model/reply_cache.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "model/tables.h"
#include "storage/memory_database.h"

namespace proctor::model {
namespace {

class ReplyCacheTest : public testing::Test {
 protected:
  ReplyCacheTest() : database_(*storage::NewMemoryDatabase()) { MigrateTables(*database_).IgnoreError(); }
  void Put(ReplyCache& cache, const std::string& key, const std::string& raw) {
    v1::ModelCall call;
    call.set_raw_reply(raw);
    const absl::Status status = database_->Write(
        CallContext(), [&](storage::Transaction& transaction) { return cache.Put(transaction, key, call); });
    EXPECT_TRUE(status.ok()) << status;
  }
  // What is stored, or "none".
  std::string Find(ReplyCache& cache, const std::string& key) {
    const auto found = cache.Find(CallContext(), key);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && found->has_value() ? (*found)->raw_reply() : "none";
  }

  SimulatedClock clock_;
  std::unique_ptr<storage::Database> database_;
};

TEST_F(ReplyCacheTest, GivesBackWhatWasPutLast) {
  ReplyCache cache({}, *database_, clock_);
  EXPECT_EQ(Find(cache, "k"), "none");
  Put(cache, "k", std::string("a\0\xFF", 3));
  EXPECT_EQ(Find(cache, "k"), std::string("a\0\xFF", 3));
  Put(cache, "k", "b");
  EXPECT_EQ(Find(cache, "k"), "b");
  ReplyCache after_restart({}, *database_, clock_);
  EXPECT_EQ(Find(after_restart, "k"), "b");
}

TEST_F(ReplyCacheTest, OldRepliesAreNotUsedAndGo) {
  ReplyCache cache({.max_age = absl::Hours(1), .max_bytes = 1000}, *database_, clock_);
  Put(cache, "old", "x");
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(Find(cache, "old"), "none");
  Put(cache, "new", std::string(100, 'y'));
  ReplyCache patient({.max_age = absl::Hours(100), .max_bytes = 1000}, *database_, clock_);
  EXPECT_EQ(Find(patient, "old"), "none");
}

TEST_F(ReplyCacheTest, OldestGoFirstWhereTheyBecomeTooLarge) {
  ReplyCache cache({.max_age = absl::Hours(1), .max_bytes = 1000}, *database_, clock_);
  for (int i = 0; i < 5; ++i) {
    Put(cache, absl::StrCat(i), std::string(300, 'x'));
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(Find(cache, "0"), "none");
  EXPECT_EQ(Find(cache, "1"), "none");
  EXPECT_NE(Find(cache, "2"), "none");
  EXPECT_NE(Find(cache, "4"), "none");
}

TEST_F(ReplyCacheTest, CorruptReplyIsDataLoss) {
  ReplyCache cache({}, *database_, clock_);
  ASSERT_TRUE(
      database_
          ->Write(CallContext(),
                  [&](storage::Transaction& transaction) {
                    return transaction
                        .Execute("INSERT INTO model_replies (cache_key, created, size, body) VALUES ('k', $1, 3, $2)",
                                 {absl::ToUnixMicros(clock_.Now()), storage::Bytes{"\xFF\xFF\xFF"}})
                        .status();
                  })
          .ok());
  EXPECT_EQ(cache.Find(CallContext(), "k").status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace proctor::model
