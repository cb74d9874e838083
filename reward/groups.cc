#include "reward/groups.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "reward/tables.h"

namespace proctor::reward {
namespace {

constexpr int kMaxGroupSize = 1024;
constexpr absl::Duration kDefaultDeadline = absl::Hours(1);
// A group is kept until its deadline, and as long as retention says after that.
constexpr absl::Duration kLongestDeadline = absl::Hours(24 * 30);

// A group as stored.
struct StoredGroup {
  std::string id;
  v1::Group group;
  v1::Split split = v1::SPLIT_TRAIN;
  std::string environment;
};

// One that cannot be read is noted.
absl::StatusOr<StoredGroup> FromRow(const storage::Row& row,
                                    storage::UnreadableRecords& unreadable) {
  StoredGroup stored;
  stored.id = row.Text(0);
  stored.split = static_cast<v1::Split>(row.Int(1));
  stored.environment = row.Text(2);
  absl::StatusOr<v1::Group> group = ParseGroup(stored.id, row.Text(3));
  if (!group.ok()) {
    unreadable.Note(ResourceName("groups", stored.id), "the group's row cannot be read");
    return group.status();
  }
  stored.group = *std::move(group);
  return stored;
}

absl::StatusOr<std::optional<StoredGroup>> Find(storage::Transaction& transaction,
                                                const std::string& id,
                                                storage::UnreadableRecords& unreadable) {
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> rows,
      transaction.Query("SELECT id, split, environment, body FROM reward_groups WHERE id = $1",
                        {id}));
  if (rows.empty()) return std::optional<StoredGroup>();
  PROCTOR_ASSIGN_OR_RETURN(StoredGroup stored, FromRow(rows[0], unreadable));
  return std::optional<StoredGroup>(std::move(stored));
}

absl::StatusOr<StoredGroup> Require(storage::Transaction& transaction, const std::string& name,
                                    storage::UnreadableRecords& unreadable) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("groups", name));
  PROCTOR_ASSIGN_OR_RETURN(std::optional<StoredGroup> found,
                           Find(transaction, id, unreadable));
  if (!found) return absl::NotFoundError(absl::StrCat("there is no ", name));
  return *std::move(found);
}

absl::Status Save(storage::Transaction& transaction, const StoredGroup& stored) {
  return transaction
      .Execute("UPDATE reward_groups SET state = $2, body = $3 WHERE id = $1",
               {stored.id, int64_t{stored.group.state()},
                storage::Bytes{stored.group.SerializeAsString()}})
      .status();
}

absl::StatusOr<std::optional<int64_t>> FindMember(storage::Transaction& transaction,
                                                  const std::string& id,
                                                  const std::string& trajectory) {
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> rows,
      transaction.Query(
          "SELECT state FROM reward_group_members WHERE group_id = $1 AND trajectory = $2",
          {id, trajectory}));
  return rows.empty() ? std::optional<int64_t>() : std::optional<int64_t>(rows[0].Int(0));
}

absl::Status AddMember(storage::Transaction& transaction, const std::string& trajectory,
                       StoredGroup* stored) {
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute("INSERT INTO reward_group_members (group_id, trajectory, state, log_offset) "
                   "VALUES ($1, $2, $3, 0)",
                   {stored->id, trajectory, int64_t{kStarted}})
          .status());
  stored->group.set_started(stored->group.started() + 1);
  return Save(transaction, *stored);
}

// Fills the record's rewards, in the order in which they came.
absl::Status CollectRewards(storage::Transaction& transaction, const std::string& id,
                            storage::UnreadableRecords& unreadable, v1::GroupComplete* complete) {
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> rows,
      transaction.Query("SELECT reward, trajectory FROM reward_group_members WHERE group_id = $1 "
                        "AND state = $2 ORDER BY log_offset",
                        {id, int64_t{kRewarded}}));
  int masked = 0;
  for (const storage::Row& row : rows) {
    v1::Reward reward;
    if (!reward.ParseFromString(row.Text(0)) || reward.trajectory() != row.Text(1)) {
      LogError("a group ends without a damaged reward of it", {{"group", ResourceName("groups", id)}});
      unreadable.Note(ResourceName("groups", id), "the reward of one of its members cannot be read");
      continue;
    }
    masked += reward.status() == v1::REWARD_STATUS_MASKED;
    *complete->add_rewards() = std::move(reward);
  }
  complete->set_masked_count(masked);
  return absl::OkStatus();
}

// Appends an open group's GroupComplete record; the members' copies go.
absl::Status AppendComplete(storage::Transaction& transaction, v1::GroupState state, absl::Time now,
                            storage::UnreadableRecords& unreadable, StoredGroup* stored) {
  stored->group.set_state(state);
  *stored->group.mutable_complete_time() = ToProto(now);
  v1::RewardRecord record;
  v1::GroupComplete& complete = *record.mutable_group_complete();
  PROCTOR_RETURN_IF_ERROR(CollectRewards(transaction, stored->id, unreadable, &complete));
  *complete.mutable_group() = stored->group;
  complete.set_group_complete_id(
      Sha256Hex(absl::StrCat("group\n", stored->group.name())).substr(0, 32));
  complete.set_partial(state == v1::GROUP_STATE_PARTIAL ||
                       complete.rewards_size() < stored->group.size());
  RecordColumns columns;
  columns.split = stored->split;
  columns.environment = stored->environment;
  columns.policy = stored->group.policy();
  // A group for any policy is of the one that all its rewards are of; of none if they differ, or there are none.
  if (columns.policy.empty() && !complete.rewards().empty()) {
    columns.policy = complete.rewards(0).policy();
    const bool mixed = std::any_of(complete.rewards().begin(), complete.rewards().end(),
                                   [&](const v1::Reward& reward) { return reward.policy() != columns.policy; });
    if (mixed) columns.policy.clear();
  }
  PROCTOR_RETURN_IF_ERROR(InsertRecord(transaction, columns, now, &record));
  PROCTOR_RETURN_IF_ERROR(
      transaction.Execute("UPDATE reward_groups SET complete_offset = $2 WHERE id = $1", {stored->id, record.offset()}).status());
  return transaction
      .Execute("UPDATE reward_group_members SET reward = NULL WHERE group_id = $1", {stored->id})
      .status();
}

// Ends an open group.
absl::Status EndGroup(storage::Transaction& transaction, v1::GroupState state, absl::Time now,
                      storage::UnreadableRecords& unreadable, StoredGroup stored) {
  PROCTOR_RETURN_IF_ERROR(AppendComplete(transaction, state, now, unreadable, &stored));
  return Save(transaction, stored);
}

// Ends an open group whose body cannot be read. Its record says what the columns and the members
// tell: nobody waits for it any longer, and the rewards that came are delivered. The body stays.
absl::Status EndDamaged(storage::Transaction& transaction, absl::Time now, const storage::Row& row,
                        storage::UnreadableRecords& unreadable) {
  StoredGroup stored;
  stored.id = row.Text(0);
  stored.split = static_cast<v1::Split>(row.Int(1));
  stored.environment = row.Text(2);
  v1::Group& group = stored.group;
  group.set_name(ResourceName("groups", stored.id));
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> members,
      transaction.Query("SELECT reward FROM reward_group_members WHERE group_id = $1 AND "
                        "state <> $2 ORDER BY log_offset",
                        {stored.id, int64_t{kReplaced}}));
  group.set_started(static_cast<int32_t>(members.size()));
  group.set_size(group.started());
  for (const storage::Row& member : members) {
    v1::Reward reward;
    if (member.IsNull(0) || !reward.ParseFromString(member.Text(0))) continue;
    group.set_task(reward.task());
    group.add_rewards(reward.reward_id());
  }
  LogError("a group is damaged: it ends with what can be read of it, and its other rewards come on their own",
           {{"group", group.name()}});
  PROCTOR_RETURN_IF_ERROR(AppendComplete(transaction, v1::GROUP_STATE_PARTIAL, now, unreadable, &stored));
  return transaction
      .Execute("UPDATE reward_groups SET state = $2 WHERE id = $1",
               {stored.id, int64_t{v1::GROUP_STATE_PARTIAL}})
      .status();
}

bool FitsPolicy(const v1::Group& group, const std::string& policy, const std::string& version) {
  return (group.policy().empty() || group.policy() == policy) &&
         (group.policy_version().empty() || group.policy_version() == version);
}

absl::Status CheckAdmission(const v1::Group& group, const std::string& task,
                            const v1::PolicyRef& policy, absl::Time now) {
  if (group.task() != task) {
    return absl::InvalidArgumentError(
        absl::StrCat(group.name(), " is for ", group.task(), ", not for ", task));
  }
  if (!FitsPolicy(group, policy.policy(), policy.version())) {
    return absl::InvalidArgumentError(absl::StrCat(group.name(), " is for policy ", group.policy(),
                                                   " ", group.policy_version(), ", not for ",
                                                   policy.policy(), " ", policy.version()));
  }
  if (group.state() != v1::GROUP_STATE_OPEN || FromProto(group.deadline_time()) <= now) {
    return absl::FailedPreconditionError(
        absl::StrCat(group.name(), " is over; create another group"));
  }
  if (group.started() >= group.size()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "all ", group.size(), " places of ", group.name(), " are taken; create another group"));
  }
  return absl::OkStatus();
}

// What a reward does to its group.
struct Joining {
  StoredGroup stored;
  // It has a place since its episode started.
  bool admitted = false;
  // It is masked and leaves its place to another episode.
  bool replaced = false;
};

// Nothing if the group is unknown (a record from elsewhere may name one that was never declared
// here), damaged, over, or full, or if a reward that was not admitted is of another task or policy.
absl::StatusOr<std::optional<Joining>> Join(storage::Transaction& transaction,
                                            const v1::Reward& reward,
                                            storage::UnreadableRecords& unreadable) {
  const absl::StatusOr<StoredGroup> found = Require(transaction, reward.group(), unreadable);
  const bool damaged = absl::IsDataLoss(found.status());
  if (damaged || absl::IsNotFound(found.status()) || absl::IsInvalidArgument(found.status()))
    return std::optional<Joining>();
  PROCTOR_RETURN_IF_ERROR(found.status());
  Joining joining{*found};
  const v1::Group& group = joining.stored.group;
  if (group.state() != v1::GROUP_STATE_OPEN) return std::optional<Joining>();
  PROCTOR_ASSIGN_OR_RETURN(const std::optional<int64_t> member,
                           FindMember(transaction, joining.stored.id, reward.trajectory()));
  joining.admitted = member.has_value();
  const bool fits = group.task() == reward.task() &&
                    FitsPolicy(group, reward.policy(), reward.policy_version());
  const bool has_place = member ? *member == kStarted : fits && group.started() < group.size();
  if (!has_place) return std::optional<Joining>();
  joining.replaced = reward.status() == v1::REWARD_STATUS_MASKED && group.replace_masked();
  return std::optional<Joining>(std::move(joining));
}

// Whether a request for a group, which may be a retry, is the one that made it.
bool IsSameRequest(const v1::Group& asked, const v1::Group& made) {
  return asked.task() == made.task() && asked.size() == made.size() && asked.replace_masked() == made.replace_masked() &&
         asked.policy() == made.policy() && asked.policy_version() == made.policy_version() &&
         (!asked.has_deadline_time() || FromProto(asked.deadline_time()) == FromProto(made.deadline_time()));
}

}  // namespace

absl::StatusOr<v1::Group> Groups::Create(const CallContext& context, const v1::Group& group,
                                         const GroupTask& task) {
  if (group.task().empty()) return absl::InvalidArgumentError("group.task is required");
  if (group.size() < 1 || group.size() > kMaxGroupSize) {
    return absl::InvalidArgumentError(absl::StrCat("group.size must be 1 to ", kMaxGroupSize));
  }
  const absl::Time now = clock_.Now();
  StoredGroup stored;
  stored.id = NewId();
  if (!group.name().empty()) {
    PROCTOR_ASSIGN_OR_RETURN(stored.id, ResourceId("groups", group.name()));
  }
  stored.split = task.split == v1::SPLIT_UNSPECIFIED ? v1::SPLIT_TRAIN : task.split;
  stored.environment = task.environment;
  v1::Group& made = stored.group;
  made.set_name(ResourceName("groups", stored.id));
  made.set_task(group.task());
  made.set_size(group.size());
  made.set_replace_masked(group.replace_masked());
  made.set_policy(group.policy());
  made.set_policy_version(group.policy_version());
  made.set_state(v1::GROUP_STATE_OPEN);
  *made.mutable_create_time() = ToProto(now);
  const absl::Time deadline =
      group.has_deadline_time() ? FromProto(group.deadline_time()) : now + kDefaultDeadline;
  *made.mutable_deadline_time() = ToProto(deadline);
  PROCTOR_RETURN_IF_ERROR(
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(std::optional<StoredGroup> found,
                                 Find(transaction, stored.id, unreadable_));
        if (found) {
          if (!IsSameRequest(group, found->group)) {
            return absl::InvalidArgumentError(absl::StrCat(made.name(), " was made by another request: each has a request_id of its own"));
          }
          made = found->group;
          return absl::OkStatus();
        }
        if (deadline <= now) return absl::InvalidArgumentError("group.deadline_time has passed");
        if (deadline > now + kLongestDeadline) {
          return absl::InvalidArgumentError("group.deadline_time is more than 30 days from now");
        }
        return transaction
            .Execute(
                "INSERT INTO reward_groups (id, state, deadline, split, environment, body) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
                {stored.id, int64_t{made.state()}, absl::ToUnixMicros(deadline),
                 int64_t{stored.split}, stored.environment,
                 storage::Bytes{made.SerializeAsString()}})
            .status();
      }));
  return made;
}

absl::StatusOr<v1::Group> Groups::Get(const CallContext& context, const std::string& name) {
  v1::Group group;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(StoredGroup stored, Require(transaction, name, unreadable_));
        group = std::move(stored.group);
        return absl::OkStatus();
      }));
  return group;
}

absl::Status Groups::Admit(const CallContext& context, const std::string& group,
                           const std::string& trajectory, const std::string& task,
                           const v1::PolicyRef& policy) {
  return database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(StoredGroup stored, Require(transaction, group, unreadable_));
    PROCTOR_ASSIGN_OR_RETURN(const std::optional<int64_t> member,
                             FindMember(transaction, stored.id, trajectory));
    if (member) return absl::OkStatus();
    PROCTOR_RETURN_IF_ERROR(CheckAdmission(stored.group, task, policy, clock_.Now()));
    return AddMember(transaction, trajectory, &stored);
  });
}

absl::Status Groups::Withdraw(const CallContext& context, const std::string& group,
                              const std::string& trajectory) {
  return database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(StoredGroup stored, Require(transaction, group, unreadable_));
    PROCTOR_ASSIGN_OR_RETURN(const int64_t removed,
                             transaction.Execute("DELETE FROM reward_group_members WHERE group_id "
                                                 "= $1 AND trajectory = $2 AND state = $3",
                                                 {stored.id, trajectory, int64_t{kStarted}}));
    if (removed == 0) return absl::OkStatus();
    stored.group.set_started(stored.group.started() - 1);
    return Save(transaction, stored);
  });
}

absl::StatusOr<std::vector<Groups::Place>> Groups::ListWaiting(const CallContext& context) {
  std::vector<Place> places;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<storage::Row> rows,
            transaction.Query("SELECT g.id, m.trajectory FROM reward_groups g JOIN "
                              "reward_group_members m ON m.group_id = g.id WHERE g.state = $1 AND "
                              "m.state = $2 ORDER BY g.id, m.trajectory",
                              {int64_t{v1::GROUP_STATE_OPEN}, int64_t{kStarted}}));
        places.clear();
        for (const storage::Row& row : rows) {
          places.push_back({ResourceName("groups", row.Text(0)), row.Text(1)});
        }
        return absl::OkStatus();
      }));
  return places;
}

absl::StatusOr<std::optional<absl::Time>> Groups::NextDeadline(const CallContext& context) {
  std::optional<absl::Time> next;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<storage::Row> rows,
            transaction.Query(
                "SELECT deadline FROM reward_groups WHERE state = $1 ORDER BY deadline LIMIT 1",
                {int64_t{v1::GROUP_STATE_OPEN}}));
        if (!rows.empty()) next = absl::FromUnixMicros(rows[0].Int(0));
        return absl::OkStatus();
      }));
  return next;
}

absl::StatusOr<bool> WillBeListed(storage::Transaction& transaction, const v1::Reward& reward,
                                  storage::UnreadableRecords& unreadable) {
  PROCTOR_ASSIGN_OR_RETURN(const std::optional<Joining> joining,
                           Join(transaction, reward, unreadable));
  return joining && !joining->replaced;
}

absl::Status AddToGroup(storage::Transaction& transaction, const v1::Reward& reward,
                        absl::Time now, storage::UnreadableRecords& unreadable) {
  PROCTOR_ASSIGN_OR_RETURN(std::optional<Joining> joining, Join(transaction, reward, unreadable));
  if (!joining) return absl::OkStatus();
  StoredGroup& stored = joining->stored;
  if (!joining->admitted)
    PROCTOR_RETURN_IF_ERROR(AddMember(transaction, reward.trajectory(), &stored));
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute("UPDATE reward_group_members SET state = $3, log_offset = $4, reward = $5 "
                   "WHERE group_id = $1 AND trajectory = $2",
                   {stored.id, reward.trajectory(),
                    int64_t{joining->replaced ? kReplaced : kRewarded}, reward.offset(),
                    storage::Bytes{joining->replaced ? std::string() : reward.SerializeAsString()}})
          .status());
  if (joining->replaced) {
    stored.group.set_started(stored.group.started() - 1);
    return Save(transaction, stored);
  }
  stored.group.add_rewards(reward.reward_id());
  if (stored.group.rewards_size() < stored.group.size()) return Save(transaction, stored);
  return EndGroup(transaction, v1::GROUP_STATE_COMPLETE, now, unreadable, std::move(stored));
}

absl::StatusOr<int> EndExpiredGroups(storage::Transaction& transaction, absl::Time now, int limit,
                                     storage::UnreadableRecords& unreadable) {
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> rows,
      transaction.Query("SELECT id, split, environment, body FROM reward_groups WHERE state = $1 "
                        "AND deadline <= $2 ORDER BY deadline LIMIT $3",
                        {int64_t{v1::GROUP_STATE_OPEN}, absl::ToUnixMicros(now), int64_t{limit}}));
  for (const storage::Row& row : rows) {
    absl::StatusOr<StoredGroup> stored = FromRow(row, unreadable);
    PROCTOR_RETURN_IF_ERROR(
        stored.ok() ? EndGroup(transaction, v1::GROUP_STATE_PARTIAL, now, unreadable, *std::move(stored))
                    : EndDamaged(transaction, now, row, unreadable));
  }
  return static_cast<int>(rows.size());
}

absl::Status ForgetEndedGroups(storage::Transaction& transaction, int64_t floor, absl::Time before) {
  // What lies above the floor is still to be read, and GetGroup may be asked for it.
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> rows,
      transaction.Query(
          "SELECT id FROM reward_groups g WHERE g.state <> $1 AND g.deadline < $2 AND "
          "COALESCE(g.complete_offset, 0) <= $3 AND NOT EXISTS "
          "(SELECT 1 FROM reward_group_members m WHERE m.group_id = g.id AND m.log_offset > $3)",
          {int64_t{v1::GROUP_STATE_OPEN}, absl::ToUnixMicros(before), floor}));
  for (const storage::Row& row : rows) {
    const std::string& id = row.Text(0);
    PROCTOR_RETURN_IF_ERROR(
        transaction.Execute("DELETE FROM reward_group_members WHERE group_id = $1", {id}).status());
    PROCTOR_RETURN_IF_ERROR(
        transaction.Execute("DELETE FROM reward_groups WHERE id = $1", {id}).status());
  }
  return absl::OkStatus();
}

}  // namespace proctor::reward
