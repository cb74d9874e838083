// What only the SQLite database does: locks its directory, reports full disks and corrupt files, shares commits.
#include "storage/sqlite_database.h"

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/fault_vfs.h"
#include "tests/storage/temp_directory.h"

namespace proctor::storage {
namespace {

using ::testing::HasSubstr;

constexpr char kCreate[] = "CREATE TABLE test_items (id BIGINT PRIMARY KEY, data BYTEA)";

absl::Status Insert(Database& database, int64_t id, size_t bytes = 10) {
  return database.Write(CallContext(), [&](Transaction& transaction) {
    return transaction
        .Execute("INSERT INTO test_items (id, data) VALUES ($1, $2)",
                 {id, Bytes{std::string(bytes, 'x')}})
        .status();
  });
}

int64_t Count(Database& database) {
  int64_t count = -1;
  const absl::Status status = database.Read(CallContext(), [&](Transaction& transaction) {
    auto rows = transaction.Query("SELECT COUNT(*), SUM(LENGTH(data)) FROM test_items", {});
    if (rows.ok()) count = (*rows)[0].Int(0);
    return rows.status();
  });
  EXPECT_TRUE(status.ok()) << status;
  return count;
}

class SqliteDatabaseTest : public testing::Test {
 protected:
  std::unique_ptr<Database> Open(SqliteDatabaseOptions options = {}) {
    options.directory = directory_ / "data";
    auto database = OpenSqliteDatabase(options);
    EXPECT_TRUE(database.ok()) << database.status();
    if (!database.ok()) return nullptr;
    const absl::Status migrated = (*database)->Migrate("test", {kCreate});
    EXPECT_TRUE(migrated.ok()) << migrated;
    return *std::move(database);
  }

  TempDirectory directory_;
};

TEST_F(SqliteDatabaseTest, KeepsItsRowsWhenOpenedAgain) {
  { EXPECT_TRUE(Insert(*Open(), 1).ok()); }
  EXPECT_EQ(Count(*Open()), 1);
}

TEST_F(SqliteDatabaseTest, RefusesADirectoryInUseAndNamesTheHolder) {
  const auto first = Open();
  const auto second = OpenSqliteDatabase({.directory = directory_ / "data"});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr(absl::StrCat("process ", getpid())));
}

TEST_F(SqliteDatabaseTest, FreesTheDirectoryWhenClosed) {
  Open().reset();
  EXPECT_NE(Open(), nullptr);
}

TEST_F(SqliteDatabaseTest, ReportsAFullDiskAndGoesOn) {
  const auto database = Open({.max_bytes = 1 << 20});
  int64_t id = 0;
  absl::Status status;
  while (status.ok() && id < 100) status = Insert(*database, id++, 100'000);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(Count(*database), id - 1);
  EXPECT_TRUE(Insert(*database, 1'000, 10).ok());
}

TEST_F(SqliteDatabaseTest, ReportsAFileThatIsNoDatabase) {
  std::filesystem::create_directories(directory_ / "data");
  std::ofstream(directory_ / "data/proctor.db") << std::string(8192, 'x');
  EXPECT_EQ(OpenSqliteDatabase({.directory = directory_ / "data"}).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(SqliteDatabaseTest, ReportsCorruptPages) {
  {
    const auto database = Open();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(Insert(*database, i, 5'000).ok());
  }
  {
    std::fstream file(directory_ / "data/proctor.db",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 4096);
    for (int i = 0; i < 40; ++i) file << std::string(4096, '\xff');
  }
  auto database = OpenSqliteDatabase({.directory = directory_ / "data"});
  ASSERT_TRUE(database.ok()) << database.status();
  const absl::Status status = (*database)->Read(CallContext(), [](Transaction& transaction) {
    return transaction.Query("SELECT id, data FROM test_items", {}).status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
}

TEST_F(SqliteDatabaseTest, FailsAllThatSharedAFailedCommitAndGoesOn) {
  FaultVfs faults;
  const auto database = Open({.vfs = faults.name()});
  ASSERT_TRUE(Insert(*database, 0).ok());
  faults.FailSyncs(true);
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int i = 1; i <= 8; ++i) {
    threads.emplace_back([&, i] { failed += Insert(*database, i).ok() ? 0 : 1; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 8);
  faults.FailSyncs(false);
  EXPECT_EQ(Count(*database), 1);
  EXPECT_TRUE(Insert(*database, 100).ok());
  EXPECT_EQ(Count(*database), 2);
}

TEST_F(SqliteDatabaseTest, AcknowledgesNothingThatCouldNotBeWritten) {
  FaultVfs faults;
  const auto database = Open({.vfs = faults.name()});
  faults.FailWrites(true);
  const absl::Status status = Insert(*database, 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  faults.FailWrites(false);
  EXPECT_EQ(Count(*database), 0);
  EXPECT_TRUE(Insert(*database, 1).ok());
}

TEST_F(SqliteDatabaseTest, SharesCommitsAmongWritersThatWait) {
  FaultVfs faults;
  const auto database = Open({.vfs = faults.name()});
  // The first write holds the writer until the others wait in its queue.
  constexpr int kWaiting = 50;
  Mutex mutex;
  CondVar changed;
  int begun = 0;
  const int before = faults.syncs();
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    EXPECT_TRUE(database
                    ->Write(CallContext(),
                            [&](Transaction&) {
                              MutexLock lock(mutex);
                              while (begun < kWaiting) changed.Wait(mutex);
                              return absl::OkStatus();
                            })
                    .ok());
  });
  for (int i = 0; i < kWaiting; ++i) {
    threads.emplace_back([&, i] {
      {
        MutexLock lock(mutex);
        ++begun;
        changed.SignalAll();
      }
      EXPECT_TRUE(Insert(*database, i).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Count(*database), kWaiting);
  EXPECT_LT(faults.syncs() - before, kWaiting);
}

TEST_F(SqliteDatabaseTest, DropsAWaitingWriteWhoseTimeIsUp) {
  const auto database = Open();
  Mutex mutex;
  CondVar changed;
  bool holds = false;
  bool go = false;
  std::thread holder([&] {
    EXPECT_TRUE(database
                    ->Write(CallContext(),
                            [&](Transaction&) {
                              MutexLock lock(mutex);
                              holds = true;
                              changed.SignalAll();
                              while (!go) changed.Wait(mutex);
                              return absl::OkStatus();
                            })
                    .ok());
  });
  {
    MutexLock lock(mutex);
    while (!holds) changed.Wait(mutex);
  }
  bool ran = false;
  const absl::Status status =
      database->Write(CallContext::WithTimeout(absl::Milliseconds(20)), [&](Transaction&) {
        ran = true;
        return absl::OkStatus();
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  {
    MutexLock lock(mutex);
    go = true;
    changed.SignalAll();
  }
  holder.join();
  EXPECT_FALSE(ran);
}

TEST_F(SqliteDatabaseTest, ReadsWhileAWriteIsUnderWay) {
  const auto database = Open();
  ASSERT_TRUE(Insert(*database, 1).ok());
  const absl::Status status = database->Write(CallContext(), [&](Transaction& transaction) {
    EXPECT_TRUE(transaction.Execute("DELETE FROM test_items", {}).ok());
    std::thread reader([&] { EXPECT_EQ(Count(*database), 1); });
    reader.join();
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Count(*database), 0);
}

}  // namespace
}  // namespace proctor::storage
