// Records as programs wrote them before digests were a chain.
#ifndef PROCTOR_TESTS_TRAJECTORY_OLDER_RECORDS_H_
#define PROCTOR_TESTS_TRAJECTORY_OLDER_RECORDS_H_

#include <string>
#include <vector>

#include "common/call_context.h"
#include "common/proto_json.h"
#include "common/status.h"
#include "gtest/gtest.h"
#include "storage/database.h"
#include "trajectory/record_form.h"
#include "trajectory/record_tables.h"

namespace proctor::trajectory {

// Makes the rows of a record, open or closed, what a program that wrote format version 1 would have left.
inline void MakeVersion1(storage::Database& database, const std::string& id) {
  const absl::Status status = database.Write(CallContext(), [&](storage::Transaction& transaction) -> absl::Status {
    PROCTOR_ASSIGN_OR_RETURN(RecordRow record, LoadRecord(transaction, id));
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<v1::Step> steps, LoadSteps(transaction, id, 0, record.step_count));
    std::vector<std::string> sha256s;
    for (const v1::Step& step : steps) {
      sha256s.push_back(StepSha256(step));
      PROCTOR_RETURN_IF_ERROR(transaction
                                  .Execute("UPDATE trajectory_steps SET digest = $3 WHERE trajectory = $1 AND step_index = $2",
                                           {id, int64_t{step.index()}, sha256s.back()})
                                  .status());
    }
    v1::Trajectory& header = record.header;
    header.set_format_version(1);
    if (header.closed()) {
      header.set_digest(TrajectoryDigest(header, sha256s));
    } else {
      header.clear_step_count();
    }
    return transaction
        .Execute("UPDATE trajectory_records SET digest = $2, header = $3 WHERE id = $1",
                 {id, header.digest(), storage::Bytes{ProtoCanonicalBytes(header)}})
        .status();
  });
  ASSERT_TRUE(status.ok()) << status;
}

}  // namespace proctor::trajectory

#endif  // PROCTOR_TESTS_TRAJECTORY_OLDER_RECORDS_H_
