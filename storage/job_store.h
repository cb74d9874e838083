// Jobs that outlive their client and the server: state, progress, request and result, durable.
#ifndef PROCTOR_STORAGE_JOB_STORE_H_
#define PROCTOR_STORAGE_JOB_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "google/protobuf/message.h"
#include "proctor/v1/job.pb.h"
#include "storage/database.h"

namespace proctor::storage {

// The table of jobs. Running them is the caller's business. Thread-safe.
class JobStore {
 public:
  // `database` and `clock` outlive the store.
  static absl::StatusOr<std::unique_ptr<JobStore>> Open(Database& database, Clock& clock);

  // A new QUEUED job, durable on return. The same non-empty `request_id` with an equal request of the same kind gives the
  // job made before, as it stands; with another it is INVALID_ARGUMENT, and so is a request of more than 4 MiB.
  absl::StatusOr<v1::Job> Create(const CallContext& context, const std::string& kind,
                                 const google::protobuf::Message& request,
                                 const std::string& request_id);

  // NOT_FOUND; INVALID_ARGUMENT for a malformed name.
  absl::StatusOr<v1::Job> Get(const CallContext& context, const std::string& name);

  struct Page {
    std::vector<v1::Job> jobs;
    // Empty on the last page.
    std::string next_page_token;
  };
  // Newest first. `page_size` 0 means 50; at most 1,000, and 2 MiB (storage/page.h). Jobs whose rows are damaged are left out. INVALID_ARGUMENT for a foreign page
  // token.
  absl::StatusOr<Page> List(const CallContext& context, int page_size,
                            const std::string& page_token);

  // Changes the job in one transaction and returns it as stored. The store fills in `start_time` at the first RUNNING
  // and `end_time` at the end; name, kind, request and create_time stay. What `change` returns is returned.
  // FAILED_PRECONDITION: the job has ended.
  absl::StatusOr<v1::Job> Update(const CallContext& context, const std::string& name,
                                 const std::function<absl::Status(v1::Job&)>& change);

  // At start-up, before anything runs: RUNNING jobs of a server that stopped become QUEUED. Returns all QUEUED jobs,
  // oldest first, for the caller to run. PAUSED ones stay as they are, and damaged ones, which the log names.
  absl::StatusOr<std::vector<v1::Job>> Recover(const CallContext& context);

 private:
  JobStore(Database& database, Clock& clock) : database_(database), clock_(clock) {}

  Database& database_;
  Clock& clock_;
};

// SUCCEEDED, FAILED or CANCELLED.
bool JobHasEnded(const v1::Job& job);

}  // namespace proctor::storage

#endif  // PROCTOR_STORAGE_JOB_STORE_H_
