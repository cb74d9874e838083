// Copies a data directory while its server works, or not: `proctord --backup DIR`.
#ifndef PROCTOR_SERVER_BACKUP_H_
#define PROCTOR_SERVER_BACKUP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::server {

struct BackupResult {
  int64_t blobs = 0;
  int64_t bytes = 0;
  // Digests of blobs that the database names and that are not there, or that the disk cannot read: the copy lacks them as well.
  std::vector<std::string> lost;
};

// Copies database, blobs, secret and audit log to `target`, which must be missing or empty (made with mode 0700). The copy is a data directory of
// the moment at which its database was copied, with every blob that it names and that is there; the file `backup.json`, written last, says that it
// is whole, but for `lost` blobs.
// What was acknowledged before the call is in it. Not in it: `exchange/`, the configuration, traces.
//
// The server may go on: it waits for nothing. Blobs deleted meanwhile only cost another round. `progress(done, all)` counts blobs.
// Errors: NOT_FOUND no data directory; ALREADY_EXISTS something is in `target`; RESOURCE_EXHAUSTED disk full; ABORTED blobs are deleted
// faster than they are copied.
absl::StatusOr<BackupResult> Backup(const CallContext& context, const std::string& directory, const std::string& target,
                                    const std::function<void(int64_t done, int64_t all)>& progress);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_BACKUP_H_
