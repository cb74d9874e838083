#include "trajectory/replay_store.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "storage/database.h"
#include "trajectory/record_tables.h"

namespace proctor::trajectory {

using storage::Row;
using storage::Transaction;

namespace {

// Recordings share this prefix and nothing else: each answer has its own age.
constexpr char kRecordings[] = "record";

// The old answers of recordings; all of a session once the newest is old.
absl::StatusOr<int64_t> Drop(Transaction& transaction, const std::string& session, absl::Time before) {
  const int64_t micros = absl::ToUnixMicros(before);
  // '0' follows '/': between the two lies what begins with the session's name and a slash.
  const std::string first = absl::StrCat(session, "/");
  const std::string end = absl::StrCat(session, "0");
  if (session != kRecordings) {
    PROCTOR_ASSIGN_OR_RETURN(
        const std::vector<Row> young,
        transaction.Query("SELECT 1 FROM trajectory_replays WHERE request_id >= $1 AND "
                          "request_id < $2 AND create_time >= $3 LIMIT 1",
                          {first, end, micros}));
    if (!young.empty()) return int64_t{0};
  }
  return transaction.Execute(
      "DELETE FROM trajectory_replays WHERE request_id >= $1 AND request_id < $2 AND "
      "create_time < $3",
      {first, end, micros});
}

}  // namespace

absl::StatusOr<std::optional<Replay>> ReplayStore::Find(const CallContext& context,
                                                        const std::string& request_id) {
  std::optional<Replay> replay;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Read(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<Row> rows,
            transaction.Query(
                "SELECT request_digest, response FROM trajectory_replays WHERE request_id = $1",
                {request_id}));
        if (rows.empty()) return absl::OkStatus();
        replay = Replay{.request_id = request_id,
                        .request_digest = rows[0].Text(0),
                        .response = rows[0].Text(1)};
        return absl::OkStatus();
      }));
  return replay;
}

absl::Status ReplayStore::Save(const CallContext& context, const Replay& replay) {
  const absl::Time now = archive_.clock().Now();
  return archive_.database().Write(
      context, [&](Transaction& transaction) { return PutReplay(transaction, replay, now); });
}

absl::StatusOr<int64_t> ReplayStore::Prune(
    const CallContext& context, absl::Time before,
    const std::function<bool(const std::string& session)>& is_live) {
  int64_t pruned = 0;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
        pruned = 0;
        PROCTOR_ASSIGN_OR_RETURN(
            const std::vector<Row> old,
            transaction.Query("SELECT request_id FROM trajectory_replays WHERE create_time < $1",
                              {absl::ToUnixMicros(before)}));
        std::set<std::string> sessions;
        for (const Row& row : old) {
          const std::string& id = row.Text(0);
          sessions.insert(id.substr(0, id.find('/')));
        }
        for (const std::string& session : sessions) {
          if (session != kRecordings && is_live(session)) continue;
          PROCTOR_ASSIGN_OR_RETURN(const int64_t deleted, Drop(transaction, session, before));
          pruned += deleted;
        }
        return absl::OkStatus();
      }));
  return pruned;
}

}  // namespace proctor::trajectory
