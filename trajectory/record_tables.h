// Rows of records inside a transaction. Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_RECORD_TABLES_H_
#define PROCTOR_TRAJECTORY_RECORD_TABLES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "storage/database.h"

namespace proctor::trajectory {

// A step to be stored; made outside of the transaction.
struct StepRow {
  int64_t index = 0;
  // Of `bytes`. The row's digest follows from it and from the step before.
  std::string sha256;
  std::string bytes;
};
StepRow MakeStepRow(const v1::Step& step);

// A record without steps and how many steps it has.
struct RecordRow {
  v1::Trajectory header;
  int64_t step_count = 0;
  // Closed: the trajectory's. Open: the digest of its last step, or of its begin; empty for format version 1.
  std::string digest;
};

// The column `header` of a record. DATA_LOSS: it cannot be read, or is another record's.
absl::StatusOr<v1::Trajectory> ParseHeader(const std::string& id, const std::string& bytes);

// A new record, open or closed; `step_bytes` of the steps that it comes with. ALREADY_EXISTS: the id is taken.
absl::Status InsertRecord(storage::Transaction& transaction, const std::string& id,
                          const v1::Trajectory& header, int64_t step_bytes = 0);
// Of a record that is there; NOT_FOUND else.
absl::Status UpdateHeader(storage::Transaction& transaction, const std::string& id, const v1::Trajectory& header);
// A whole closed record. ALREADY_EXISTS: the id is taken.
absl::Status InsertClosedRecord(storage::Transaction& transaction, const std::string& id,
                                const v1::Trajectory& header, const std::vector<StepRow>& steps);
// NOT_FOUND; DATA_LOSS as ParseHeader.
absl::StatusOr<RecordRow> LoadRecord(storage::Transaction& transaction, const std::string& id);
// Bytes of its steps, as they are stored. NOT_FOUND. Costs some microseconds; of records of before these were counted, as many a step.
absl::StatusOr<int64_t> LoadStepBytes(storage::Transaction& transaction, const std::string& id);
// Appends to an open record. RecordIsFull; NOT_FOUND no record; FAILED_PRECONDITION closed, or begun by a program that linked no digests; ABORTED another
// index is next.
absl::Status InsertStep(storage::Transaction& transaction, const std::string& id,
                        const StepRow& step);
// Notes that the record names these blobs.
absl::Status InsertBlobs(storage::Transaction& transaction, const std::string& id,
                         const std::vector<std::string>& digests);
// Notes that these blobs came alone, now: they are collected a day later, if no record names them by then
// (TrajectoryStore::CollectLoose). One that a record names, or will name, may be noted too.
absl::Status NoteLoose(storage::Transaction& transaction, const std::vector<std::string>& digests, absl::Time now);
// An error ends the visit and is returned.
using StepVisit = std::function<absl::Status(v1::Step step)>;
// Calls `visit` with all steps of a record, one after another: no more than one is in memory. DATA_LOSS: one is missing or corrupt.
absl::Status ForEveryStep(storage::Transaction& transaction, const std::string& id, int64_t step_count, const StepVisit& visit);
// Steps [first, first + limit) in order. DATA_LOSS: one is missing or corrupt.
absl::StatusOr<std::vector<v1::Step>> LoadSteps(storage::Transaction& transaction,
                                                const std::string& id, int64_t first,
                                                int64_t limit);
// Merges `ending` (end fields, more evidence) into the open record, closes it and sets digest and step count.
// Returns the closed header. FAILED_PRECONDITION: it is closed; DATA_LOSS: its steps are not those that were appended.
absl::StatusOr<v1::Trajectory> CloseRecord(storage::Transaction& transaction,
                                           const std::string& id, const v1::Trajectory& ending);

// The column `episode` of an episode's row. DATA_LOSS: it cannot be read, or is another episode's.
absl::StatusOr<v1::Episode> ParseEpisode(const std::string& id, const std::string& bytes);
// Writes an episode's row, new or not.
absl::Status PutEpisode(storage::Transaction& transaction, const std::string& id,
                        const v1::Episode& episode);

// Keeps an answer for retries; nothing if `request_id` is empty. ALREADY_EXISTS: the id has an answer.
struct ReplayRow {
  std::string request_id;
  std::string request_digest;
  std::string response;
};
absl::Status InsertReplay(storage::Transaction& transaction, const ReplayRow& replay,
                          absl::Time now);
// The same, but replaces an answer that the id has.
absl::Status PutReplay(storage::Transaction& transaction, const ReplayRow& replay, absl::Time now);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_RECORD_TABLES_H_
