// The reward log: immutable records with a growing offset.
#ifndef PROCTOR_REWARD_REWARD_LOG_H_
#define PROCTOR_REWARD_REWARD_LOG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "proctor/v1/reward.pb.h"
#include "proctor/v1/reward_service.pb.h"
#include "storage/database.h"
#include "storage/unreadable_records.h"

namespace proctor::reward {

// How much one read returns at most.
struct ReadLimits {
  // 1 to 1,000.
  int max_records = 100;
  // Reading stops after the record that passes this (one is always returned).
  int64_t max_bytes = 1 << 20;
};

struct LogBatch {
  std::vector<v1::RewardRecord> records;
  // Where to go on: moves past filtered records too.
  int64_t next_after_offset = 0;
  int64_t end_offset = 0;
  int64_t floor_offset = 0;
};

// What retention keeps.
struct RetentionOptions {
  // Records younger than this stay.
  absl::Duration min_age = absl::Hours(24 * 7);
  // What a consumer has not acknowledged stays while the consumer was seen (made, connected,
  // acknowledging) within this time. One that stays away for longer no longer holds the log.
  absl::Duration consumer_lifetime = absl::Hours(24 * 30);
};

// Success of a policy version, with what masked rewards leave open.
struct PolicyStats {
  std::string policy;
  std::string policy_version;
  int64_t valid = 0;
  int64_t succeeded = 0;
  int64_t masked = 0;
  std::map<v1::MaskReason, int64_t> masked_by_reason;
  // Of the valid ones; 0 if there are none.
  double success_rate = 0;
  // masked / (valid + masked).
  double masked_share = 0;
  // If all masked ones had failed, and if all had succeeded.
  double lower_bound = 0;
  double upper_bound = 0;
};

// Which rewards to count; empty fields do not filter. Splits as in ConsumerFilter: empty is TRAIN
// only.
struct StatsFilter {
  std::string policy = "";
  std::string policy_version = "";
  std::vector<v1::Split> splits = {};
};

// INVALID_ARGUMENT: unknown splits or delivery, more than 100 policies or environments.
absl::Status ValidateFilter(const v1::ConsumerFilter& filter);

// Thread-safe. Appending and reading block; see SubscriptionHub for streams, RewardPolls for ListRewards.
class RewardLog {
 public:
  // All outlive the log. Reads the log's bounds. `unreadable` gets the groups that turn out to be
  // damaged.
  static absl::StatusOr<std::unique_ptr<RewardLog>> Open(const CallContext& context,
                                                         storage::Database& database, Clock& clock,
                                                         storage::UnreadableRecords& unreadable);

  // Appends a reward (from MakeReward) and returns it with its offset and time. A `reward_id` that
  // is in the log is not appended again: the stored record is returned. The last reward of a group
  // also appends the GroupComplete record, in the same commit. Revisions (revision > 0) need
  // `supersedes` and touch no group.
  absl::StatusOr<v1::Reward> Append(const CallContext& context, const v1::Reward& reward);

  // The same within a transaction of the caller; after the commit call NotifyAppended.
  absl::StatusOr<v1::Reward> AppendWithin(storage::Transaction& transaction,
                                          const v1::Reward& reward);
  absl::Status NotifyAppended(const CallContext& context);

  // Ends groups whose deadline has come, as partial; call it when Groups::NextDeadline says.
  // Returns how many. After an error some may have ended, and listeners know.
  absl::StatusOr<int> EndExpiredGroups(const CallContext& context);

  // Records after an offset that pass the filter, in order. Scans a bounded part of the log, so
  // that it may return no record and still move on. OUT_OF_RANGE below the floor, with the floor,
  // and past the log's end, with the end; DATA_LOSS where the next record is damaged: those before it come first.
  absl::StatusOr<LogBatch> Read(const CallContext& context, int64_t after_offset,
                                const v1::ConsumerFilter& filter, const ReadLimits& limits = {});

  // The newest reward of a trajectory; NOT_FOUND, also after retention took it.
  absl::StatusOr<v1::Reward> GetByTrajectory(const CallContext& context,
                                             const std::string& trajectory);

  // Deletes what nobody needs any more, up to the first record that must stay, in parts between which others write; returns the new floor. After
  // an error a part may be gone. Of records that are gone,
  // `reward_id`s (a retried Append stays without effect), what Stats counts, and ended groups are kept until they are twice
  // `min_age` old.
  absl::StatusOr<int64_t> Trim(const CallContext& context, const RetentionOptions& options);

  // By policy and version, in that order. Only the newest revision of each trajectory counts. Goes back to twice the
  // retention.
  absl::StatusOr<std::vector<PolicyStats>> Stats(const CallContext& context,
                                                 const StatsFilter& filter);

  int64_t end_offset() const;

  // Calls `listener(end_offset)` after commits that appended, on the committing thread, without
  // locks. It must be quick. Returns an id for RemoveListener, after which it does not run any
  // more.
  uint64_t AddListener(std::function<void(int64_t)> listener);
  void RemoveListener(uint64_t id);

 private:
  RewardLog(storage::Database& database, Clock& clock, storage::UnreadableRecords& unreadable)
      : database_(database), clock_(clock), unreadable_(unreadable) {}

  void Announce(int64_t end_offset);

  storage::Database& database_;
  Clock& clock_;
  storage::UnreadableRecords& unreadable_;
  mutable Mutex mutex_;
  int64_t end_offset_ ABSL_GUARDED_BY(mutex_) = 0;
  // Held while listeners run, so that RemoveListener waits for them. Never taken under `mutex_`.
  Mutex listeners_mutex_;
  uint64_t next_listener_ ABSL_GUARDED_BY(listeners_mutex_) = 1;
  std::map<uint64_t, std::function<void(int64_t)>> listeners_ ABSL_GUARDED_BY(listeners_mutex_);
};

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_REWARD_LOG_H_
