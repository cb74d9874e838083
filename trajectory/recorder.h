// Writes episodes down as they happen: what is acknowledged is durable.
#ifndef PROCTOR_TRAJECTORY_RECORDER_H_
#define PROCTOR_TRAJECTORY_RECORDER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/trajectory.pb.h"
#include "storage/database.h"
#include "trajectory/archive.h"
#include "trajectory/blob_ledger.h"
#include "trajectory/record_tables.h"

namespace proctor::trajectory {

// An answer to keep for retries of the same request; nothing is kept if `request_id` is empty. Ids live in one space:
// callers prefix them with the session.
using Replay = ReplayRow;

// Thread-safe: many episodes append at once and share commits. Every call returns when what it stores is durable; after
// an error nothing of the call is recorded. Pictures that come with bytes become blobs, synced before the row that
// names them; records never hold the bytes. A picture that comes without bytes must be stored already. A blob whose row could not
// be written is collected a day later; after kill -9, or on a full disk, once TrajectoryStore::NoteUnnamed has found it.
//
// Errors of all: INVALID_ARGUMENT a size limit, a digest that does not fit its bytes; FAILED_PRECONDITION the record is
// closed or names an unknown blob; NOT_FOUND no such record; RESOURCE_EXHAUSTED disk full; ALREADY_EXISTS the request
// id has an answer (but for Finish).
class Recorder {
 public:
  // `archive` outlives the recorder.
  explicit Recorder(Archive& archive) : archive_(archive) {}

  // Opens the record `header.name` with everything known at the start, credentials redacted, and the row of the
  // episode of the same id. ALREADY_EXISTS: the id is taken.
  absl::Status Begin(const CallContext& context, const v1::Trajectory& header,
                     const v1::Episode& episode, const Replay& replay);

  // Opens a record that has no episode.
  absl::Status BeginWithoutEpisode(const CallContext& context, const v1::Trajectory& header);

  // Step, blobs and replay in one transaction. ABORTED: `step.index` is not the next one. RecordIsFull (record_form.h): it does not fit.
  absl::Status Append(const CallContext& context, const std::string& episode_id,
                      const v1::Step& step, const Replay& replay);

  // Closes the record: end fields and evidence of `ending` are merged into it, digest and step count set. Returns its
  // header. `replay` replaces an answer that its request has.
  absl::StatusOr<v1::Trajectory> Finish(const CallContext& context, const std::string& episode_id,
                                        const v1::Trajectory& ending, const v1::Episode& episode,
                                        const Replay& replay);

  // The same, but ALREADY_EXISTS, and the record stays open, if the request has an answer.
  absl::StatusOr<v1::Trajectory> FinishFirst(const CallContext& context, const std::string& episode_id,
                                             const v1::Trajectory& ending, const v1::Episode& episode,
                                             const Replay& replay);

  // Closes a record that has no episode; returns its header.
  absl::StatusOr<v1::Trajectory> FinishWithoutEpisode(const CallContext& context,
                                                      const std::string& id,
                                                      const v1::Trajectory& ending,
                                                      const Replay& replay);

  // Stores bytes that a later call names (downloads); returns their digest. Kept for a day at least.
  absl::StatusOr<std::string> PutBlob(const CallContext& context, const std::string& bytes);

 private:
  // Pins and checks the blobs that an observation names, then stores the one that comes with its bytes, and drops the bytes. Returns
  // that one's digest; empty: none came.
  absl::StatusOr<std::string> StoreBlobs(const CallContext& context, v1::Observation& observation,
                                         BlobPins& pins);
  // Writes what names the blob `stored`, if it is not empty. If that fails, the blob is noted as loose.
  absl::Status WriteNaming(const CallContext& context, const std::string& stored,
                           const std::function<absl::Status(storage::Transaction&)>& work);
  absl::Status BeginRecord(const CallContext& context, const v1::Trajectory& header,
                           const v1::Episode* episode, const Replay& replay);

  Archive& archive_;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_RECORDER_H_
