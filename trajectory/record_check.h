// Whether records are whole: for whoever checks a data directory.
#ifndef PROCTOR_TRAJECTORY_RECORD_CHECK_H_
#define PROCTOR_TRAJECTORY_RECORD_CHECK_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "storage/database.h"

namespace proctor::trajectory {

struct RecordCheck {
  int64_t records = 0;
  int64_t steps = 0;
  // Whole records that a stopped server left open; the next start closes them.
  int64_t open = 0;
  // One a problem, with the record's name: a header or step that cannot be read, a gap in the steps, the first step that does not follow what
  // is before it, an end that is not what was recorded last, a digest that does not fit, steps without a record. None of them can be mended
  // but from a copy.
  std::vector<std::string> damage;
  // Digests; of damaged records those that are noted for them, too.
  std::set<std::string> named_blobs;
  // (record's id, digest): named by the record, but not noted as such, or the other way round.
  std::vector<std::pair<std::string, std::string>> unnoted_blobs;
  std::vector<std::pair<std::string, std::string>> noted_for_nothing;
  // The database could not tell which blobs some record needs: what seems to be needed by nobody may be needed.
  bool blobs_unknown = false;
  // What an interrupted deletion still has to delete.
  std::set<std::string> garbage;
};

// Reads all records, with each step's bytes. Calls `progress(done, all)` after each record. One that the database itself cannot read
// (DATA_LOSS) is damage, and the rest is read. Errors: the database's.
absl::StatusOr<RecordCheck> CheckRecords(const CallContext& context, storage::Database& database,
                                         const std::function<void(int64_t done, int64_t all)>& progress);

struct EpisodeCheck {
  int64_t episodes = 0;
  // One a problem, with the episode's name: a row that cannot be read, or that is not what its columns say. None of them can be mended but
  // from a copy.
  std::vector<std::string> damage;
};

// Reads all rows of episodes, some at a time. Calls `progress(done)` after each of these. Errors: the database's.
absl::StatusOr<EpisodeCheck> CheckEpisodes(const CallContext& context, storage::Database& database,
                                           const std::function<void(int64_t done)>& progress);

// Digests of all blobs that some record is noted to need.
absl::StatusOr<std::set<std::string>> NotedBlobs(const CallContext& context, storage::Database& database);

// Notes and unnotes what CheckRecords found. The only thing about records that can be mended.
absl::Status MendNotedBlobs(const CallContext& context, storage::Database& database, const RecordCheck& check);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_RECORD_CHECK_H_
