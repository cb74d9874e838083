// Answers kept for retries.
#ifndef PROCTOR_TRAJECTORY_REPLAY_STORE_H_
#define PROCTOR_TRAJECTORY_REPLAY_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "trajectory/archive.h"
#include "trajectory/recorder.h"

namespace proctor::trajectory {

// Thread-safe.
class ReplayStore {
 public:
  // `archive` outlives the store.
  explicit ReplayStore(Archive& archive) : archive_(archive) {}

  // The answer of a request, if there is one. The caller compares `request_digest`.
  absl::StatusOr<std::optional<Replay>> Find(const CallContext& context,
                                             const std::string& request_id);

  // Keeps an answer that changes no record, in place of one that its request has.
  absl::Status Save(const CallContext& context, const Replay& replay);

  // Drops the answers of each session (the part of the request id before the first slash) whose
  // newest is older than `before` and that `is_live` does not know; returns how many. `is_live` is
  // called in the transaction: no I/O.
  absl::StatusOr<int64_t> Prune(const CallContext& context, absl::Time before,
                                const std::function<bool(const std::string& session)>& is_live);

 private:
  Archive& archive_;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_REPLAY_STORE_H_
