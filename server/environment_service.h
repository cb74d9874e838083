// EnvironmentService over the session manager, for each caller as TenantVerbs lets it.
#ifndef PROCTOR_SERVER_ENVIRONMENT_SERVICE_H_
#define PROCTOR_SERVER_ENVIRONMENT_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "common/executor.h"
#include "env/episode_sink.h"
#include "env/session_manager.h"
#include "server/auth/tenant_quotas.h"
#include "server/episode_source.h"
#include "server/rpc/stream_call.h"
#include "trajectory/episode_store.h"

namespace proctor::server {

// All outlive the service.
struct EnvironmentServiceParts {
  env::SessionManager& sessions;
  trajectory::EpisodeStore& episodes;
  EpisodeSource& results;
  // Answers of sessions that a restart ended.
  env::EpisodeSink& sink;
  // Unary calls and streams' handlers; short work only.
  Executor& pool;
  // Null: there are none.
  TenantQuotas* quotas = nullptr;
  // As StreamCall has them.
  const CallBooks* books = nullptr;
};
std::unique_ptr<grpc::Service> MakeEnvironmentService(EnvironmentServiceParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_ENVIRONMENT_SERVICE_H_
