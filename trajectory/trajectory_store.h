// Reads, lists and deletes records.
#ifndef PROCTOR_TRAJECTORY_TRAJECTORY_STORE_H_
#define PROCTOR_TRAJECTORY_TRAJECTORY_STORE_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/mutex.h"
#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/trajectory_service.pb.h"
#include "trajectory/archive.h"

namespace proctor::trajectory {

// Thread-safe. Names are `trajectories/{id}`; INVALID_ARGUMENT for others, NOT_FOUND, DATA_LOSS for a corrupt record.
class TrajectoryStore {
 public:
  // `archive` outlives the store.
  explicit TrajectoryStore(Archive& archive) : archive_(archive) {}

  // A whole record, open or closed. FAILED_PRECONDITION: its steps have more than kMaxAllStepsBytes, as a record of before this was a limit
  // may.
  absl::StatusOr<v1::Trajectory> Get(const CallContext& context, const std::string& name);
  // Without steps.
  absl::StatusOr<v1::Trajectory> GetHeader(const CallContext& context, const std::string& name);
  // Bytes of its steps as they are stored: about what a Get takes. Cheap.
  absl::StatusOr<int64_t> StepBytes(const CallContext& context, const std::string& name);
  // Calls `visit` with one step after another; no more than one is in memory. Its error ends the visit and is returned. It must not use the
  // store.
  absl::Status ForEachStep(const CallContext& context, const std::string& name, const std::function<absl::Status(v1::Step step)>& visit);
  // Steps from `first` on, `limit` at most; fewer at the end.
  absl::StatusOr<std::vector<v1::Step>> GetSteps(const CallContext& context,
                                                 const std::string& name, int64_t first,
                                                 int64_t limit);

  struct Page {
    // Without steps.
    std::vector<v1::Trajectory> trajectories;
    // Names of those that were left out, since their headers cannot be read.
    std::vector<std::string> unreadable;
    // Empty on the last page.
    std::string next_page_token;
  };
  // Newest first. `page_size` 0 means 50, at most 1,000; a page also ends when its records have 2 MiB (storage/page.h), so that
  // it fits a message. A record whose header cannot be read is in `unreadable` and noted in Archive::unreadable, so a page may have
  // fewer records than are to come, or none. INVALID_ARGUMENT for a foreign page token.
  absl::StatusOr<Page> List(const CallContext& context, const v1::TrajectoryFilter& filter,
                            int page_size, const std::string& page_token);

  // Deletes a closed record and the blobs that no other record names. Its episode's row stays. Once the record is gone it is OK: blobs for
  // which the time was too short go with the next collection. FAILED_PRECONDITION: open.
  absl::Status Delete(const CallContext& context, const std::string& name);

  // Deletes the blobs that only observations before the last three of a closed record name, as Delete does, and notes it as thinned at `now`;
  // nothing if it is thin already. FAILED_PRECONDITION: open.
  absl::Status Thin(const CallContext& context, const std::string& name, absl::Time now);

  // Closes a record that its recorder gave up, as interrupted for this reason, and its episode; nothing if it is closed. NOT_FOUND; DATA_LOSS:
  // too damaged, and noted as such.
  absl::Status CloseAbandoned(const CallContext& context, const std::string& name, v1::EndReason reason, const std::string& message);

  // At start-up, before anything is recorded: closes what a stopped server left open (INTERRUPTED, SERVER_FAULT, with the
  // steps that were acknowledged), their episodes too, and goes on with interrupted deletions for 10 s at most. Returns the names closed. A
  // record that is too damaged to be closed, or that the database cannot read, stays open, though its episode ends like the others; an
  // episode's row that cannot be read or changed stays as it is. Both are noted in Archive::unreadable.
  absl::StatusOr<std::vector<std::string>> CloseInterrupted(const CallContext& context);

  // Collects the blobs that came alone over kLooseBlobLife ago and that no record names, and what deletions and earlier collections left.
  // Blocks.
  absl::Status CollectLoose(const CallContext& context);

  // Finds the blobs of the last three days that neither a record nor a note knows, as kill -9 between a blob and its row leaves them, and notes
  // them as having come alone now, for CollectLoose. (Older ones are left: where the database is damaged they may be needed, and fsck tells.) Blocks: lists all blobs, and looks each up in three indexes.
  absl::Status NoteUnnamed(const CallContext& context);

  // Those of `ids` (at most 500) that no record has.
  absl::StatusOr<std::vector<std::string>> Missing(const CallContext& context, const std::vector<std::string>& ids);

 private:
  absl::Status CloseOne(const CallContext& context, const std::string& id, v1::EndReason reason, const std::string& message);
  // Of a record that is too damaged to be closed: nobody works on its episode any longer.
  absl::Status EndEpisodeAlone(const CallContext& context, const std::string& id);
  // Of a few.
  absl::Status NoteUnnamedOf(const CallContext& context, const std::vector<std::string>& digests);
  // What cannot be deleted stays noted as garbage, for the next time.
  absl::Status CollectGarbage(const CallContext& context);
  // The same, where a failure is nobody's: the next collection goes on.
  void CollectWhatCanBe(const CallContext& context);
  // Of those that the ledger lets collect.
  absl::Status CollectClaimed(const CallContext& context, const std::vector<std::string>& digests);
  // False: it cannot be, which the log tells once.
  bool DeleteBlob(const std::string& digest);

  Archive& archive_;
  Mutex mutex_;
  // Digests the log was told of.
  std::set<std::string> undeletable_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_TRAJECTORY_STORE_H_
