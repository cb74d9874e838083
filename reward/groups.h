// Groups: a declared number of episodes of one task, delivered together.
#ifndef PROCTOR_REWARD_GROUPS_H_
#define PROCTOR_REWARD_GROUPS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/reward.pb.h"
#include "storage/database.h"
#include "storage/unreadable_records.h"

namespace proctor::reward {

// What the log has to know of the group's task.
struct GroupTask {
  v1::Split split = v1::SPLIT_TRAIN;
  // `environments/{id}`.
  std::string environment = "";
};

// The life of groups but for their completion, which RewardLog::Append does in the last reward's
// transaction. One whose row cannot be read gives DATA_LOSS, and is noted in `unreadable`.
// Thread-safe.
class Groups {
 public:
  // All outlive it.
  Groups(storage::Database& database, Clock& clock, storage::UnreadableRecords& unreadable)
      : database_(database), clock_(clock), unreadable_(unreadable) {}

  // Stores a group with its defaults filled in. `group.name` may be given (to make retries safe) or
  // is made; a name that exists returns what is stored, if the same request made it.
  // INVALID_ARGUMENT: another one did, no task, a size outside 1 to 1,024, a deadline that has
  // passed or is more than 30 days from now.
  absl::StatusOr<v1::Group> Create(const CallContext& context, const v1::Group& group,
                                   const GroupTask& task);

  // INVALID_ARGUMENT malformed name; NOT_FOUND.
  absl::StatusOr<v1::Group> Get(const CallContext& context, const std::string& name);

  // Takes a place for an episode before it starts. Idempotent by `trajectory`.
  // NOT_FOUND; FAILED_PRECONDITION: all places are taken, or the group is over; INVALID_ARGUMENT:
  // another task or policy than the group's.
  absl::Status Admit(const CallContext& context, const std::string& group,
                     const std::string& trajectory, const std::string& task,
                     const v1::PolicyRef& policy);

  // Gives the place of an episode back that never started. OK if it has none.
  absl::Status Withdraw(const CallContext& context, const std::string& group,
                        const std::string& trajectory);

  // Places of open groups whose episode has no reward yet. After a crash some may belong to episodes that never started.
  struct Place {
    std::string group;
    std::string trajectory;
  };
  absl::StatusOr<std::vector<Place>> ListWaiting(const CallContext& context);

  // When the next open group ends; nothing if none is open.
  absl::StatusOr<std::optional<absl::Time>> NextDeadline(const CallContext& context);

 private:
  storage::Database& database_;
  Clock& clock_;
  storage::UnreadableRecords& unreadable_;
};

// Inside a transaction of the log, before the reward is inserted: will its group's GroupComplete
// record list it? Not if the group is unknown, damaged, over or full, or if another episode will replace a
// masked one: then it goes to everybody on its own.
absl::StatusOr<bool> WillBeListed(storage::Transaction& transaction, const v1::Reward& reward,
                                  storage::UnreadableRecords& unreadable);

// Inside a transaction of the log: a reward of a group arrived with its offset. Appends the
// GroupComplete record if it was the last one. A reward of an episode that was not admitted takes a
// place if one is left and its task and policy are the group's.
absl::Status AddToGroup(storage::Transaction& transaction, const v1::Reward& reward,
                        absl::Time now, storage::UnreadableRecords& unreadable);

// Inside a transaction of the log: ends open groups whose deadline has come, with a GroupComplete
// record marked partial; at most `limit`. Returns how many. One whose row is damaged ends with what
// can be told of it (its size is then the number of places taken), once; its body stays as it is. A
// member's reward that cannot be read is left out. Both are noted in `unreadable`.
absl::StatusOr<int> EndExpiredGroups(storage::Transaction& transaction, absl::Time now, int limit,
                                     storage::UnreadableRecords& unreadable);

// Inside a transaction of the log: deletes ended groups whose deadline was before `before` and whose records, its members' and its
// GroupComplete, lie at or below `floor`.
absl::Status ForgetEndedGroups(storage::Transaction& transaction, int64_t floor, absl::Time before);

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_GROUPS_H_
