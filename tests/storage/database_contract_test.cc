// What every Database does; run for each implementation.
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/database.h"
#include "storage/memory_database.h"
#include "storage/page.h"
#include "storage/sqlite_database.h"
#include "tests/storage/temp_directory.h"

namespace proctor::storage {
namespace {

using ::testing::HasSubstr;

struct Implementation {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<Database>>(const std::string& directory)> open;

  friend void PrintTo(const Implementation& made, std::ostream* out) { *out << made.name; }
};

class DatabaseContractTest : public testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    auto database = GetParam().open(directory_.path());
    ASSERT_TRUE(database.ok()) << database.status();
    database_ = *std::move(database);
    ASSERT_TRUE(database_->Migrate("test", {kCreate}).ok());
  }

  absl::Status Insert(int64_t id, const std::string& text) {
    return database_->Write(context_, [&](Transaction& transaction) {
      return transaction
          .Execute("INSERT INTO test_items (id, text) VALUES ($1, $2)", {id, text})
          .status();
    });
  }

  std::vector<Row> Query(const std::string& sql, const std::vector<Value>& parameters = {}) {
    std::vector<Row> result;
    const absl::Status status = database_->Read(context_, [&](Transaction& transaction) {
      auto rows = transaction.Query(sql, parameters);
      if (rows.ok()) result = *std::move(rows);
      return rows.status();
    });
    EXPECT_TRUE(status.ok()) << status;
    return result;
  }

  int64_t Count() { return Query("SELECT COUNT(*) FROM test_items")[0].Int(0); }

  static constexpr char kCreate[] =
      "CREATE TABLE test_items (id BIGINT PRIMARY KEY, text TEXT, ratio DOUBLE PRECISION, data BYTEA);"
      "CREATE INDEX test_items_text ON test_items (text)";
  const CallContext context_;
  TempDirectory directory_;
  std::unique_ptr<Database> database_;
};

TEST_P(DatabaseContractTest, ReadsWhatWasWrittenInEveryType) {
  const std::string binary("a\0\xff", 3);
  ASSERT_TRUE(database_
                  ->Write(context_,
                          [&](Transaction& transaction) {
                            return transaction
                                .Execute("INSERT INTO test_items VALUES ($1, $2, $3, $4)",
                                         {int64_t{1} << 62, std::string("täxt"), 0.1, Bytes{binary}})
                                .status();
                          })
                  .ok());
  const std::vector<Row> rows = Query("SELECT id, text, ratio, data FROM test_items");
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].Int(0), int64_t{1} << 62);
  EXPECT_EQ(rows[0].Text(1), "täxt");
  EXPECT_EQ(rows[0].Double(2), 0.1);
  EXPECT_EQ(rows[0].Text(3), binary);
}

TEST_P(DatabaseContractTest, KeepsNullApartFromEmpty) {
  ASSERT_TRUE(database_
                  ->Write(context_,
                          [&](Transaction& transaction) {
                            return transaction
                                .Execute("INSERT INTO test_items (id, text, data) VALUES ($1, $2, $3)",
                                         {int64_t{1}, std::monostate(), Bytes{}})
                                .status();
                          })
                  .ok());
  const std::vector<Row> rows = Query("SELECT text, data FROM test_items");
  EXPECT_TRUE(rows[0].IsNull(0));
  EXPECT_FALSE(rows[0].IsNull(1));
  EXPECT_EQ(rows[0].Text(1), "");
}

TEST_P(DatabaseContractTest, BindsParametersByNumberNotByOrder) {
  const std::vector<Row> rows = Query("SELECT $2, $1, $2", {std::string("a"), std::string("b")});
  EXPECT_EQ(rows[0].Text(0) + rows[0].Text(1) + rows[0].Text(2), "bab");
}

TEST_P(DatabaseContractTest, RefusesMissingParametersAndSeveralStatements) {
  const absl::Status status = database_->Write(context_, [](Transaction& transaction) {
    EXPECT_EQ(transaction.Query("SELECT $2", {int64_t{1}}).status().code(),
              absl::StatusCode::kInternal);
    return transaction.Execute("DELETE FROM test_items; DELETE FROM test_items", {}).status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
}

TEST_P(DatabaseContractTest, VisitsRowsInOrderUntilTheVisitorEndsIt) {
  for (int64_t id = 1; id <= 5; ++id) ASSERT_TRUE(Insert(id, "x").ok());
  const std::string sql = "SELECT id FROM test_items ORDER BY id";
  std::vector<int64_t> seen;
  absl::Status failed;
  const absl::Status status = database_->Read(context_, [&](Transaction& transaction) -> absl::Status {
    const absl::Status ended = transaction.ForEach(sql, {}, [&](const Row& row) {
      seen.push_back(row.Int(0));
      return row.Int(0) < 3;
    });
    if (!ended.ok()) return ended;
    failed = transaction.ForEach(sql, {}, [](const Row&) -> absl::StatusOr<bool> { return absl::AbortedError("enough"); });
    // A visit that ended early leaves the query as new.
    return transaction.ForEach(sql, {}, [&](const Row& row) {
      seen.push_back(row.Int(0));
      return true;
    });
  });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(failed.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(seen, (std::vector<int64_t>{1, 2, 3, 1, 2, 3, 4, 5}));
}

TEST_P(DatabaseContractTest, APageEndsByItsRowsOrItsBytesButHasOneRowAtLeast) {
  const std::string large(kMaxPageBytes + 1, 'x');
  const std::vector<std::string> texts = {"a", "b", large, large, std::string(kMaxPageBytes / 2, 'x'), "c", "d"};
  for (size_t i = 0; i < texts.size(); ++i) ASSERT_TRUE(Insert(static_cast<int64_t>(i), texts[i]).ok());
  std::vector<std::vector<int64_t>> pages;
  bool more = true;
  int64_t after = -1;
  while (more) {
    std::vector<int64_t> page;
    const absl::Status status = database_->Read(context_, [&](Transaction& transaction) -> absl::Status {
      const absl::StatusOr<bool> visited =
          ForEachOfPage(transaction, "SELECT id, text FROM test_items WHERE id > $1 ORDER BY id", {after}, 3, [&](const Row& row) {
            page.push_back(row.Int(0));
            return absl::OkStatus();
          });
      more = visited.ok() && *visited;
      return visited.status();
    });
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_FALSE(page.empty());
    after = page.back();
    pages.push_back(page);
  }
  EXPECT_EQ(pages, (std::vector<std::vector<int64_t>>{{0, 1}, {2}, {3}, {4, 5, 6}}));
}

TEST_P(DatabaseContractTest, TellsHowManyRowsChanged) {
  ASSERT_TRUE(Insert(1, "a").ok());
  ASSERT_TRUE(Insert(2, "a").ok());
  int64_t changed = 0;
  ASSERT_TRUE(database_
                  ->Write(context_,
                          [&](Transaction& transaction) {
                            auto count = transaction.Execute(
                                "UPDATE test_items SET text = 'b' WHERE text = $1",
                                {std::string("a")});
                            changed = count.value_or(-1);
                            return count.status();
                          })
                  .ok());
  EXPECT_EQ(changed, 2);
}

TEST_P(DatabaseContractTest, UndoesAWriteThatReturnsAnError) {
  const absl::Status status = database_->Write(context_, [](Transaction& transaction) {
    EXPECT_TRUE(transaction.Execute("INSERT INTO test_items (id) VALUES (1)", {}).ok());
    return absl::AbortedError("changed my mind");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(status.message(), "changed my mind");
  EXPECT_EQ(Count(), 0);
}

TEST_P(DatabaseContractTest, ReportsADuplicateKeyAsAlreadyExists) {
  ASSERT_TRUE(Insert(1, "a").ok());
  EXPECT_EQ(Insert(1, "b").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Count(), 1);
}

TEST_P(DatabaseContractTest, ReadsItsOwnWritesInATransaction) {
  const absl::Status status = database_->Write(context_, [](Transaction& transaction) {
    EXPECT_TRUE(transaction.Execute("INSERT INTO test_items (id) VALUES (7)", {}).ok());
    auto rows = transaction.Query("SELECT id FROM test_items", {});
    EXPECT_EQ(rows.value()[0].Int(0), 7);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(DatabaseContractTest, RefusesWritesInRead) {
  const absl::Status status = database_->Read(context_, [](Transaction& transaction) {
    return transaction.Execute("INSERT INTO test_items (id) VALUES (1)", {}).status();
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Count(), 0);
  EXPECT_TRUE(Insert(1, "a").ok());
}

TEST_P(DatabaseContractTest, RefusesACallWhoseTimeIsUp) {
  const CallContext late(absl::InfinitePast(), std::make_shared<CancelToken>());
  const auto work = [](Transaction&) { return absl::OkStatus(); };
  EXPECT_EQ(database_->Write(late, work).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(database_->Read(late, work).code(), absl::StatusCode::kDeadlineExceeded);
  CallContext cancelled;
  cancelled.cancel()->Cancel();
  EXPECT_EQ(database_->Write(cancelled, work).code(), absl::StatusCode::kCancelled);
}

TEST_P(DatabaseContractTest, EndsALongQueryWhenCancelled) {
  CallContext context = CallContext::WithTimeout(absl::Milliseconds(50));
  const absl::Status status = database_->Read(context, [](Transaction& transaction) {
    return transaction
        .Query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
               {})
        .status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

TEST_P(DatabaseContractTest, RunsWritesOfManyThreadsAndLosesNone) {
  constexpr int kThreads = 8;
  constexpr int kWrites = 50;
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kWrites; ++i) {
        // Every fifth write fails on purpose: it must not take its neighbours along.
        const bool duplicate = i % 5 == 4;
        const int64_t id = thread * kWrites + (duplicate ? i - 1 : i);
        if (!Insert(id, "x").ok()) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, kThreads * kWrites / 5);
  EXPECT_EQ(Count(), kThreads * kWrites * 4 / 5);
}

TEST_P(DatabaseContractTest, RunsEachMigrationOnce) {
  const std::string add = "ALTER TABLE test_items ADD COLUMN extra TEXT DEFAULT 'new'";
  ASSERT_TRUE(Insert(1, "a").ok());
  ASSERT_TRUE(database_->Migrate("test", {kCreate, add}).ok());
  ASSERT_TRUE(database_->Migrate("test", {kCreate, add}).ok());
  EXPECT_EQ(Query("SELECT extra FROM test_items")[0].Text(0), "new");
}

TEST_P(DatabaseContractTest, RefusesTablesOfANewerProgram) {
  ASSERT_TRUE(database_->Migrate("test", {kCreate, "CREATE TABLE test_more (id BIGINT)"}).ok());
  const absl::Status status = database_->Migrate("test", {kCreate});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("newer program"));
}

TEST_P(DatabaseContractTest, UndoesAFailedMigrationWhole) {
  const absl::Status status =
      database_->Migrate("test", {kCreate, "CREATE TABLE test_more (id BIGINT); NONSENSE"});
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(database_->Migrate("test", {kCreate, "CREATE TABLE test_more (id BIGINT)"}).ok());
}

INSTANTIATE_TEST_SUITE_P(
    All, DatabaseContractTest,
    testing::Values(Implementation{"Memory", [](const std::string&) { return NewMemoryDatabase(); }},
                    Implementation{"SqlitePower",
                                   [](const std::string& directory) {
                                     return OpenSqliteDatabase({.directory = directory});
                                   }},
                    Implementation{"SqliteProcess",
                                   [](const std::string& directory) {
                                     return OpenSqliteDatabase(
                                         {.directory = directory,
                                          .durability = Durability::kProcess,
                                          .max_readers = 1});
                                   }}),
    [](const testing::TestParamInfo<Implementation>& info) { return info.param.name; });

}  // namespace
}  // namespace proctor::storage
