#include "trajectory/archive.h"

#include <string>
#include <vector>

#include "common/status.h"

namespace proctor::trajectory {
namespace {

// `header` is everything but the steps; the other columns repeat parts of it for filters. Times are microseconds.
constexpr char kVersion1[] = R"sql(
CREATE TABLE trajectory_records (
  id TEXT PRIMARY KEY,
  start_time BIGINT NOT NULL,
  closed BIGINT NOT NULL,
  end_kind BIGINT NOT NULL,
  environment TEXT NOT NULL,
  task TEXT NOT NULL,
  split BIGINT NOT NULL,
  policy TEXT NOT NULL,
  policy_version TEXT NOT NULL,
  group_name TEXT NOT NULL,
  step_count BIGINT NOT NULL,
  digest TEXT NOT NULL,
  header BYTEA NOT NULL);
CREATE INDEX trajectory_records_time ON trajectory_records (start_time, id);
CREATE INDEX trajectory_records_closed ON trajectory_records (closed);
CREATE TABLE trajectory_steps (
  trajectory TEXT NOT NULL,
  step_index BIGINT NOT NULL,
  digest TEXT NOT NULL,
  step BYTEA NOT NULL,
  PRIMARY KEY (trajectory, step_index));
CREATE TABLE trajectory_blobs (
  trajectory TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (trajectory, digest));
CREATE INDEX trajectory_blobs_digest ON trajectory_blobs (digest);
CREATE TABLE trajectory_garbage (digest TEXT PRIMARY KEY);
CREATE TABLE trajectory_episodes (
  id TEXT PRIMARY KEY,
  start_time BIGINT NOT NULL,
  session TEXT NOT NULL,
  task TEXT NOT NULL,
  policy TEXT NOT NULL,
  state BIGINT NOT NULL,
  result_state BIGINT NOT NULL,
  episode BYTEA NOT NULL);
CREATE INDEX trajectory_episodes_time ON trajectory_episodes (start_time, id);
CREATE INDEX trajectory_episodes_session ON trajectory_episodes (session);
CREATE INDEX trajectory_episodes_state ON trajectory_episodes (state, result_state);
CREATE TABLE trajectory_replays (
  request_id TEXT PRIMARY KEY,
  request_digest TEXT NOT NULL,
  response BYTEA NOT NULL,
  create_time BIGINT NOT NULL);
CREATE INDEX trajectory_replays_time ON trajectory_replays (create_time);
)sql";

// Blobs that were looked at for a smaller encoding.
constexpr char kVersion2[] = "CREATE TABLE trajectory_recompressed (digest TEXT PRIMARY KEY)";

// Changes no row: older ones keep their digests, which are known elsewhere. Programs that know nothing of linked ones refuse the tables.
constexpr char kVersion3[] =
    "-- trajectory_steps.digest is linked to the step before where the header's format_version is 2, and trajectory_records.digest of an open "
    "record is the last step's";

// Bytes of the steps' column `step`. NULL: a record of before, whose steps tell when they are asked.
constexpr char kVersion4[] = "ALTER TABLE trajectory_records ADD COLUMN step_bytes BIGINT";

// Blobs that came alone, to be named by a record later, and when (microseconds). Those that none names are collected.
constexpr char kVersion5[] = "CREATE TABLE trajectory_loose (digest TEXT PRIMARY KEY, create_time BIGINT NOT NULL)";

}  // namespace

absl::StatusOr<std::unique_ptr<Archive>> Archive::Open(storage::Database& database,
                                                       storage::BlobStore& blobs, Clock& clock) {
  PROCTOR_RETURN_IF_ERROR(database.Migrate("trajectory", {kVersion1, kVersion2, kVersion3, kVersion4, kVersion5}));
  return std::unique_ptr<Archive>(new Archive(database, blobs, clock));
}

}  // namespace proctor::trajectory
