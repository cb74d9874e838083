// The embedded database: one SQLite file in WAL mode, one writer thread with group commit, a pool of readers.
#ifndef PROCTOR_STORAGE_SQLITE_DATABASE_H_
#define PROCTOR_STORAGE_SQLITE_DATABASE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/commit_observer.h"
#include "storage/database.h"

namespace proctor::storage {

// What OpenSqliteDatabase needs.
struct SqliteDatabaseOptions {
  // The data directory; created if missing. The database is its file `proctor.db` (with `-wal` and `-shm` beside it).
  std::string directory = "";
  // How far a commit reaches.
  Durability durability = Durability::kPower;
  // Reads that run at once, 1 to 64; more wait.
  int max_readers = 8;
  // Write functions that share one commit at most, 1 to 10,000.
  int max_batch = 256;
  // How long to wait for a lock that another program (a backup, a shell) holds on the file.
  absl::Duration busy_timeout = absl::Seconds(5);
  // Largest database file; a write beyond it is RESOURCE_EXHAUSTED. 0: the disk is the limit.
  int64_t max_bytes = 0;
  // A registered SQLite VFS for fault injection; empty: the operating system's files.
  std::string vfs = "";
  // Told of every commit; may be null. Outlives the database.
  CommitObserver* observer = nullptr;
};

// Opens or creates the database and locks its directory while the database lives; destroy it after everything that
// uses it. The WAL of a crashed process is recovered here.
// FAILED_PRECONDITION: another process, named by its pid, holds the directory. DATA_LOSS: not a database, or corrupt.
//
// Costs (2 cores under load, local disk; bench/storage_bench.cc): a lone kPower write 2.9 ms, nearly all of it the disk's sync, a
// lone kProcess write 0.5 ms; 16 writers at once share commits: 2,900 and 4,100 writes/s.
absl::StatusOr<std::unique_ptr<Database>> OpenSqliteDatabase(const SqliteDatabaseOptions& options);

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_SQLITE_DATABASE_H_
