#include "server/judge_spending.h"

#include "common/call_context.h"
#include "common/ids.h"
#include "server/auth/caller.h"

namespace proctor::server {

std::string PayingTenant(const v1::Trajectory& judged, const std::string& job, trajectory::EpisodeStore& episodes,
                         TenantAccounts& accounts) {
  if (!job.empty()) return accounts.JobTenant(job);
  const auto id = ResourceId("trajectories", judged.name());
  if (!id.ok()) return "";
  const CallContext context = CallContext::WithTimeout(absl::Seconds(10));
  const auto episode = episodes.Get(context, ResourceName("episodes", *id));
  if (episode.ok() && !episode->session().empty()) return TenantOfSession(episode->session());
  return accounts.RecordingTenant(context, *id).value_or(kDefaultTenant);
}

}  // namespace proctor::server
