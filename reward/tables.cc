#include "reward/tables.h"

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"

namespace proctor::reward {
namespace {

const std::vector<std::string>& Migrations() {
  static const auto& migrations = *new std::vector<std::string>{
      R"(CREATE TABLE reward_bounds (
           name TEXT PRIMARY KEY,
           value BIGINT NOT NULL);
         INSERT INTO reward_bounds (name, value) VALUES ('floor', 0);
         INSERT INTO reward_bounds (name, value) VALUES ('end', 0);
         CREATE TABLE reward_records (
           log_offset BIGINT PRIMARY KEY,
           kind BIGINT NOT NULL,
           split BIGINT NOT NULL,
           policy TEXT NOT NULL,
           environment TEXT NOT NULL,
           grouped BIGINT NOT NULL,
           valid BIGINT NOT NULL,
           create_time BIGINT NOT NULL,
           body BYTEA NOT NULL);
         CREATE TABLE reward_ids (
           reward_id TEXT PRIMARY KEY,
           log_offset BIGINT NOT NULL,
           create_time BIGINT NOT NULL);
         CREATE TABLE reward_latest (
           trajectory TEXT PRIMARY KEY,
           revision BIGINT NOT NULL,
           reward_id TEXT NOT NULL,
           policy TEXT NOT NULL,
           policy_version TEXT NOT NULL,
           split BIGINT NOT NULL,
           mask_reason BIGINT NOT NULL,
           valid BIGINT NOT NULL,
           success BIGINT NOT NULL);
         CREATE INDEX reward_latest_by_policy ON reward_latest (policy, policy_version);
         CREATE TABLE reward_groups (
           id TEXT PRIMARY KEY,
           state BIGINT NOT NULL,
           deadline BIGINT NOT NULL,
           split BIGINT NOT NULL,
           environment TEXT NOT NULL,
           body BYTEA NOT NULL);
         CREATE INDEX reward_groups_by_deadline ON reward_groups (state, deadline);
         CREATE TABLE reward_group_members (
           group_id TEXT NOT NULL,
           trajectory TEXT NOT NULL,
           state BIGINT NOT NULL,
           log_offset BIGINT NOT NULL,
           reward BYTEA,
           PRIMARY KEY (group_id, trajectory));
         CREATE TABLE reward_consumers (
           id TEXT PRIMARY KEY,
           filter BYTEA NOT NULL,
           committed BIGINT NOT NULL,
           epoch BIGINT NOT NULL,
           create_time BIGINT NOT NULL,
           last_ack_time BIGINT NOT NULL,
           last_seen_time BIGINT NOT NULL);)",
      // Of an ended group's GroupComplete record. NULL: it is open, or ended before this was kept.
      "ALTER TABLE reward_groups ADD COLUMN complete_offset BIGINT"};
  return migrations;
}

constexpr int64_t kRewardKind = 1;
constexpr int64_t kGroupKind = 2;

}  // namespace

absl::Status MigrateTables(storage::Database& database) {
  return database.Migrate("reward", Migrations());
}

absl::StatusOr<LogBounds> ReadBounds(storage::Transaction& transaction) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<storage::Row> rows,
                           transaction.Query("SELECT name, value FROM reward_bounds", {}));
  LogBounds bounds;
  for (const storage::Row& row : rows)
    (row.Text(0) == "floor" ? bounds.floor : bounds.end) = row.Int(1);
  return bounds;
}

absl::Status WriteFloor(storage::Transaction& transaction, int64_t floor) {
  return transaction.Execute("UPDATE reward_bounds SET value = $1 WHERE name = 'floor'", {floor})
      .status();
}

absl::Status InsertRecord(storage::Transaction& transaction, const RecordColumns& columns,
                          absl::Time now, v1::RewardRecord* record) {
  // The counter, not the newest row: retention may have deleted that one, and offsets are never
  // used again.
  PROCTOR_RETURN_IF_ERROR(
      transaction.Execute("UPDATE reward_bounds SET value = value + 1 WHERE name = 'end'", {})
          .status());
  PROCTOR_ASSIGN_OR_RETURN(const LogBounds bounds, ReadBounds(transaction));
  record->set_offset(bounds.end);
  if (record->has_reward()) {
    record->mutable_reward()->set_offset(bounds.end);
  } else {
    record->mutable_group_complete()->set_offset(bounds.end);
  }
  return transaction
      .Execute(
          "INSERT INTO reward_records (log_offset, kind, split, policy, environment, grouped, "
          "valid, create_time, "
          "body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
          {bounds.end, record->has_reward() ? kRewardKind : kGroupKind, int64_t{columns.split},
           columns.policy, columns.environment, int64_t{columns.grouped}, int64_t{columns.valid},
           absl::ToUnixMicros(now), storage::Bytes{record->SerializeAsString()}})
      .status();
}

absl::StatusOr<v1::Group> ParseGroup(const std::string& id, const std::string& bytes) {
  v1::Group group;
  if (!group.ParseFromString(bytes) || group.name() != ResourceName("groups", id)) {
    return absl::DataLossError(
        absl::StrCat("groups/", id, " is stored in a form that cannot be read"));
  }
  return group;
}

absl::Status CheckFloor(const LogBounds& bounds, int64_t after_offset) {
  if (after_offset >= bounds.floor) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("records after offset ", after_offset,
                                            " are gone; the floor is ", bounds.floor,
                                            ": seek to it or to EARLIEST and expect a gap"));
}

absl::Status CheckEnd(const LogBounds& bounds, int64_t offset) {
  if (offset <= bounds.end) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("offset ", offset, " is past the log's end, ", bounds.end));
}

}  // namespace proctor::reward
