// This room's tables.
#ifndef PROCTOR_MODEL_TABLES_H_
#define PROCTOR_MODEL_TABLES_H_

#include "absl/status/status.h"
#include "storage/database.h"

namespace proctor::model {

// Brings this room's tables to the newest version. Call once at start-up, before the client is made.
absl::Status MigrateTables(storage::Database& database);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_TABLES_H_
