#include "server/judge_spending.h"

#include <utility>

#include "common/call_context.h"
#include "common/ids.h"
#include "server/auth/caller.h"

namespace proctor::server {

void ChargeTenant(const v1::Trajectory& judged, const std::string& job, double usd, trajectory::EpisodeStore& episodes,
                  TenantAccounts& accounts) {
  if (!job.empty()) {
    accounts.AddJudgeSpend(accounts.JobTenant(job), usd);
    return;
  }
  const auto id = ResourceId("trajectories", judged.name());
  if (!id.ok()) return;
  const CallContext context = CallContext::WithTimeout(absl::Seconds(10));
  const auto episode = episodes.Get(context, ResourceName("episodes", *id));
  std::string tenant = kDefaultTenant;
  if (episode.ok() && !episode->session().empty()) {
    tenant = TenantOfSession(episode->session());
  } else if (auto recorded = accounts.RecordingTenant(context, *id); recorded.ok()) {
    tenant = *std::move(recorded);
  }
  accounts.AddJudgeSpend(tenant, usd);
}

}  // namespace proctor::server
