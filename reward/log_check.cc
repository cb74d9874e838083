#include "reward/log_check.h"

#include "absl/strings/str_cat.h"
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
    return CheckConsumers();
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
                             transaction_.Query("SELECT id, committed FROM reward_consumers WHERE committed > $1", {bounds_.end}));
    for (const Row& row : rows) {
      Damage(absl::StrCat("consumers/", row.Text(0), " has acknowledged ", row.Int(1), ", behind the end ", bounds_.end));
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
