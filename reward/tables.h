// The room's tables and the small statements that several classes share. Inside the folder only,
// but MigrateTables.
#ifndef PROCTOR_REWARD_TABLES_H_
#define PROCTOR_REWARD_TABLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/reward.pb.h"
#include "storage/database.h"

namespace proctor::reward {

// Brings this room's tables to the newest version. Call once at start-up, before everything else of
// the room.
absl::Status MigrateTables(storage::Database& database);

// The log's bounds: offsets in (floor, end] are there.
struct LogBounds {
  int64_t floor = 0;
  int64_t end = 0;
};
absl::StatusOr<LogBounds> ReadBounds(storage::Transaction& transaction);
absl::Status WriteFloor(storage::Transaction& transaction, int64_t floor);

// How a record is found and filtered, beside its body.
struct RecordColumns {
  v1::Split split = v1::SPLIT_TRAIN;
  std::string policy;
  std::string environment;
  // A reward that GROUPS delivery leaves to its GroupComplete record.
  bool grouped = false;
  bool valid = true;
};
// Gives `record` the next offset and inserts it.
absl::Status InsertRecord(storage::Transaction& transaction, const RecordColumns& columns,
                          absl::Time now, v1::RewardRecord* record);

// A member's place in its group.
enum MemberState : int64_t {
  kStarted = 1,
  kRewarded = 2,
  // Masked, and its place was given to another episode.
  kReplaced = 3,
};
// `bytes` as stored for `groups/{id}`. DATA_LOSS.
absl::StatusOr<v1::Group> ParseGroup(const std::string& id, const std::string& bytes);

// OUT_OF_RANGE with the floor if `after_offset` is below it.
absl::Status CheckFloor(const LogBounds& bounds, int64_t after_offset);
// OUT_OF_RANGE with the log's end if `offset` is past it.
absl::Status CheckEnd(const LogBounds& bounds, int64_t offset);

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_TABLES_H_
