// What `propose_tasks` jobs work with.
#ifndef PROCTOR_SERVER_PROPOSE_PARTS_H_
#define PROCTOR_SERVER_PROPOSE_PARTS_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "env/session_manager.h"
#include "proctor/v1/job.pb.h"
#include "server/data_directory.h"
#include "server/models.h"
#include "server/site_explorer.h"
#include "server/worlds.h"

namespace proctor::server {

// All outlive the jobs.
struct ProposeParts {
  DataDirectory& data;
  Worlds& worlds;
  Models& models;
  // Worlds to explore are in its places.
  env::SessionManager& sessions;
  // Whose quota of sessions a job's worlds count to.
  std::function<std::string(const std::string& job)> tenant_of;
};

// Where a job explores `environments/{id}`. NOT_FOUND.
absl::StatusOr<ExplorerHome> HomeOf(const std::string& environment, const v1::Job& job, const ProposeParts& parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_PROPOSE_PARTS_H_
