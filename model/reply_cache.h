// Replies kept for the same request.
#ifndef PROCTOR_MODEL_REPLY_CACHE_H_
#define PROCTOR_MODEL_REPLY_CACHE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "proctor/v1/model.pb.h"
#include "storage/database.h"

namespace proctor::model {

// Thread-safe; blocks on the database.
class ReplyCache {
 public:
  struct Options {
    absl::Duration max_age = absl::Hours(24 * 30);
    // Of the stored calls together, looked after whenever a 64th of it has been added.
    int64_t max_bytes = int64_t{1} << 30;
  };

  // `database` (with the tables of MigrateTables) and `clock` outlive it.
  ReplyCache(Options options, storage::Database& database, Clock& clock)
      : options_(options), database_(database), clock_(clock) {}

  // The call stored for that key, unless it is too old; DATA_LOSS: it cannot be read.
  absl::StatusOr<std::optional<v1::ModelCall>> Find(const CallContext& context, const std::string& key);

  // Stores the call in place of an older one; drops the oldest where all of them become too large, and what is too old.
  absl::Status Put(storage::Transaction& transaction, const std::string& key, const v1::ModelCall& call);

 private:
  absl::Status DropSome(storage::Transaction& transaction);

  const Options options_;
  storage::Database& database_;
  Clock& clock_;
  Mutex mutex_;
  // Stored since the last DropSome; at first as if much had been.
  int64_t added_bytes_ ABSL_GUARDED_BY(mutex_) = int64_t{1} << 50;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_REPLY_CACHE_H_
