#include "reward/log_check.h"

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "proctor/v1/reward_service.pb.h"
#include "reward/tables.h"

namespace proctor::reward {
namespace {

using storage::Row;
using storage::Transaction;

// Rows read at once.
constexpr int kBatch = 1000;

class Checker {
 public:
  Checker(Transaction& transaction, LogCheck& check) : transaction_(transaction), check_(check) {}

  absl::Status Run() {
    PROCTOR_ASSIGN_OR_RETURN(bounds_, ReadBounds(transaction_));
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> before,
                             transaction_.Query("SELECT COUNT(*) FROM reward_records WHERE log_offset <= $1", {bounds_.floor}));
    if (before[0].Int(0) > 0) Damage(absl::StrCat(before[0].Int(0), " records lie below the floor ", bounds_.floor));
    int64_t after = bounds_.floor;
    for (bool more = true; more;) {
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                               transaction_.Query(absl::StrCat("SELECT log_offset, body FROM reward_records WHERE log_offset > $1 "
                                                               "ORDER BY log_offset LIMIT ",
                                                               kBatch),
                                                  {after}));
      for (const Row& row : rows) {
        PROCTOR_RETURN_IF_ERROR(CheckRow(row, after));
        after = row.Int(0);
      }
      more = rows.size() == kBatch;
    }
    if (after < bounds_.end) Damage(absl::StrCat("the records ", after + 1, " to ", bounds_.end, " are missing"));
    PROCTOR_RETURN_IF_ERROR(CheckConsumers());
    return CheckGroups();
  }

 private:
  void Damage(const std::string& what) { check_.damage.push_back("reward log: " + what); }

  absl::Status CheckRow(const Row& row, int64_t before) {
    const int64_t offset = row.Int(0);
    ++check_.records;
    if (offset > bounds_.end) Damage(absl::StrCat("record ", offset, " lies behind the end ", bounds_.end));
    if (offset > before + 1) Damage(absl::StrCat("the records ", before + 1, " to ", offset - 1, " are missing"));
    v1::RewardRecord record;
    if (!record.ParseFromString(row.Text(1))) {
      Damage(absl::StrCat("record ", offset, " cannot be read"));
    } else if (record.offset() != offset) {
      Damage(absl::StrCat("record ", offset, " says that it is ", record.offset()));
    } else if (record.has_reward()) {
      return CheckId(record.reward());
    }
    return absl::OkStatus();
  }

  absl::Status CheckId(const v1::Reward& reward) {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             transaction_.Query("SELECT log_offset FROM reward_ids WHERE reward_id = $1", {reward.reward_id()}));
    if (rows.empty()) Damage(absl::StrCat("the id of reward ", reward.offset(), " is not noted: it could be appended twice"));
    if (!rows.empty() && rows[0].Int(0) != reward.offset()) {
      Damage(absl::StrCat("rewards ", rows[0].Int(0), " and ", reward.offset(), " have the same id"));
    }
    return absl::OkStatus();
  }

  absl::Status CheckConsumers() {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             transaction_.Query("SELECT id, committed, filter FROM reward_consumers ORDER BY id", {}));
    for (const Row& row : rows) {
      const std::string name = ResourceName("consumers", row.Text(0));
      if (row.Int(1) > bounds_.end) Damage(absl::StrCat(name, " has acknowledged ", row.Int(1), ", behind the end ", bounds_.end));
      if (!v1::ConsumerFilter().ParseFromString(row.Text(2))) {
        check_.damage.push_back(absl::StrCat(name, ": its row cannot be read: delete it and create it again, from offset ", row.Int(1)));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckGroups() {
    std::string last;
    while (true) {
      PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                               transaction_.Query(absl::StrCat("SELECT id, state, body FROM reward_groups WHERE id > $1 ORDER BY id LIMIT ", kBatch),
                                                  {last}));
      if (rows.empty()) return absl::OkStatus();
      for (const Row& row : rows) PROCTOR_RETURN_IF_ERROR(CheckGroup(row));
      last = rows.back().Text(0);
    }
  }

  absl::Status CheckGroup(const Row& row) {
    const std::string name = ResourceName("groups", row.Text(0));
    const bool open = row.Int(1) == v1::GROUP_STATE_OPEN;
    const absl::StatusOr<v1::Group> group = ParseGroup(row.Text(0), row.Text(2));
    if (!group.ok()) {
      check_.damage.push_back(absl::StrCat(name, ": its row cannot be read: ", open ? "the server ends it at its deadline" : "it has ended",
                                           ", PARTIAL, with the rewards that can be read of it; restore from a backup, or live without it"));
    } else if (group->state() != row.Int(1)) {
      check_.damage.push_back(absl::StrCat(name, ": its row and the columns beside it differ about its state"));
    }
    return open ? CheckMembers(row.Text(0)) : absl::OkStatus();
  }

  // Of an open group: one that has ended keeps no rewards beside the log.
  absl::Status CheckMembers(const std::string& group) {
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                             transaction_.Query("SELECT trajectory, reward FROM reward_group_members WHERE group_id = $1 AND state = $2 "
                                                "ORDER BY trajectory",
                                                {group, int64_t{kRewarded}}));
    for (const Row& row : rows) {
      v1::Reward reward;
      if (!row.IsNull(1) && reward.ParseFromString(row.Text(1)) && reward.trajectory() == row.Text(0)) continue;
      check_.damage.push_back(absl::StrCat(ResourceName("groups", group), ": the reward of ", row.Text(0),
                                           " in it cannot be read: the group ends without it"));
    }
    return absl::OkStatus();
  }

  Transaction& transaction_;
  LogCheck& check_;
  LogBounds bounds_;
};

}  // namespace

absl::StatusOr<LogCheck> CheckLog(const CallContext& context, storage::Database& database) {
  LogCheck check;
  PROCTOR_RETURN_IF_ERROR(
      database.Read(context, [&](Transaction& transaction) { return Checker(transaction, check).Run(); }));
  return check;
}

}  // namespace proctor::reward
