// Who pays for what judges' models cost.
#ifndef PROCTOR_SERVER_JUDGE_SPENDING_H_
#define PROCTOR_SERVER_JUDGE_SPENDING_H_

#include <string>

#include "proctor/v1/trajectory.pb.h"
#include "server/auth/tenant_accounts.h"
#include "trajectory/episode_store.h"

namespace proctor::server {

// Books `usd` on the tenant that started `job`, or with an empty one on the tenant whose episode it is: of its session, or who recorded it.
// An episode that cannot be read is kDefaultTenant's. Blocks for a look into the store. Thread-safe.
void ChargeTenant(const v1::Trajectory& judged, const std::string& job, double usd, trajectory::EpisodeStore& episodes,
                  TenantAccounts& accounts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_JUDGE_SPENDING_H_
