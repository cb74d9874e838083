// Answers kept for retries.
#ifndef PROCTOR_TRAJECTORY_REPLAY_STORE_H_
#define PROCTOR_TRAJECTORY_REPLAY_STORE_H_

#include <cstdint>
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

  // Keeps an answer that belongs to no record (CreateSession). ALREADY_EXISTS.
  absl::Status Save(const CallContext& context, const Replay& replay);

  // Drops answers made before `before`; returns how many.
  absl::StatusOr<int64_t> Prune(const CallContext& context, absl::Time before);

 private:
  Archive& archive_;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_REPLAY_STORE_H_
