// What all parts of this room share: the tables, the blobs and who needs which of them.
#ifndef PROCTOR_TRAJECTORY_ARCHIVE_H_
#define PROCTOR_TRAJECTORY_ARCHIVE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "storage/blob_store.h"
#include "storage/database.h"
#include "storage/unreadable_records.h"
#include "trajectory/blob_ledger.h"

namespace proctor::trajectory {

// One a server. Thread-safe.
class Archive {
 public:
  // Brings the tables up to date. `database`, `blobs` and `clock` outlive the archive.
  static absl::StatusOr<std::unique_ptr<Archive>> Open(storage::Database& database,
                                                       storage::BlobStore& blobs, Clock& clock);

  storage::Database& database() { return database_; }
  storage::BlobStore& blobs() { return blobs_; }
  Clock& clock() { return clock_; }
  BlobLedger& ledger() { return ledger_; }
  storage::UnreadableRecords& unreadable() { return unreadable_; }

 private:
  Archive(storage::Database& database, storage::BlobStore& blobs, Clock& clock)
      : database_(database), blobs_(blobs), clock_(clock) {}

  storage::Database& database_;
  storage::BlobStore& blobs_;
  Clock& clock_;
  BlobLedger ledger_;
  storage::UnreadableRecords unreadable_;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_ARCHIVE_H_
