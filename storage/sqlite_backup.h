// Copies and checks of the database file, also while a server works with it.
#ifndef PROCTOR_STORAGE_SQLITE_BACKUP_H_
#define PROCTOR_STORAGE_SQLITE_BACKUP_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::storage {

// Copies `<from>/proctor.db` as it is at one moment, with every commit of before, to `<to>/proctor.db`, which must not be there, and syncs
// it. Another process may go on writing: it waits for nothing, but its log cannot be shortened meanwhile. NOT_FOUND: no database;
// ALREADY_EXISTS; RESOURCE_EXHAUSTED disk full; DATA_LOSS corrupt file; CANCELLED, DEADLINE_EXCEEDED. After an error a part of the copy may be
// left behind.
absl::Status BackupSqliteDatabase(const CallContext& context, const std::string& from, const std::string& to);

// What SQLite finds wrong with `<directory>/proctor.db`; empty: nothing. Writes nothing to it. NOT_FOUND: no database; DATA_LOSS: it is none,
// or so corrupt that it cannot be looked at.
absl::StatusOr<std::vector<std::string>> CheckSqliteDatabase(const CallContext& context, const std::string& directory);

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_SQLITE_BACKUP_H_
