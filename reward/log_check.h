// Whether the reward log is whole: for whoever checks a data directory.
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
  // row, a reward whose id is not noted, a consumer beyond the end. None of them can be mended but from a copy.
  std::vector<std::string> damage;
};

absl::StatusOr<LogCheck> CheckLog(const CallContext& context, storage::Database& database);

}  // namespace proctor::reward

#endif  // PROCTOR_REWARD_LOG_CHECK_H_
