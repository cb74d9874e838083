// Tables and transactions: the seam behind which SQLite (and later PostgreSQL) stands.
//
// Rooms own their tables: each passes its migrations to Migrate once at start-up, and names its tables `<room>_...`.
// SQL is the common subset of SQLite 3.40 and PostgreSQL 15: parameters $1, $2, ...; BIGINT, DOUBLE PRECISION, TEXT and
// BYTEA columns; `INSERT ... ON CONFLICT`; no triggers, no engine functions. Times are BIGINT microseconds since 1970.
#ifndef PROCTOR_STORAGE_DATABASE_H_
#define PROCTOR_STORAGE_DATABASE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::storage {

// A BYTEA value, apart from text.
struct Bytes {
  std::string value;
};

// A column's value or a parameter; monostate is NULL.
using Value = std::variant<std::monostate, int64_t, double, std::string, Bytes>;

// A row of a result. Accessors return 0 or "" for NULL or another type.
class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}
  bool IsNull(size_t column) const;
  int64_t Int(size_t column) const;
  double Double(size_t column) const;
  // Text and Bytes alike.
  const std::string& Text(size_t column) const;
  // Of all its text and bytes.
  size_t Size() const;

 private:
  std::vector<Value> values_;
};

// Work inside one transaction; not thread-safe, dies with the function that it was handed to.
class Transaction {
 public:
  virtual ~Transaction() = default;
  // Runs a statement; returns the number of rows it changed.
  virtual absl::StatusOr<int64_t> Execute(std::string_view sql, const std::vector<Value>& parameters) = 0;
  // Whether to go on.
  using Visit = std::function<absl::StatusOr<bool>(Row row)>;
  // Runs a query and calls `visit` with one row after another, as they are read: no more than one is in memory. Ends early where `visit`
  // says so, or with its error. `visit` must not use the transaction.
  virtual absl::Status ForEach(std::string_view sql, const std::vector<Value>& parameters, const Visit& visit) = 0;
  // Runs a query and returns all its rows: for queries whose rows are few or small.
  absl::StatusOr<std::vector<Row>> Query(std::string_view sql, const std::vector<Value>& parameters);
};

// How far a commit reaches.
enum class Durability {
  // Survives a loss of power: synchronous=FULL.
  kPower,
  // Survives kill -9 only.
  kProcess,
};

// Thread-safe.
class Database {
 public:
  virtual ~Database() = default;

  // Brings the room's tables to the newest version. `migrations[i]` leads from version i to i+1; each may hold several
  // statements and runs in one transaction with the version's update. Never edit a released migration: append.
  virtual absl::Status Migrate(std::string_view room, const std::vector<std::string>& migrations) = 0;

  // Runs `work` in a write transaction and returns when it is durable. Writers that wait share one commit (group
  // commit): each runs in a savepoint of its own, so one's failure undoes only its own work. `work` runs on the
  // writer thread: no I/O but SQL, no locks that a caller of Write holds. A failed commit fails all that shared it.
  // Errors: what `work` returned; DEADLINE_EXCEEDED or CANCELLED before it began (once begun it is waited for);
  // RESOURCE_EXHAUSTED disk full; DATA_LOSS corrupt file.
  virtual absl::Status Write(const CallContext& context,
                             const std::function<absl::Status(Transaction&)>& work) = 0;

  // Runs `work` on a snapshot. Never waits for writers. Several at once.
  virtual absl::Status Read(const CallContext& context,
                            const std::function<absl::Status(Transaction&)>& work) = 0;
};

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_DATABASE_H_
