// Versions of the rooms' tables. Private to storage/.
#ifndef PROCTOR_STORAGE_MIGRATIONS_H_
#define PROCTOR_STORAGE_MIGRATIONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "storage/sqlite_connection.h"

namespace proctor::storage {

// Runs those of `migrations` that the room has not seen yet, inside the caller's transaction.
// FAILED_PRECONDITION: a newer program wrote these tables.
absl::Status RunMigrations(SqliteConnection& connection, std::string_view room,
                           const std::vector<std::string>& migrations);

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_MIGRATIONS_H_
