#include "server/tenant_writes.h"

#include "common/status.h"
#include "server/auth/storage_meter.h"

namespace proctor::server {

absl::Status TenantWrites::Store(const Caller& caller, const google::protobuf::Message& request,
                                 const std::function<absl::Status()>& work) const {
  if (!quotas_.limits_storage()) return work();
  const size_t bytes = request.ByteSizeLong();
  StorageMeter meter(quotas_, accounts_, caller.tenant);
  PROCTOR_RETURN_IF_ERROR(meter.Take(bytes));
  absl::Status done = work();
  done.ok() ? meter.Keep() : meter.GiveBack(bytes);
  return done;
}

absl::StatusOr<v1::Job> TenantWrites::StartJob(const CallContext& context, const Caller& caller, const std::string& request_id,
                                               const std::string& kind, const google::protobuf::Message& request) const {
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, TenantRequestId(caller.tenant, request_id));
  absl::StatusOr<v1::Job> job = absl::InternalError("no job was started");
  PROCTOR_RETURN_IF_ERROR(Store(caller, request, [&] {
    job = jobs_.Start(context, id, kind, request, [&](const std::string& name) { accounts_.SetJobTenant(name, caller.tenant); });
    return job.status();
  }));
  return job;
}

}  // namespace proctor::server
