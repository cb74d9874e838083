// TrajectoryService over the trajectory room.
#ifndef PROCTOR_SERVER_TRAJECTORY_SERVICE_H_
#define PROCTOR_SERVER_TRAJECTORY_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <cstdint>
#include <memory>

#include "common/executor.h"
#include "server/auth/tenant_accounts.h"
#include "server/auth/tenant_quotas.h"
#include "server/byte_budget.h"
#include "server/data_directory.h"
#include "server/episode_pipeline.h"
#include "server/job_runner.h"
#include "server/rpc/call_memory.h"

namespace proctor::server {

// All outlive the service.
struct TrajectoryServiceParts {
  DataDirectory& data;
  EpisodePipeline& pipeline;
  JobRunner& jobs;
  Executor& pool;
  // Whose recordings are, and what they may use.
  TenantQuotas& quotas;
  TenantAccounts& accounts;
  // Of blobs that are held while their parts come in or go out.
  ByteBudget& blob_memory;
  // A ReadBlob whose client takes nothing for so long ends, and a recording whose blob takes longer than so large messages may.
  Patience patience;
  int64_t max_message_bytes;
};

std::unique_ptr<grpc::Service> MakeTrajectoryService(TrajectoryServiceParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_TRAJECTORY_SERVICE_H_
