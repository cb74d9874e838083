// What callers put into the store for good, in the name of their tenants.
#ifndef PROCTOR_SERVER_TENANT_WRITES_H_
#define PROCTOR_SERVER_TENANT_WRITES_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "google/protobuf/message.h"
#include "proctor/v1/job.pb.h"
#include "server/auth/caller.h"
#include "server/auth/tenant_accounts.h"
#include "server/auth/tenant_quotas.h"
#include "server/job_runner.h"

namespace proctor::server {

// Thread-safe.
class TenantWrites {
 public:
  // All outlive it.
  TenantWrites(TenantQuotas& quotas, TenantAccounts& accounts, JobRunner& jobs) : quotas_(quotas), accounts_(accounts), jobs_(jobs) {}

  // Does `work`, which stores about what `request` holds, and counts that against the caller's `storage_bytes`, again for a retry.
  // RESOURCE_EXHAUSTED, and nothing is done: the quota would be exceeded. What `work` returns otherwise; where it fails, nothing is counted.
  absl::Status Store(const Caller& caller, const google::protobuf::Message& request, const std::function<absl::Status()>& work) const;

  // Starts a job that the caller's tenant pays for. `request_id` as the client gave it: it is its tenant's own. Errors: those of Store and of
  // JobRunner::Start.
  absl::StatusOr<v1::Job> StartJob(const CallContext& context, const Caller& caller, const std::string& request_id, const std::string& kind,
                                   const google::protobuf::Message& request) const;

 private:
  TenantQuotas& quotas_;
  TenantAccounts& accounts_;
  JobRunner& jobs_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_TENANT_WRITES_H_
