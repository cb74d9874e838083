#include "storage/query_file.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::storage {
namespace {

constexpr size_t kMaxQuery = 100'000;
// Virtual machine instructions between two looks at the context: some tens of microseconds.
constexpr int kProgressInterval = 10'000;
// One value; a row is at most the whole result.
constexpr int kMaxValueBytes = 4 << 20;
// Virtual machine instructions of a query. Each value that it holds at a time takes some of them: a hundred thousand characters of SQL could
// name thousands. A join of ten tables with groups has some hundreds.
constexpr int kMaxInstructions = 2'000;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using DatabasePointer = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementPointer = std::unique_ptr<sqlite3_stmt, FinishStatement>;

int OnProgress(void* context) { return static_cast<const CallContext*>(context)->Check("a query").ok() ? 0 : 1; }

// Only what a SELECT needs. Functions that reach outside the database are refused by name.
int Authorize(void*, int action, const char*, const char* name, const char*, const char*) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION: {
      const std::string_view function = name == nullptr ? "" : name;
      return function == "load_extension" || function == "readfile" || function == "writefile" || function == "edit" ||
                     function == "fts3_tokenizer"
                 ? SQLITE_DENY
                 : SQLITE_OK;
    }
    default:
      return SQLITE_DENY;
  }
}

absl::Status ErrorOf(const CallContext& context, sqlite3* database, int code) {
  const std::string text = SanitizeUtf8(TruncateUtf8(sqlite3_errmsg(database), 300));
  switch (code & 0xff) {
    case SQLITE_INTERRUPT: {
      const absl::Status over = context.Check("a query");
      return over.ok() ? absl::CancelledError("the query was interrupted") : over;
    }
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return absl::DataLossError(absl::StrCat("not a database, or a broken one: ", text));
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM:
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(absl::StrCat("the query takes too much: ", text));
    default:
      return absl::InvalidArgumentError(absl::StrCat("the query was refused: ", text));
  }
}

absl::StatusOr<DatabasePointer> Open(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return absl::NotFoundError(absl::StrCat("there is no file ", path));
  if (!S_ISREG(info.st_mode)) return absl::DataLossError(absl::StrCat(path, " is no file"));
  // An empty file is an empty database to SQLite; to who asks it is none.
  if (info.st_size == 0) return absl::DataLossError("not a database: the file is empty");
  // Not READONLY: a write-ahead log could not be read. What the query may do is the authorizer's.
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  DatabasePointer database(handle);
  if (code != SQLITE_OK) return absl::DataLossError(absl::StrCat("the database cannot be opened: ", sqlite3_errstr(code)));
  sqlite3_extended_result_codes(handle, 1);
  // Schemas may hold triggers and views that their author wrote for us to run.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(handle, SQLITE_LIMIT_VDBE_OP, kMaxInstructions);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, static_cast<int>(kMaxQuery));
  return database;
}

Json ValueOf(sqlite3_stmt* statement, int column) {
  // In this order: whoever asks for a number's bytes makes a text of it.
  const auto bytes = [&](const void* data) {
    const size_t size = data == nullptr ? 0 : static_cast<size_t>(sqlite3_column_bytes(statement, column));
    return std::string_view(size == 0 ? "" : static_cast<const char*>(data), size);
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return SanitizeUtf8(bytes(sqlite3_column_text(statement, column)));
    case SQLITE_BLOB:
      return absl::Base64Escape(ToAbsl(bytes(sqlite3_column_blob(statement, column))));
    default:
      return Json();
  }
}

absl::Status TooManyBytes() { return absl::ResourceExhaustedError("the query gives over 16 MiB: select less, or add a LIMIT"); }

// The row as JSON. A row may have thousands of values: those that are too much together are not all read.
absl::StatusOr<std::string> RowOf(sqlite3_stmt* statement) {
  Json row = Json::object();
  size_t bytes = 0;
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    const char* name = sqlite3_column_name(statement, i);
    Json& value = row[SanitizeUtf8(name == nullptr ? "" : name)];
    value = ValueOf(statement, i);
    if (value.is_string()) bytes += value.get_ref<const std::string&>().size();
    if (bytes > kMaxQueryFileBytes) return TooManyBytes();
  }
  return DumpJson(row);
}

absl::StatusOr<StatementPointer> Prepare(const CallContext& context, sqlite3* database, const std::string& query) {
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v2(database, query.data(), static_cast<int>(query.size()), &raw, &tail);
  StatementPointer statement(raw);
  if (code != SQLITE_OK) return ErrorOf(context, database, code);
  if (statement == nullptr) return absl::InvalidArgumentError("the query is empty: give one SELECT");
  const std::string_view rest(tail, query.data() + query.size() - tail);
  if (rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return absl::InvalidArgumentError("the query has more than one statement: give one SELECT");
  }
  if (sqlite3_column_count(raw) == 0 || sqlite3_stmt_readonly(raw) == 0 || sqlite3_stmt_isexplain(raw) != 0) {
    return absl::InvalidArgumentError("the query is no SELECT");
  }
  return statement;
}

}  // namespace

absl::StatusOr<std::string> QueryFile(const CallContext& context, const std::string& path, const std::string& query) {
  PROCTOR_RETURN_IF_ERROR(context.Check("a query"));
  if (query.size() > kMaxQuery || query.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("the query is longer than 100000 bytes or has a zero byte");
  }
  PROCTOR_ASSIGN_OR_RETURN(const DatabasePointer database, Open(path));
  sqlite3_progress_handler(database.get(), kProgressInterval, &OnProgress, const_cast<CallContext*>(&context));
  sqlite3_set_authorizer(database.get(), &Authorize, nullptr);
  PROCTOR_ASSIGN_OR_RETURN(const StatementPointer statement, Prepare(context, database.get(), query));
  std::string rows = "[";
  for (int count = 0;; ++count) {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return rows + "]";
    if (code != SQLITE_ROW) return ErrorOf(context, database.get(), code);
    if (count == kMaxQueryFileRows) return absl::ResourceExhaustedError("the query gives over 10000 rows: add a LIMIT");
    PROCTOR_ASSIGN_OR_RETURN(const std::string row, RowOf(statement.get()));
    // With the columns' names, which may be long: what comes back is counted as it comes back.
    if (rows.size() + row.size() + 2 > kMaxQueryFileBytes) return TooManyBytes();
    absl::StrAppend(&rows, count > 0 ? "," : "", row);
  }
}

}  // namespace proctor::storage
