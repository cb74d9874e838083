// Who pays for what judges' models cost.
#ifndef PROCTOR_SERVER_JUDGE_SPENDING_H_
#define PROCTOR_SERVER_JUDGE_SPENDING_H_

#include <string>

#include "absl/status/status.h"
#include "proctor/v1/trajectory.pb.h"
#include "server/auth/tenant_accounts.h"
#include "server/auth/tenant_quotas.h"
#include "trajectory/episode_store.h"

namespace proctor::server {

// The tenant that started `job` or, with an empty one, the tenant whose episode is judged: of its session, or who recorded it. An
// episode that cannot be read is kDefaultTenant's; "": nobody's. Blocks for a look into the store. Thread-safe.
std::string PayingTenant(const v1::Trajectory& judged, const std::string& job, trajectory::EpisodeStore& episodes,
                         TenantAccounts& accounts);

// RESOURCE_EXHAUSTED, naming the quota and when it frees: the tenant that started `job` may spend no more on judges today. Thread-safe; blocks
// on nothing.
absl::Status CheckJobSpend(const std::string& job, const TenantAccounts& accounts, const TenantQuotas& quotas);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JUDGE_SPENDING_H_
