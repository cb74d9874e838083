// Counts the rewards that are appended to the log.
#ifndef PROCTOR_SERVER_REWARD_COUNTS_H_
#define PROCTOR_SERVER_REWARD_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "common/call_context.h"
#include "common/mutex.h"
#include "reward/reward_log.h"
#include "storage/unreadable_records.h"

namespace proctor::server {

// Thread-safe.
class RewardCounts {
 public:
  struct Counted {
    // By status and reason ("valid", ""; "masked", "client").
    std::map<std::pair<std::string, std::string>, int64_t> rewards;
    // Of the log; 0 before it was read.
    int64_t end = 0;
    int64_t floor = 0;
  };

  // Counts from the log's present end on. Both outlive it.
  RewardCounts(reward::RewardLog& log, storage::UnreadableRecords& unreadable);

  // All that was counted. Cost: a read of the rewards that came since the last time, as far as the context lets it. What retention was faster
  // to take is not counted; a damaged record is passed over and noted in `unreadable`.
  Counted Update(const CallContext& context);

 private:
  // Counts a part of what came. False: no more can be read just now.
  bool Advance(const CallContext& context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // On to the log's floor. False: it is not above.
  bool SkipTrimmed(const CallContext& context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One offset on, to the damaged record or nearer to it.
  void SkipDamaged(const CallContext& context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  reward::RewardLog& log_;
  storage::UnreadableRecords& unreadable_;
  // Held while rewards are counted: by one reader at a time.
  Mutex mutex_;
  int64_t up_to_ ABSL_GUARDED_BY(mutex_);
  Counted counted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_REWARD_COUNTS_H_
