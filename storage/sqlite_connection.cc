#include "storage/sqlite_connection.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::storage {
namespace {

constexpr size_t kMaxCachedStatements = 128;
// Virtual machine instructions between two looks at the context: some tens of microseconds.
constexpr int kProgressInterval = 10'000;

absl::StatusCode CodeOfConstraint(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kFailedPrecondition;
  }
}

absl::StatusCode CodeOfIoError(int extended, int system_error) {
  if (extended == SQLITE_IOERR_CORRUPTFS || extended == SQLITE_IOERR_DATA) {
    return absl::StatusCode::kDataLoss;
  }
  if (system_error == ENOSPC || system_error == EDQUOT) {
    return absl::StatusCode::kResourceExhausted;
  }
  return absl::StatusCode::kUnavailable;
}

absl::StatusCode CodeOf(int extended, int system_error) {
  switch (extended & 0xff) {
    case SQLITE_CONSTRAINT:
      return CodeOfConstraint(extended);
    case SQLITE_IOERR:
      return CodeOfIoError(extended, system_error);
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::StatusCode::kUnavailable;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return absl::StatusCode::kFailedPrecondition;
    case SQLITE_TOOBIG:
      return absl::StatusCode::kInvalidArgument;
    default:
      return absl::StatusCode::kInternal;
  }
}

int BindOne(sqlite3_stmt* statement, int index, const Value& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    return sqlite3_bind_int64(statement, index, *number);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return sqlite3_bind_double(statement, index, *number);
  }
  // Static: the parameters outlive the statement's run, and bindings are cleared after it.
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
  if (const auto* bytes = std::get_if<Bytes>(&value)) {
    return sqlite3_bind_blob64(statement, index, bytes->value.data(), bytes->value.size(),
                               SQLITE_STATIC);
  }
  return sqlite3_bind_null(statement, index);
}

Value Column(sqlite3_stmt* statement, int column) {
  const auto text = [&](const void* data) {
    return std::string(static_cast<const char*>(data), sqlite3_column_bytes(statement, column));
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return text(sqlite3_column_text(statement, column));
    case SQLITE_BLOB: {
      const void* data = sqlite3_column_blob(statement, column);
      return data == nullptr ? Bytes{} : Bytes{text(data)};
    }
    default:
      return std::monostate();
  }
}

// Makes a cached statement ready for its next run, however this one ended.
class StatementReset {
 public:
  explicit StatementReset(sqlite3_stmt* statement) : statement_(statement) {}
  ~StatementReset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(
    const SqliteConnectionOptions& options) {
  sqlite3* handle = nullptr;
  // No mutex: a connection is used by one thread at a time.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(options.path.c_str(), &handle, flags,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (handle == nullptr) return absl::ResourceExhaustedError("no memory for a database connection");
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle));
  sqlite3_extended_result_codes(handle, 1);
  if (code != SQLITE_OK) {
    return connection->Error(code, absl::StrCat("cannot open ", options.path));
  }
  sqlite3_busy_timeout(handle, static_cast<int>(absl::ToInt64Milliseconds(options.busy_timeout)));
  sqlite3_progress_handler(handle, kProgressInterval, &OnProgress, connection.get());
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

int SqliteConnection::OnProgress(void* connection) {
  const CallContext* context = static_cast<SqliteConnection*>(connection)->context_;
  return context != nullptr && !context->Check("query").ok() ? 1 : 0;
}

bool SqliteConnection::InTransaction() const { return sqlite3_get_autocommit(handle_) == 0; }

absl::Status SqliteConnection::Error(int code, std::string_view what) const {
  if ((code & 0xff) == SQLITE_INTERRUPT && context_ != nullptr) {
    absl::Status status = context_->Check("query");
    if (!status.ok()) return status;
  }
  const int system_error = sqlite3_system_errno(handle_);
  return absl::Status(CodeOf(code, system_error),
                      absl::StrCat(ToAbsl(what), ": ", sqlite3_errmsg(handle_), " (SQLite ", code,
                                   system_error == 0 ? "" : absl::StrCat(", errno ", system_error),
                                   ")"));
}

absl::StatusOr<sqlite3_stmt*> SqliteConnection::Prepare(std::string_view sql) {
  const auto found = statement_by_sql_.find(sql);
  if (found != statement_by_sql_.end()) {
    statements_.splice(statements_.begin(), statements_, found->second);
    return found->second->second;
  }
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, &tail);
  if (code != SQLITE_OK) return Error(code, "malformed or failed statement");
  const std::string_view rest(tail, static_cast<size_t>(sql.data() + sql.size() - tail));
  if (statement == nullptr || rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    sqlite3_finalize(statement);
    return absl::InternalError("exactly one SQL statement a call");
  }
  statements_.emplace_front(std::string(sql), statement);
  statement_by_sql_.emplace(statements_.front().first, statements_.begin());
  if (statements_.size() > kMaxCachedStatements) {
    statement_by_sql_.erase(statements_.back().first);
    sqlite3_finalize(statements_.back().second);
    statements_.pop_back();
  }
  return statement;
}

absl::Status SqliteConnection::Bind(sqlite3_stmt* statement, const std::vector<Value>& parameters) {
  const int count = sqlite3_bind_parameter_count(statement);
  for (int index = 1; index <= count; ++index) {
    // SQLite numbers "$2" by its first occurrence: only its name says which parameter is meant.
    const char* name = sqlite3_bind_parameter_name(statement, index);
    size_t number = 0;
    if (name == nullptr || name[0] != '$' || !absl::SimpleAtoi(name + 1, &number) || number < 1 ||
        number > parameters.size()) {
      return absl::InternalError(absl::StrCat("no value for the parameter ",
                                              name == nullptr ? "?" : name, " among ",
                                              parameters.size()));
    }
    const int code = BindOne(statement, index, parameters[number - 1]);
    if (code != SQLITE_OK) return Error(code, "cannot bind a parameter");
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> SqliteConnection::Execute(std::string_view sql,
                                                  const std::vector<Value>& parameters) {
  PROCTOR_ASSIGN_OR_RETURN(sqlite3_stmt* statement, Prepare(sql));
  const StatementReset reset(statement);
  PROCTOR_RETURN_IF_ERROR(Bind(statement, parameters));
  int code = sqlite3_step(statement);
  while (code == SQLITE_ROW) code = sqlite3_step(statement);
  if (code != SQLITE_DONE) return Error(code, "statement failed");
  return sqlite3_stmt_readonly(statement) ? 0 : sqlite3_changes64(handle_);
}

absl::Status SqliteConnection::ForEach(std::string_view sql, const std::vector<Value>& parameters, const Visit& visit) {
  PROCTOR_ASSIGN_OR_RETURN(sqlite3_stmt* statement, Prepare(sql));
  const StatementReset reset(statement);
  PROCTOR_RETURN_IF_ERROR(Bind(statement, parameters));
  int code = sqlite3_step(statement);
  for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
    std::vector<Value> values(static_cast<size_t>(sqlite3_column_count(statement)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = Column(statement, static_cast<int>(i));
    PROCTOR_ASSIGN_OR_RETURN(const bool go_on, visit(Row(std::move(values))));
    if (!go_on) return absl::OkStatus();
  }
  return code == SQLITE_DONE ? absl::OkStatus() : Error(code, "query failed");
}

absl::Status SqliteConnection::ExecuteScript(std::string_view sql) {
  const std::string script(sql);
  const int code = sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code, "script failed");
}

}  // namespace proctor::storage
