// Named readers of the reward log.
#ifndef PROCTOR_REWARD_CONSUMERS_H_
#define PROCTOR_REWARD_CONSUMERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
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

// A consumer as a stream needs it.
struct ConsumerPosition {
  v1::ConsumerFilter filter;
  int64_t committed = 0;
  // Changes with each seek, and is another one's if the consumer is deleted and made again: an ack of before that does not count.
  int64_t epoch = 0;
  int64_t end_offset = 0;
};

// Creation, positions, deletion. Thread-safe.
class Consumers {
 public:
  // All outlive it.
  Consumers(storage::Database& database, Clock& clock, storage::UnreadableRecords& unreadable)
      : database_(database), clock_(clock), unreadable_(unreadable) {}

  // The same name with the same filter returns what is stored, wherever it stands by now.
  // INVALID_ARGUMENT: the id is not `[a-z0-9][a-z0-9._-]{0,63}`, the filter; ALREADY_EXISTS:
  // another filter; OUT_OF_RANGE: a start below the floor or past the end.
  absl::StatusOr<v1::Consumer> Create(const CallContext& context,
                                      const v1::CreateConsumerRequest& request);

  // NOT_FOUND; ABORTED while a stream is connected; OUT_OF_RANGE as above.
  absl::StatusOr<v1::Consumer> Seek(const CallContext& context,
                                    const v1::SeekConsumerRequest& request);

  absl::StatusOr<v1::Consumer> Get(const CallContext& context, const std::string& name);
  // By name, at most 1,000. Those whose rows cannot be read are left out and noted in `unreadable`; they can be deleted.
  absl::StatusOr<std::vector<v1::Consumer>> List(const CallContext& context);

  // Also ends its stream (NOT_FOUND). NOT_FOUND.
  absl::Status Delete(const CallContext& context, const std::string& name);

  // For streams: reads the position and notes that the consumer was seen. NOT_FOUND; OUT_OF_RANGE
  // with the floor if retention went past the position.
  absl::StatusOr<ConsumerPosition> Attach(const CallContext& context, const std::string& name);

  // For streams: everything up to `offset` is safe. Never goes back; of another epoch it does
  // nothing. Returns the position in force. NOT_FOUND; OUT_OF_RANGE past the end.
  absl::StatusOr<int64_t> Commit(const CallContext& context, const std::string& name, int64_t epoch,
                                 int64_t offset);

  // Notes that connected consumers are there, however long they have acknowledged nothing, and until when those were there that have left
  // since the last time. Before each Trim.
  absl::Status TouchConnected(const CallContext& context);

  // For streams: whether one is connected.
  void SetConnected(const std::string& name, bool connected);
  // Called with the name after a deletion. Set once, before use.
  void OnDeleted(std::function<void(const std::string&)> listener);

 private:
  bool IsConnected(const std::string& name) const;

  storage::Database& database_;
  Clock& clock_;
  storage::UnreadableRecords& unreadable_;
  mutable Mutex mutex_;
  std::set<std::string> connected_ ABSL_GUARDED_BY(mutex_);
  // Those of them that exist: anybody may name others.
  std::set<std::string> attached_ ABSL_GUARDED_BY(mutex_);
  // When they left, which TouchConnected has still to note; of consumers that exist.
  std::map<std::string, absl::Time> left_ ABSL_GUARDED_BY(mutex_);
  std::function<void(const std::string&)> on_deleted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_CONSUMERS_H_
