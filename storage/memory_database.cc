#include "storage/memory_database.h"

#include <utility>

#include "common/mutex.h"
#include "common/status.h"
#include "storage/migrations.h"
#include "storage/sqlite_connection.h"

namespace proctor::storage {
namespace {

class MemoryDatabase final : public Database {
 public:
  explicit MemoryDatabase(std::unique_ptr<SqliteConnection> connection)
      : connection_(std::move(connection)) {}

  absl::Status Migrate(std::string_view room, const std::vector<std::string>& migrations) override {
    MutexLock lock(mutex_);
    return InTransaction("COMMIT", [&](SqliteConnection& connection) {
      return RunMigrations(connection, room, migrations);
    });
  }

  absl::Status Write(const CallContext& context,
                     const std::function<absl::Status(Transaction&)>& work) override {
    MutexLock lock(mutex_);
    PROCTOR_RETURN_IF_ERROR(context.Check("database write"));
    return InTransaction("COMMIT", work);
  }

  absl::Status Read(const CallContext& context,
                    const std::function<absl::Status(Transaction&)>& work) override {
    MutexLock lock(mutex_);
    PROCTOR_RETURN_IF_ERROR(context.Check("database read"));
    PROCTOR_RETURN_IF_ERROR(connection_->ExecuteScript("PRAGMA query_only=ON"));
    connection_->set_context(&context);
    absl::Status status = InTransaction("ROLLBACK", work);
    connection_->set_context(nullptr);
    PROCTOR_RETURN_IF_ERROR(connection_->ExecuteScript("PRAGMA query_only=OFF"));
    return status;
  }

 private:
  template <typename Work>
  absl::Status InTransaction(const char* end, const Work& work)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    PROCTOR_RETURN_IF_ERROR(connection_->Execute("BEGIN", {}).status());
    absl::Status status = work(*connection_);
    if (!connection_->InTransaction()) return status;
    PROCTOR_RETURN_IF_ERROR(connection_->Execute(status.ok() ? end : "ROLLBACK", {}).status());
    return status;
  }

  Mutex mutex_;
  std::unique_ptr<SqliteConnection> connection_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> NewMemoryDatabase() {
  PROCTOR_ASSIGN_OR_RETURN(auto connection, SqliteConnection::Open({.path = ":memory:"}));
  return std::make_unique<MemoryDatabase>(std::move(connection));
}

}  // namespace proctor::storage
