// One connection to a SQLite file: statements, parameters, errors. Private to storage/.
#ifndef PROCTOR_STORAGE_SQLITE_CONNECTION_H_
#define PROCTOR_STORAGE_SQLITE_CONNECTION_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "storage/database.h"

struct sqlite3;
struct sqlite3_stmt;

namespace proctor::storage {

// How a connection is opened.
struct SqliteConnectionOptions {
  // A file's path or ":memory:".
  std::string path = "";
  // A registered SQLite VFS; empty: SQLite's own.
  std::string vfs = "";
  // How long a statement waits for a lock that another process (a backup, a shell) holds.
  absl::Duration busy_timeout = absl::Seconds(5);
};

// Not thread-safe, but may move from thread to thread.
class SqliteConnection final : public Transaction {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(
      const SqliteConnectionOptions& options);
  ~SqliteConnection() override;

  // The 128 statements used last stay prepared. Errors: ALREADY_EXISTS for a key that is there; FAILED_PRECONDITION
  // for other constraints; INTERNAL for malformed SQL or missing parameters; RESOURCE_EXHAUSTED disk full;
  // DATA_LOSS corrupt file; UNAVAILABLE for other I/O errors and locks that another process holds too long.
  absl::StatusOr<int64_t> Execute(std::string_view sql,
                                  const std::vector<Value>& parameters) override;
  absl::Status ForEach(std::string_view sql, const std::vector<Value>& parameters, const Visit& visit) override;

  // Several statements without parameters or results, not cached.
  absl::Status ExecuteScript(std::string_view sql);

  // True between BEGIN and COMMIT. SQLite ends a transaction by itself after some failures (disk full, I/O).
  bool InTransaction() const;

  // While set, long statements end soon after the context's end, with its status. Null: no limit.
  void set_context(const CallContext* context) { context_ = context; }

 private:
  using StatementList = std::list<std::pair<std::string, sqlite3_stmt*>>;

  explicit SqliteConnection(sqlite3* handle) : handle_(handle) {}
  static int OnProgress(void* connection);
  absl::StatusOr<sqlite3_stmt*> Prepare(std::string_view sql);
  absl::Status Bind(sqlite3_stmt* statement, const std::vector<Value>& parameters);
  absl::Status Error(int code, std::string_view what) const;

  sqlite3* handle_;
  const CallContext* context_ = nullptr;
  // The least recently used last.
  StatementList statements_;
  std::unordered_map<std::string_view, StatementList::iterator> statement_by_sql_;
};

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_SQLITE_CONNECTION_H_
