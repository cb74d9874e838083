#include "storage/sqlite_backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "storage/sqlite_connection.h"

namespace proctor::storage {
namespace {

// A server's checkpoint may hold the file for a moment.
constexpr int kBusyMilliseconds = 10'000;
// Between two looks at the context: 16 MiB of the usual size.
constexpr int kPagesPerStep = 4096;

struct CloseHandle {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
using Handle = std::unique_ptr<sqlite3, CloseHandle>;
struct FinishBackup {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

absl::Status ErrorOf(int code, const std::string& what) {
  const std::string message = absl::StrCat(what, ": ", sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_FULL: return absl::ResourceExhaustedError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return absl::DataLossError(message);
    default: return absl::UnavailableError(message);
  }
}

absl::StatusOr<Handle> Open(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_EXRESCODE, nullptr);
  Handle handle(raw);
  if (code != SQLITE_OK) return ErrorOf(code, path);
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  return handle;
}

absl::StatusOr<std::string> ExistingFile(const std::string& directory) {
  const std::string path = directory + "/proctor.db";
  if (access(path.c_str(), F_OK) == 0) return path;
  return absl::NotFoundError(absl::StrCat("no database in ", directory, ": ", std::strerror(errno)));
}

absl::Status Sync(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  const int error = errno;
  if (file >= 0) close(file);
  return synced ? absl::OkStatus() : absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(error)));
}

// From here on it is read as it is now: what another process writes would else begin the copy anew, at each of its parts.
absl::Status KeepStill(sqlite3* source, const std::string& path) {
  const int code = sqlite3_exec(source, "BEGIN; SELECT COUNT(*) FROM sqlite_master", nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : ErrorOf(code, path);
}

absl::Status CopyPages(const CallContext& context, sqlite3_backup* backup, const std::string& path) {
  while (true) {
    PROCTOR_RETURN_IF_ERROR(context.Check("copying the database"));
    const int step = sqlite3_backup_step(backup, kPagesPerStep);
    if (step == SQLITE_DONE) return absl::OkStatus();
    if (step != SQLITE_OK) return ErrorOf(step, absl::StrCat("copying ", path));
  }
}

}  // namespace

absl::Status BackupSqliteDatabase(const CallContext& context, const std::string& from, const std::string& to) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string source_path, ExistingFile(from));
  const std::string target_path = to + "/proctor.db";
  if (access(target_path.c_str(), F_OK) == 0) return absl::AlreadyExistsError(absl::StrCat(target_path, " exists"));
  // Not read-only: whoever reads beside a writer needs the shared index of its log.
  PROCTOR_ASSIGN_OR_RETURN(const Handle source, Open(source_path, SQLITE_OPEN_READWRITE));
  PROCTOR_ASSIGN_OR_RETURN(const Handle target, Open(target_path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  PROCTOR_RETURN_IF_ERROR(KeepStill(source.get(), source_path));
  std::unique_ptr<sqlite3_backup, FinishBackup> backup(sqlite3_backup_init(target.get(), "main", source.get(), "main"));
  if (backup == nullptr) return ErrorOf(sqlite3_extended_errcode(target.get()), target_path);
  PROCTOR_RETURN_IF_ERROR(CopyPages(context, backup.get(), source_path));
  const int end = sqlite3_backup_finish(backup.release());
  if (end != SQLITE_OK) return ErrorOf(end, absl::StrCat("copying ", source_path));
  return Sync(target_path);
}

absl::StatusOr<std::vector<std::string>> CheckSqliteDatabase(const CallContext& context, const std::string& directory) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string path, ExistingFile(directory));
  PROCTOR_ASSIGN_OR_RETURN(const auto connection, SqliteConnection::Open({.path = path}));
  PROCTOR_RETURN_IF_ERROR(connection->ExecuteScript("PRAGMA query_only=ON"));
  connection->set_context(&context);
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows, connection->Query("PRAGMA integrity_check", {}));
  std::vector<std::string> problems;
  for (const Row& row : rows) {
    if (row.Text(0) != "ok") problems.push_back(row.Text(0));
  }
  return problems;
}

}  // namespace proctor::storage
