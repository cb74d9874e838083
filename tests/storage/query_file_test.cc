#include "storage/query_file.h"

#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proctor::storage {
namespace {

class QueryFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "query_file_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/db";
  }
  void TearDown() override {
    sqlite3_close(open_);
    std::filesystem::remove_all(folder_);
  }

  void Make(const std::string& script) {
    ASSERT_EQ(sqlite3_open(path_.c_str(), &open_), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(open_, script.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(open_);
  }
  void Close() {
    sqlite3_close(open_);
    open_ = nullptr;
  }
  std::string Bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  absl::StatusOr<std::string> Query(const std::string& query) { return QueryFile(CallContext::WithTimeout(absl::Seconds(30)), path_, query); }

  std::string folder_;
  std::string path_;
  sqlite3* open_ = nullptr;
};

TEST_F(QueryFileTest, GivesRowsAsJson) {
  Make("CREATE TABLE t (i INTEGER, r REAL, s TEXT, b BLOB, n); INSERT INTO t VALUES (1, 1.5, 'a\"b', x'0102', NULL)");
  Close();
  EXPECT_EQ(*Query("SELECT * FROM t"), R"([{"b":"AQI=","i":1,"n":null,"r":1.5,"s":"a\"b"}])");
  EXPECT_EQ(*Query("SELECT i FROM t WHERE i > 5"), "[]");
  EXPECT_EQ(*Query("WITH x(a) AS (SELECT 1) SELECT a FROM x;  "), R"([{"a":1}])");
  EXPECT_EQ(*Query("SELECT upper('x') AS u, json_extract('{\"a\": 2}', '$.a') AS j"), R"([{"j":2,"u":"X"}])");
}

TEST_F(QueryFileTest, ReadsWhatIsOnlyInTheWriteAheadLog) {
  Make("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (a); INSERT INTO t VALUES (42)");
  std::filesystem::create_directory(folder_ + "/copy");
  for (const std::string suffix : {"", "-wal"}) std::filesystem::copy(path_ + suffix, folder_ + "/copy/db" + suffix);
  EXPECT_EQ(*QueryFile(CallContext(), folder_ + "/copy/db", "SELECT a FROM t"), R"([{"a":42}])");
}

TEST_F(QueryFileTest, ChangesNothing) {
  Make("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  Close();
  const std::string before = Bytes();
  for (const std::string query :
       {"INSERT INTO t VALUES (2)", "DELETE FROM t", "UPDATE t SET a = 2", "DROP TABLE t", "CREATE TABLE u (a)", "VACUUM", "REINDEX",
        "BEGIN", "PRAGMA user_version = 7", "PRAGMA journal_mode", "PRAGMA table_info(t)", "ANALYZE", "INSERT INTO t VALUES (3) RETURNING a",
        "CREATE TEMP TABLE x (a)", "SAVEPOINT s", "EXPLAIN SELECT 1", "SELECT 1; DELETE FROM t", "", "   ", ";"}) {
    EXPECT_EQ(Query(query).status().code(), absl::StatusCode::kInvalidArgument) << query;
  }
  EXPECT_EQ(Bytes(), before);
}

TEST_F(QueryFileTest, OpensNoOtherFile) {
  Make("CREATE TABLE t (a)");
  Close();
  const std::string other = folder_ + "/other";
  for (const std::string& query :
       {absl::StrCat("ATTACH '", other, "' AS o"), absl::StrCat("VACUUM INTO '", other, "'"), absl::StrCat("SELECT writefile('", other, "', 'x')"),
        std::string("SELECT readfile('/etc/passwd')"), std::string("SELECT load_extension('x')"), std::string("SELECT * FROM pragma_database_list"),
        absl::StrCat("SELECT edit('x', 'touch ", other, "')")}) {
    EXPECT_EQ(Query(query).status().code(), absl::StatusCode::kInvalidArgument) << query;
  }
  EXPECT_FALSE(std::filesystem::exists(other));
}

TEST_F(QueryFileTest, EndsEndlessQueriesWithTheirContext) {
  Make("CREATE TABLE t (a)");
  Close();
  const char* endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r";
  EXPECT_EQ(QueryFile(CallContext::WithTimeout(absl::Milliseconds(50)), path_, endless).status().code(), absl::StatusCode::kDeadlineExceeded);
  CallContext cancelled;
  cancelled.cancel()->Cancel();
  EXPECT_EQ(QueryFile(cancelled, path_, endless).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(QueryFileTest, LimitsRowsAndBytes) {
  Make("CREATE TABLE t (a)");
  Close();
  const auto rows = [](int count) {
    return absl::StrCat("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < ", count, ") SELECT n FROM r");
  };
  EXPECT_TRUE(Query(rows(kMaxQueryFileRows)).ok());
  EXPECT_EQ(Query(rows(kMaxQueryFileRows + 1)).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Query("SELECT zeroblob(3000000) UNION ALL SELECT zeroblob(3000001) UNION ALL SELECT zeroblob(3000002) UNION ALL "
                  "SELECT zeroblob(3000003) UNION ALL SELECT zeroblob(3000004) UNION ALL SELECT zeroblob(3000005)").status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Query("SELECT zeroblob(100000000)").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Query(std::string(200'000, ' ')).status().code(), absl::StatusCode::kInvalidArgument);
}

// The bytes of what comes back: names of columns come with every row, and some characters and all blobs are longer in JSON.
TEST_F(QueryFileTest, LimitsWhatComesBackNotWhatIsRead) {
  Make("CREATE TABLE t (a)");
  Close();
  const auto rows = [](int count) {
    return absl::StrCat("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < ", count, ") SELECT n AS \"",
                        std::string(50'000, 'x'), "\" FROM r");
  };
  EXPECT_TRUE(Query(rows(300)).ok());
  EXPECT_EQ(Query(rows(1000)).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Query("SELECT replace(hex(zeroblob(1500000)), '0', char(1)) AS a").status().code(), absl::StatusCode::kResourceExhausted);
  std::string wide = "SELECT hex(zeroblob(2000000)) AS c0";
  for (int i = 1; i < 20; ++i) absl::StrAppend(&wide, ", hex(zeroblob(2000000)) AS c", i);
  EXPECT_EQ(Query(wide).status().code(), absl::StatusCode::kResourceExhausted);
}

// Each is small, but all are held at once, and they could be large.
TEST_F(QueryFileTest, LimitsWhatAQueryHoldsWhileItRuns) {
  Make("CREATE TABLE t (a)");
  Close();
  const auto sum = [](int values) {
    std::string query = "SELECT 0";
    for (int i = 0; i < values; ++i) absl::StrAppend(&query, "+length(zeroblob(", i, "))");
    return query + " AS n";
  };
  EXPECT_EQ(*Query(sum(100)), R"([{"n":4950}])");
  EXPECT_EQ(Query(sum(900)).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(QueryFileTest, SaysWhatIsNoDatabase) {
  EXPECT_EQ(Query("SELECT 1").status().code(), absl::StatusCode::kNotFound);
  std::ofstream(path_) << "this is a text file and no database, whatever it is called";
  EXPECT_EQ(Query("SELECT * FROM sqlite_master").status().code(), absl::StatusCode::kDataLoss);
  std::ofstream(path_, std::ios::trunc).close();
  EXPECT_EQ(Query("SELECT * FROM sqlite_master").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(QueryFile(CallContext(), folder_, "SELECT 1").status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(QueryFileTest, ADamagedFileIsAnErrorOrItsRows) {
  Make("CREATE TABLE t (a); INSERT INTO t VALUES ('one'), ('two'), ('three')");
  Close();
  const std::string whole = Bytes();
  uint32_t state = 1;
  for (int round = 0; round < 300; ++round) {
    std::string broken = whole;
    for (int i = 0; i < 8; ++i) {
      state = state * 1664525 + 1013904223;
      broken[state % broken.size()] = static_cast<char>(state >> 24);
    }
    if (round % 3 == 0) broken.resize(state % broken.size());
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << broken;
    const auto rows = Query("SELECT a FROM t");
    EXPECT_NE(rows.status().code(), absl::StatusCode::kDeadlineExceeded);
  }
}

TEST_F(QueryFileTest, SchemasOfOthersRunNothing) {
  Make("CREATE TABLE t (a); CREATE VIEW v AS SELECT load_extension('x') AS a; INSERT INTO t VALUES (1)");
  Close();
  EXPECT_FALSE(Query("SELECT a FROM v").ok());
  EXPECT_TRUE(Query("SELECT a FROM t").ok());
}

}  // namespace
}  // namespace proctor::storage
