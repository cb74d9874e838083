#include "model/reply_cache.h"

#include <vector>

#include "common/status.h"

namespace proctor::model {

absl::StatusOr<std::optional<v1::ModelCall>> ReplyCache::Find(const CallContext& context, const std::string& key) {
  const int64_t oldest = absl::ToUnixMicros(clock_.Now() - options_.max_age);
  std::optional<v1::ModelCall> found;
  PROCTOR_RETURN_IF_ERROR(database_.Read(context, [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(
        const std::vector<storage::Row> rows,
        transaction.Query("SELECT body FROM model_replies WHERE cache_key = $1 AND created >= $2", {key, oldest}));
    if (rows.empty()) return absl::OkStatus();
    if (!found.emplace().ParseFromString(rows[0].Text(0))) {
      return absl::DataLossError("a cached reply is stored in a form that cannot be read");
    }
    return absl::OkStatus();
  }));
  return found;
}

absl::Status ReplyCache::Put(storage::Transaction& transaction, const std::string& key, const v1::ModelCall& call) {
  const std::string body = call.SerializeAsString();
  PROCTOR_RETURN_IF_ERROR(
      transaction
          .Execute("INSERT INTO model_replies (cache_key, created, size, body) VALUES ($1, $2, $3, $4) "
                   "ON CONFLICT (cache_key) DO UPDATE SET created = excluded.created, size = excluded.size, "
                   "body = excluded.body",
                   {key, absl::ToUnixMicros(clock_.Now()), static_cast<int64_t>(body.size()), storage::Bytes{body}})
          .status());
  {
    MutexLock lock(mutex_);
    added_bytes_ += static_cast<int64_t>(body.size());
    if (added_bytes_ < options_.max_bytes / 64) return absl::OkStatus();
    added_bytes_ = 0;
  }
  return DropSome(transaction);
}

absl::Status ReplyCache::DropSome(storage::Transaction& transaction) {
  const int64_t oldest = absl::ToUnixMicros(clock_.Now() - options_.max_age);
  PROCTOR_RETURN_IF_ERROR(transaction.Execute("DELETE FROM model_replies WHERE created < $1", {oldest}).status());
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<storage::Row> sum,
                           transaction.Query("SELECT SUM(size) FROM model_replies", {}));
  int64_t excess = sum[0].Int(0) - options_.max_bytes;
  while (excess > 0) {
    PROCTOR_ASSIGN_OR_RETURN(
        const std::vector<storage::Row> first,
        transaction.Query("SELECT cache_key, size FROM model_replies ORDER BY created, cache_key LIMIT 1", {}));
    if (first.empty()) break;
    excess -= first[0].Int(1);
    PROCTOR_RETURN_IF_ERROR(
        transaction.Execute("DELETE FROM model_replies WHERE cache_key = $1", {first[0].Text(0)}).status());
  }
  return absl::OkStatus();
}

}  // namespace proctor::model
