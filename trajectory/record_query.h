// TrajectoryFilter as SQL. Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_RECORD_QUERY_H_
#define PROCTOR_TRAJECTORY_RECORD_QUERY_H_

#include <optional>
#include <string>
#include <vector>

#include "proctor/v1/trajectory_service.pb.h"
#include "storage/database.h"
#include "trajectory/page_token.h"

namespace proctor::trajectory {

// A query and its parameters.
struct RecordQuery {
  std::string sql;
  std::vector<storage::Value> parameters;
};

// Records that pass the filter, newest first, after `from` if given, `limit` at most. Columns: id, start_time, header,
// step_count.
RecordQuery MakeRecordQuery(const v1::TrajectoryFilter& filter,
                            const std::optional<PageToken>& from, int limit);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_RECORD_QUERY_H_
