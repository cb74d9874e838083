#include "reward/reward_log.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "reward/groups.h"
#include "reward/tables.h"

namespace proctor::reward {
namespace {

constexpr int kMaxFilterEntries = 100;
// Policies have names of at most 128 bytes.
constexpr size_t kMaxFilterEntryBytes = 1024;
constexpr int kMaxReadRecords = 1000;
constexpr int kGroupsPerTransaction = 100;
// Deleted in one transaction: some tens of milliseconds, for which everybody who records waits.
constexpr int64_t kTrimmedPerTransaction = 10'000;
// Offsets that one read looks at: about 10 ms of rows that are all filtered out.
constexpr int64_t kMaxScan = 10'000;

// The conditions of a filter as SQL with parameters. Splits: TRAIN unless named, so that no trainer
// sees held-out tasks.
class FilterSql {
 public:
  explicit FilterSql(std::vector<storage::Value> parameters) : parameters_(std::move(parameters)) {}

  template <typename Values, typename Convert>
  void In(const char* column, const Values& values, const Convert& convert) {
    absl::StrAppend(&sql_, column, " IN (");
    bool first = true;
    for (const auto& value : values) {
      parameters_.push_back(convert(value));
      absl::StrAppend(&sql_, first ? "" : ", ", "$", parameters_.size());
      first = false;
    }
    sql_ += ")";
  }
  template <typename Values, typename Convert>
  void AndIn(const char* column, const Values& values, const Convert& convert) {
    sql_ += " AND ";
    In(column, values, convert);
  }
  void Splits(const std::vector<int64_t>& splits) {
    AndIn("split", splits.empty() ? std::vector<int64_t>{v1::SPLIT_TRAIN} : splits,
       [](int64_t split) -> storage::Value { return split; });
  }
  void Add(const char* sql) { sql_ += sql; }

  const std::string& sql() const { return sql_; }
  const std::vector<storage::Value>& parameters() const { return parameters_; }

 private:
  std::string sql_;
  std::vector<storage::Value> parameters_;
};

FilterSql ToSql(const v1::ConsumerFilter& filter, int64_t after, int64_t until) {
  const auto text = [](const std::string& value) -> storage::Value { return value; };
  FilterSql sql({after, until});
  sql.Splits({filter.splits().begin(), filter.splits().end()});
  if (!filter.policies().empty()) {
    // A group of no one policy is for all: somebody waits for it.
    sql.Add(" AND (kind = 2 AND policy = '' OR ");
    sql.In("policy", filter.policies(), text);
    sql.Add(")");
  }
  if (!filter.environments().empty()) sql.AndIn("environment", filter.environments(), text);
  if (filter.delivery() == v1::DELIVERY_GROUPS) {
    sql.Add(" AND grouped = 0");
  } else {
    sql.Add(" AND kind = 1");
  }
  if (filter.valid_only()) sql.Add(" AND (valid = 1 OR kind = 2)");
  return sql;
}

absl::StatusOr<v1::RewardRecord> Decode(int64_t offset, const std::string& body) {
  v1::RewardRecord record;
  if (!record.ParseFromString(body)) {
    return absl::DataLossError(absl::StrCat("record ", offset, " of the reward log is damaged: restore a backup, or go on without it, after offset ",
                                            offset, "; proctord --fsck tells more"));
  }
  return record;
}

absl::StatusOr<v1::RewardRecord> RecordAt(storage::Transaction& transaction, int64_t offset) {
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> rows,
      transaction.Query("SELECT body FROM reward_records WHERE log_offset = $1", {offset}));
  if (rows.empty()) return absl::NotFoundError(absl::StrCat("offset ", offset, " is gone"));
  return Decode(offset, rows[0].Text(0));
}

absl::Status Validate(const v1::Reward& reward) {
  if (reward.reward_id().empty() || reward.trajectory().empty()) {
    return absl::InvalidArgumentError("a reward needs reward_id and trajectory");
  }
  if (reward.status() != v1::REWARD_STATUS_VALID && reward.status() != v1::REWARD_STATUS_MASKED) {
    return absl::InvalidArgumentError("a reward is VALID or MASKED");
  }
  if (reward.revision() < 0 || (reward.revision() > 0) != !reward.supersedes().empty()) {
    return absl::InvalidArgumentError("a revision, and nothing else, supersedes another record");
  }
  return absl::OkStatus();
}

// What Stats counts: the newest revision of each trajectory.
absl::Status UpdateLatest(storage::Transaction& transaction, const v1::Reward& reward) {
  return transaction
      .Execute(
          "INSERT INTO reward_latest (trajectory, revision, reward_id, policy, policy_version, "
          "split, mask_reason, "
          "valid, success) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
          "ON CONFLICT (trajectory) DO UPDATE SET revision = excluded.revision, reward_id = "
          "excluded.reward_id, "
          "mask_reason = excluded.mask_reason, valid = excluded.valid, success = excluded.success "
          "WHERE excluded.revision > reward_latest.revision",
          {reward.trajectory(), int64_t{reward.revision()}, reward.reward_id(), reward.policy(),
           reward.policy_version(), int64_t{reward.split()}, int64_t{reward.mask_reason()},
           int64_t{reward.status() == v1::REWARD_STATUS_VALID}, int64_t{reward.success()}})
      .status();
}

// Up to which offset the log is old.
absl::StatusOr<int64_t> OldUpTo(storage::Transaction& transaction, absl::Time now, absl::Duration min_age) {
  PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
  // The first young one, not the last old one: a clock that was set back makes old ones behind it. One from the future holds the log until
  // one behind it is old: then it was the clock of then that was wrong, not that of now.
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> old,
      transaction.Query("SELECT COALESCE(MAX(log_offset), 0) FROM reward_records WHERE create_time < $1", {absl::ToUnixMicros(now - min_age)}));
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> young,
      transaction.Query("SELECT log_offset FROM reward_records WHERE create_time >= $1 AND (create_time < $2 OR log_offset > $3) "
                        "ORDER BY log_offset LIMIT 1",
                        {absl::ToUnixMicros(now - min_age), absl::ToUnixMicros(now + min_age), old[0].Int(0)}));
  return young.empty() ? bounds.end : young[0].Int(0) - 1;
}

// What is kept beside records that retention took: ids (so that a late retry appends nothing), the newest rewards (for
// Stats) and ended groups, as far as they are older than `before`.
absl::Status ForgetTrimmed(storage::Transaction& transaction, int64_t floor, absl::Time before) {
  const int64_t micros = absl::ToUnixMicros(before);
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute("DELETE FROM reward_latest WHERE reward_id IN (SELECT reward_id FROM reward_ids "
                   "WHERE log_offset <= $1 AND create_time < $2)",
                   {floor, micros})
          .status());
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute("DELETE FROM reward_ids WHERE log_offset <= $1 AND create_time < $2",
                   {floor, micros})
          .status());
  return ForgetEndedGroups(transaction, floor, before);
}

void FinishStats(PolicyStats* stats) {
  const double all = static_cast<double>(stats->valid + stats->masked);
  if (stats->valid > 0) stats->success_rate = static_cast<double>(stats->succeeded) / stats->valid;
  if (all == 0) return;
  stats->masked_share = stats->masked / all;
  stats->lower_bound = stats->succeeded / all;
  stats->upper_bound = (stats->succeeded + stats->masked) / all;
}

}  // namespace

absl::Status ValidateFilter(const v1::ConsumerFilter& filter) {
  for (const int split : filter.splits()) {
    if (split == v1::SPLIT_UNSPECIFIED || !v1::Split_IsValid(split)) {
      return absl::InvalidArgumentError("filter.splits has an unknown split");
    }
  }
  if (!v1::Delivery_IsValid(filter.delivery()))
    return absl::InvalidArgumentError("filter.delivery is unknown");
  if (filter.splits_size() > kMaxFilterEntries || filter.policies_size() > kMaxFilterEntries ||
      filter.environments_size() > kMaxFilterEntries) {
    return absl::InvalidArgumentError(
        absl::StrCat("a filter lists at most ", kMaxFilterEntries, " of each"));
  }
  for (const auto* const names : {&filter.policies(), &filter.environments()}) {
    for (const std::string& name : *names) {
      if (name.size() > kMaxFilterEntryBytes) {
        return absl::InvalidArgumentError(
            absl::StrCat("a filter's policies and environments have at most ", kMaxFilterEntryBytes, " bytes each"));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RewardLog>> RewardLog::Open(const CallContext& context,
                                                           storage::Database& database,
                                                           Clock& clock,
                                                           storage::UnreadableRecords& unreadable) {
  std::unique_ptr<RewardLog> log(new RewardLog(database, clock, unreadable));
  PROCTOR_RETURN_IF_ERROR(log->NotifyAppended(context));
  return log;
}

absl::StatusOr<v1::Reward> RewardLog::AppendWithin(storage::Transaction& transaction,
                                                   const v1::Reward& reward) {
  PROCTOR_RETURN_IF_ERROR(Validate(reward));
  PROCTOR_ASSIGN_OR_RETURN(
      const std::vector<storage::Row> known,
      transaction.Query("SELECT log_offset, create_time FROM reward_ids WHERE reward_id = $1",
                        {reward.reward_id()}));
  const absl::Time now = clock_.Now();
  v1::RewardRecord record;
  v1::Reward& stored = *record.mutable_reward();
  stored = reward;
  stored.clear_payload();  // read from the trajectory at delivery
  if (!known.empty()) {
    const absl::StatusOr<v1::RewardRecord> first = RecordAt(transaction, known[0].Int(0));
    if (first.ok()) return first->reward();
    if (!absl::IsNotFound(first.status())) return first.status();
    // Retention took the record; what it was made from is the same.
    stored.set_offset(known[0].Int(0));
    *stored.mutable_create_time() = ToProto(absl::FromUnixMicros(known[0].Int(1)));
    return stored;
  }
  *stored.mutable_create_time() = ToProto(now);
  RecordColumns columns;
  columns.split = stored.split() == v1::SPLIT_UNSPECIFIED ? v1::SPLIT_TRAIN : stored.split();
  columns.policy = stored.policy();
  columns.environment = stored.environment();
  columns.valid = stored.status() == v1::REWARD_STATUS_VALID;
  const bool in_group = !stored.group().empty() && stored.revision() == 0;
  if (in_group) {
    PROCTOR_ASSIGN_OR_RETURN(columns.grouped, WillBeListed(transaction, stored, unreadable_));
  }
  PROCTOR_RETURN_IF_ERROR(InsertRecord(transaction, columns, now, &record));
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute(
              "INSERT INTO reward_ids (reward_id, log_offset, create_time) VALUES ($1, $2, $3)",
              {stored.reward_id(), stored.offset(), absl::ToUnixMicros(now)})
          .status());
  PROCTOR_RETURN_IF_ERROR(UpdateLatest(transaction, stored));
  if (in_group) PROCTOR_RETURN_IF_ERROR(AddToGroup(transaction, stored, now, unreadable_));
  return stored;
}

absl::StatusOr<v1::Reward> RewardLog::Append(const CallContext& context, const v1::Reward& reward) {
  v1::Reward stored;
  int64_t end = 0;
  PROCTOR_RETURN_IF_ERROR(
      database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(stored, AppendWithin(transaction, reward));
        PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
        end = bounds.end;
        return absl::OkStatus();
      }));
  Announce(end);
  return stored;
}

absl::Status RewardLog::NotifyAppended(const CallContext& context) {
  LogBounds bounds;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(bounds, ReadBounds(transaction));
        return absl::OkStatus();
      }));
  Announce(bounds.end);
  return absl::OkStatus();
}

absl::StatusOr<int> RewardLog::EndExpiredGroups(const CallContext& context) {
  int total = 0;
  for (int ended = kGroupsPerTransaction; ended == kGroupsPerTransaction;) {
    int64_t end = 0;
    PROCTOR_RETURN_IF_ERROR(
        database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
          PROCTOR_ASSIGN_OR_RETURN(
              ended, reward::EndExpiredGroups(transaction, clock_.Now(), kGroupsPerTransaction,
                                              unreadable_));
          PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
          end = bounds.end;
          return absl::OkStatus();
        }));
    // Each time: the next commit may fail.
    Announce(end);
    total += ended;
  }
  return total;
}

absl::StatusOr<LogBatch> RewardLog::Read(const CallContext& context, int64_t after_offset,
                                         const v1::ConsumerFilter& filter,
                                         const ReadLimits& limits) {
  PROCTOR_RETURN_IF_ERROR(ValidateFilter(filter));
  if (after_offset < 0) return absl::InvalidArgumentError("offsets are not negative");
  const int max_records = std::clamp(limits.max_records, 1, kMaxReadRecords);
  LogBatch batch;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
        PROCTOR_RETURN_IF_ERROR(CheckFloor(bounds, after_offset));
        PROCTOR_RETURN_IF_ERROR(CheckEnd(bounds, after_offset));
        batch.end_offset = bounds.end;
        batch.floor_offset = bounds.floor;
        const int64_t until = after_offset + std::min(bounds.end - after_offset, kMaxScan);
        batch.next_after_offset = until;
        const FilterSql sql = ToSql(filter, after_offset, until);
        int64_t bytes = 0;
        int64_t last = after_offset;
        const absl::Status read = transaction.ForEach(
            absl::StrCat(
                "SELECT log_offset, body FROM reward_records WHERE log_offset > $1 AND "
                "log_offset <= $2",
                sql.sql(), " ORDER BY log_offset LIMIT ", max_records),
            sql.parameters(), [&](const storage::Row& row) -> absl::StatusOr<bool> {
              PROCTOR_ASSIGN_OR_RETURN(v1::RewardRecord record, Decode(row.Int(0), row.Text(1)));
              batch.records.push_back(std::move(record));
              last = row.Int(0);
              bytes += static_cast<int64_t>(row.Text(1).size());
              const bool last_of_page = batch.records.size() == static_cast<size_t>(max_records);
              if (bytes < limits.max_bytes && !last_of_page) return true;
              batch.next_after_offset = last;
              return false;
            });
        if (!absl::IsDataLoss(read) || batch.records.empty()) return read;
        // Those before the damaged one are sound.
        batch.next_after_offset = last;
        return absl::OkStatus();
      }));
  return batch;
}

absl::StatusOr<v1::Reward> RewardLog::GetByTrajectory(const CallContext& context,
                                                      const std::string& trajectory) {
  v1::Reward reward;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<storage::Row> rows,
            transaction.Query("SELECT i.log_offset FROM reward_latest l JOIN reward_ids i ON "
                              "i.reward_id = l.reward_id WHERE l.trajectory = $1",
                              {trajectory}));
        if (rows.empty()) return absl::NotFoundError(absl::StrCat(trajectory, " has no reward"));
        PROCTOR_ASSIGN_OR_RETURN(v1::RewardRecord record, RecordAt(transaction, rows[0].Int(0)));
        reward = std::move(*record.mutable_reward());
        return absl::OkStatus();
      }));
  return reward;
}

absl::StatusOr<int64_t> RewardLog::Trim(const CallContext& context,
                                        const RetentionOptions& options) {
  const absl::Time now = clock_.Now();
  int64_t old_up_to = 0;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(old_up_to, OldUpTo(transaction, now, options.min_age));
    return absl::OkStatus();
  }));
  int64_t floor = 0;
  for (bool more = true; more;) {
    PROCTOR_RETURN_IF_ERROR(database_.Write(context, [&](storage::Transaction& transaction) -> absl::Status {
      PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
      // Each time: consumers come and seek meanwhile.
      PROCTOR_ASSIGN_OR_RETURN(
          const std::vector<storage::Row> held,
          transaction.Query(
              "SELECT MIN(committed) FROM reward_consumers WHERE last_seen_time >= $1",
              {absl::ToUnixMicros(now - options.consumer_lifetime)}));
      const int64_t target = held[0].IsNull(0) ? old_up_to : std::min(old_up_to, held[0].Int(0));
      more = target - bounds.floor > kTrimmedPerTransaction;
      floor = more ? bounds.floor + kTrimmedPerTransaction : std::max(target, bounds.floor);
      PROCTOR_RETURN_IF_ERROR(
          transaction.Execute("DELETE FROM reward_records WHERE log_offset <= $1", {floor})
              .status());
      if (!more) PROCTOR_RETURN_IF_ERROR(ForgetTrimmed(transaction, floor, now - 2 * options.min_age));
      return WriteFloor(transaction, floor);
    }));
  }
  return floor;
}

absl::StatusOr<std::vector<PolicyStats>> RewardLog::Stats(const CallContext& context,
                                                          const StatsFilter& filter) {
  FilterSql sql({});
  sql.Splits({filter.splits.begin(), filter.splits.end()});
  const auto text = [](const std::string& value) -> storage::Value { return value; };
  if (!filter.policy.empty()) sql.AndIn("policy", std::vector<std::string>{filter.policy}, text);
  if (!filter.policy_version.empty())
    sql.AndIn("policy_version", std::vector<std::string>{filter.policy_version}, text);
  std::map<std::pair<std::string, std::string>, PolicyStats> by_policy;
  PROCTOR_RETURN_IF_ERROR(
      database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<storage::Row> rows,
            transaction.Query(
                absl::StrCat(
                    "SELECT policy, policy_version, valid, success, mask_reason, COUNT(*) FROM "
                    "reward_latest WHERE 1 = 1",
                    sql.sql(), " GROUP BY policy, policy_version, valid, success, mask_reason"),
                sql.parameters()));
        for (const storage::Row& row : rows) {
          PolicyStats& stats = by_policy[{row.Text(0), row.Text(1)}];
          const int64_t count = row.Int(5);
          if (row.Int(2) != 0) {
            stats.valid += count;
            if (row.Int(3) != 0) stats.succeeded += count;
          } else {
            stats.masked += count;
            stats.masked_by_reason[static_cast<v1::MaskReason>(row.Int(4))] += count;
          }
        }
        return absl::OkStatus();
      }));
  std::vector<PolicyStats> all;
  for (auto& [key, stats] : by_policy) {
    std::tie(stats.policy, stats.policy_version) = key;
    FinishStats(&stats);
    all.push_back(std::move(stats));
  }
  return all;
}

int64_t RewardLog::end_offset() const {
  MutexLock lock(mutex_);
  return end_offset_;
}

uint64_t RewardLog::AddListener(std::function<void(int64_t)> listener) {
  MutexLock lock(listeners_mutex_);
  listeners_.emplace(next_listener_, std::move(listener));
  return next_listener_++;
}

void RewardLog::RemoveListener(uint64_t id) {
  MutexLock lock(listeners_mutex_);
  listeners_.erase(id);
}

void RewardLog::Announce(int64_t end_offset) {
  {
    MutexLock lock(mutex_);
    if (end_offset <= end_offset_) return;
    end_offset_ = end_offset;
  }
  MutexLock lock(listeners_mutex_);
  for (const auto& [id, listener] : listeners_) listener(end_offset);
}

}  // namespace proctor::reward
