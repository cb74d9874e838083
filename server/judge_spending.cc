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

absl::Status CheckJobSpend(const std::string& job, const TenantAccounts& accounts, const TenantQuotas& quotas) {
  return quotas.limits_judge_spend() ? quotas.CheckJudgeSpend(accounts.JobTenant(job)) : absl::OkStatus();
}

}  // namespace proctor::server
