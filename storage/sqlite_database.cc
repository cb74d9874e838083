#include "storage/sqlite_database.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/status.h"
#include "storage/directory_lock.h"
#include "storage/group_writer.h"
#include "storage/migrations.h"
#include "storage/sqlite_connection.h"

namespace proctor::storage {
namespace {

// Connections for reading, made as needed and kept. Thread-safe.
class ReaderPool {
 public:
  ReaderPool(SqliteConnectionOptions options, int max_readers)
      : options_(std::move(options)), free_(std::clamp(max_readers, 1, 64)) {}

  // Waits for a free place.
  absl::StatusOr<std::unique_ptr<SqliteConnection>> Take(const CallContext& context) {
    {
      MutexLock lock(mutex_);
      const auto has_place = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return free_ > 0; };
      PROCTOR_RETURN_IF_ERROR(
          AwaitWithContext(context, mutex_, returned_, has_place, "database read"));
      --free_;
      if (!idle_.empty()) {
        std::unique_ptr<SqliteConnection> connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    absl::StatusOr<std::unique_ptr<SqliteConnection>> connection = Open();
    if (!connection.ok()) Return(nullptr);
    return connection;
  }

  // Null: the connection is not fit for further use.
  void Return(std::unique_ptr<SqliteConnection> connection) {
    MutexLock lock(mutex_);
    ++free_;
    if (connection != nullptr) idle_.push_back(std::move(connection));
    returned_.Signal();
  }

 private:
  absl::StatusOr<std::unique_ptr<SqliteConnection>> Open() const {
    PROCTOR_ASSIGN_OR_RETURN(auto connection, SqliteConnection::Open(options_));
    PROCTOR_RETURN_IF_ERROR(connection->ExecuteScript("PRAGMA query_only=ON"));
    return connection;
  }

  const SqliteConnectionOptions options_;
  Mutex mutex_;
  CondVar returned_;
  int free_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<SqliteConnection>> idle_ ABSL_GUARDED_BY(mutex_);
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::unique_ptr<DirectoryLock> lock, std::unique_ptr<SqliteConnection> writer,
                 const SqliteConnectionOptions& connection, const SqliteDatabaseOptions& options)
      : lock_(std::move(lock)),
        readers_(connection, options.max_readers),
        writer_(std::move(writer), options.max_batch, options.observer) {}

  absl::Status Migrate(std::string_view room, const std::vector<std::string>& migrations) override {
    return writer_.Write(CallContext(), [&](SqliteConnection& connection) {
      return RunMigrations(connection, room, migrations);
    });
  }

  absl::Status Write(const CallContext& context,
                     const std::function<absl::Status(Transaction&)>& work) override {
    return writer_.Write(context,
                         [&work](SqliteConnection& connection) { return work(connection); });
  }

  absl::Status Read(const CallContext& context,
                    const std::function<absl::Status(Transaction&)>& work) override {
    PROCTOR_RETURN_IF_ERROR(context.Check("database read"));
    PROCTOR_ASSIGN_OR_RETURN(auto connection, readers_.Take(context));
    connection->set_context(&context);
    absl::Status status = connection->Execute("BEGIN", {}).status();
    if (status.ok()) status = work(*connection);
    connection->set_context(nullptr);
    const bool ended =
        !connection->InTransaction() || connection->Execute("ROLLBACK", {}).ok();
    readers_.Return(ended ? std::move(connection) : nullptr);
    return status;
  }

 private:
  // First in, last out: connections close before the directory is free for others.
  std::unique_ptr<DirectoryLock> lock_;
  ReaderPool readers_;
  GroupWriter writer_;
};

absl::Status ConfigureWriter(SqliteConnection& connection, const SqliteDatabaseOptions& options) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> mode,
                           connection.Query("PRAGMA journal_mode=WAL", {}));
  if (mode.empty() || mode[0].Text(0) != "wal") {
    return absl::FailedPreconditionError(
        absl::StrCat("no write-ahead log in ", options.directory, ": is it a network disk?"));
  }
  PROCTOR_RETURN_IF_ERROR(connection.ExecuteScript(options.durability == Durability::kPower
                                                       ? "PRAGMA synchronous=FULL"
                                                       : "PRAGMA synchronous=NORMAL"));
  // 16 MB between checkpoints: steps with large texts would else write everything twice at once.
  PROCTOR_RETURN_IF_ERROR(connection.ExecuteScript(
      "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864; PRAGMA foreign_keys=ON"));
  if (options.max_bytes > 0) {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> page, connection.Query("PRAGMA page_size", {}));
    const int64_t pages = std::max<int64_t>(1, options.max_bytes / std::max<int64_t>(1, page[0].Int(0)));
    PROCTOR_RETURN_IF_ERROR(
        connection.ExecuteScript(absl::StrCat("PRAGMA max_page_count=", pages)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenSqliteDatabase(const SqliteDatabaseOptions& options) {
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<DirectoryLock> lock,
                           DirectoryLock::Acquire(options.directory));
  const SqliteConnectionOptions connection = {.path = absl::StrCat(options.directory, "/proctor.db"),
                                              .vfs = options.vfs,
                                              .busy_timeout = options.busy_timeout};
  PROCTOR_ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(connection));
  const absl::Status configured = ConfigureWriter(*writer, options);
  if (!configured.ok()) return Annotate(configured, connection.path);
  return std::make_unique<SqliteDatabase>(std::move(lock), std::move(writer), connection, options);
}

}  // namespace proctor::storage
