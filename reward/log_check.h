// Whether the reward log and the groups are whole: for whoever checks a data directory.
#ifndef PROCTOR_REWARD_LOG_CHECK_H_
#define PROCTOR_REWARD_LOG_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "storage/database.h"

namespace proctor::reward {

struct LogCheck {
  int64_t records = 0;
  // One a problem: a gap between the floor and the end, a record outside of them, one that cannot be read or says another offset than its
  // row, a reward whose id is not noted, a consumer beyond the end; a group's row that cannot be read or is not what its columns say, a reward
  // that cannot be read of a member of an open group. None of them can be mended but from a copy.
  std::vector<std::string> damage;
};

// Reads all records and groups, some at a time. Errors: the database's.
absl::StatusOr<LogCheck> CheckLog(const CallContext& context, storage::Database& database);

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_LOG_CHECK_H_
