#include "storage/sqlite_backup.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "storage/sqlite_database.h"
#include "tests/storage/temp_directory.h"

namespace proctor::storage {
namespace {

class SqliteBackupTest : public testing::Test {
 protected:
  SqliteBackupTest() {
    database_ = Open("data");
    std::filesystem::create_directory(directory_ / "copy");
  }
  std::unique_ptr<Database> Open(const std::string& folder) {
    auto database = OpenSqliteDatabase({.directory = directory_ / folder, .durability = Durability::kProcess});
    EXPECT_TRUE(database.ok()) << database.status();
    EXPECT_TRUE((*database)->Migrate("test", {"CREATE TABLE test_items (pair BIGINT NOT NULL, data BYTEA)"}).ok());
    return *std::move(database);
  }
  // Two rows in one transaction.
  absl::Status InsertPair(size_t bytes) {
    return database_->Write(CallContext(), [&](Transaction& transaction) -> absl::Status {
      absl::Status status;
      for (int i = 0; i < 2 && status.ok(); ++i) {
        status = transaction.Execute("INSERT INTO test_items (pair, data) VALUES ($1, $2)", {int64_t{pairs_}, Bytes{std::string(bytes, 'x')}})
                     .status();
      }
      ++pairs_;
      return status;
    });
  }
  absl::Status Copy(const CallContext& context) { return BackupSqliteDatabase(context, directory_ / "data", directory_ / "copy"); }

  TempDirectory directory_;
  std::unique_ptr<Database> database_;
  std::atomic<int> pairs_ = 0;
};

TEST_F(SqliteBackupTest, CopiesOneMomentThoughAnotherWritesAllTheTime) {
  // More than is copied between two looks at the context.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(InsertPair(1 << 20).ok());
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) EXPECT_TRUE(InsertPair(10).ok());
  });
  while (pairs_ < 25) std::this_thread::yield();
  const absl::Status copied = Copy(CallContext());
  stop = true;
  writer.join();
  ASSERT_TRUE(copied.ok()) << copied;
  EXPECT_TRUE(CheckSqliteDatabase(CallContext(), directory_ / "copy")->empty());
  const absl::Status read = Open("copy")->Read(CallContext(), [&](Transaction& transaction) -> absl::Status {
    const auto rows = transaction.Query("SELECT COUNT(*), COUNT(DISTINCT pair), MAX(pair) FROM test_items", {});
    if (!rows.ok()) return rows.status();
    EXPECT_GE((*rows)[0].Int(1), 25);
    EXPECT_EQ((*rows)[0].Int(0), 2 * (*rows)[0].Int(1));
    EXPECT_EQ((*rows)[0].Int(1), (*rows)[0].Int(2) + 1);
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
}

TEST_F(SqliteBackupTest, EndsWhenItIsCancelled) {
  ASSERT_TRUE(InsertPair(10).ok());
  const CallContext context;
  context.cancel()->Cancel();
  EXPECT_EQ(Copy(context).code(), absl::StatusCode::kCancelled);
  std::filesystem::remove(directory_ / "copy/proctor.db");
  EXPECT_TRUE(Copy(CallContext()).ok());
  EXPECT_EQ(Copy(CallContext()).code(), absl::StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace proctor::storage
