// Who pays for what judges' models cost.
#ifndef PROCTOR_SERVER_JUDGE_SPENDING_H_
#define PROCTOR_SERVER_JUDGE_SPENDING_H_

#include <string>

#include "proctor/v1/trajectory.pb.h"
#include "server/auth/tenant_accounts.h"
#include "trajectory/episode_store.h"

namespace proctor::server {

// The tenant that started `job` or, with an empty one, the tenant whose episode is judged: of its session, or who recorded it. An
// episode that cannot be read is kDefaultTenant's; "": nobody's. Blocks for a look into the store. Thread-safe.
std::string PayingTenant(const v1::Trajectory& judged, const std::string& job, trajectory::EpisodeStore& episodes,
                         TenantAccounts& accounts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JUDGE_SPENDING_H_
