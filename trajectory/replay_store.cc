#include "trajectory/replay_store.h"

#include <vector>

#include "common/status.h"
#include "storage/database.h"
#include "trajectory/record_tables.h"

namespace proctor::trajectory {

using storage::Row;
using storage::Transaction;

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
      context, [&](Transaction& transaction) { return InsertReplay(transaction, replay, now); });
}

absl::StatusOr<int64_t> ReplayStore::Prune(const CallContext& context, absl::Time before) {
  int64_t pruned = 0;
  PROCTOR_RETURN_IF_ERROR(
      archive_.database().Write(context, [&](Transaction& transaction) -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(
            pruned, transaction.Execute("DELETE FROM trajectory_replays WHERE create_time < $1",
                                        {absl::ToUnixMicros(before)}));
        return absl::OkStatus();
      }));
  return pruned;
}

}  // namespace proctor::trajectory
