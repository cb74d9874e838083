// Rows changed behind a server's back.
#ifndef PROCTOR_TESTS_SERVER_CHANGE_ROWS_H_
#define PROCTOR_TESTS_SERVER_CHANGE_ROWS_H_

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "storage/sqlite_database.h"

namespace proctor::server {

// What stands for a message and is none.
inline storage::Bytes Rubbish() { return storage::Bytes{"\xff\xff\xff"}; }

// Of a data directory that no server uses.
inline void ChangeRows(const std::string& data_dir, const std::string& sql, const std::vector<storage::Value>& parameters = {}) {
  storage::SqliteDatabaseOptions options;
  options.directory = data_dir;
  const auto database = storage::OpenSqliteDatabase(options);
  ASSERT_TRUE(database.ok()) << database.status();
  const absl::Status status = (*database)->Write(CallContext(), [&](storage::Transaction& transaction) {
    return transaction.Execute(sql, parameters).status();
  });
  ASSERT_TRUE(status.ok()) << status;
}

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_CHANGE_ROWS_H_
