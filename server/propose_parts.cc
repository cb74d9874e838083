#include "server/propose_parts.h"

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"

namespace proctor::server {

absl::StatusOr<ExplorerHome> HomeOf(const std::string& environment, const v1::Job& job, const ProposeParts& parts) {
  env::Environment* const found = parts.worlds.Find(environment);
  if (found == nullptr) return absl::NotFoundError(absl::StrCat("no environment ", environment));
  PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("environments", environment));
  return ExplorerHome{.sessions = parts.sessions, .environment = *found, .environment_id = id, .tenant = parts.tenant_of(job.name())};
}

}  // namespace proctor::server
