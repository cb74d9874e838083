// Who needs which blob right now: keeps collection from deleting a blob between its Put and the row that names it.
#ifndef PROCTOR_TRAJECTORY_BLOB_LEDGER_H_
#define PROCTOR_TRAJECTORY_BLOB_LEDGER_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/mutex.h"

namespace proctor::trajectory {

// How long a blob that came alone waits for the row that names it: longer than any episode.
inline constexpr absl::Duration kLooseBlobLife = absl::Hours(24);

// Thread-safe.
class BlobLedger {
 public:
  // Holds a blob until Unpin; pins are counted. Waits while the blob is being collected.
  absl::Status Pin(const CallContext& context, const std::string& digest);
  void Unpin(const std::string& digest);

  // Holds a blob that a later call will name, until `until`.
  void KeepUntil(const std::string& digest, absl::Time now, absl::Time until);
  // How many are held so; those whose time is over are forgotten now and then.
  size_t kept() const;

  // Claims a blob for deletion. False: somebody holds it. True: call EndCollect soon.
  bool BeginCollect(const std::string& digest, absl::Time now);
  void EndCollect(const std::string& digest);

 private:
  static constexpr size_t kMinSweep = 1024;

  mutable Mutex mutex_;
  CondVar collected_;
  std::map<std::string, int> pins_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, absl::Time> kept_ ABSL_GUARDED_BY(mutex_);
  // So many are swept: what has gone is then as much as what came.
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = kMinSweep;
  std::set<std::string> collecting_ ABSL_GUARDED_BY(mutex_);
};

// The pins of one call.
class BlobPins {
 public:
  explicit BlobPins(BlobLedger& ledger) : ledger_(ledger) {}
  ~BlobPins() {
    for (const std::string& digest : digests_) ledger_.Unpin(digest);
  }
  BlobPins(const BlobPins&) = delete;
  BlobPins& operator=(const BlobPins&) = delete;

  absl::Status Add(const CallContext& context, const std::string& digest) {
    absl::Status status = ledger_.Pin(context, digest);
    if (status.ok()) digests_.push_back(digest);
    return status;
  }

 private:
  BlobLedger& ledger_;
  std::vector<std::string> digests_;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_BLOB_LEDGER_H_
