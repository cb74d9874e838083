// Which trajectories: flags that several commands share.
#ifndef PROCTOR_CLIENTS_CLI_TRAJECTORY_FILTER_H_
#define PROCTOR_CLIENTS_CLI_TRAJECTORY_FILTER_H_

#include <vector>

#include "clients/cli/call.h"
#include "clients/cli/command.h"
#include "clients/cli/flags.h"
#include "proctor/v1/trajectory_service.pb.h"

namespace proctor::cli {

// --env, --task, --group, --policy, --policy-version, --end, --split, --closed.
std::vector<Flag> TrajectoryFilterFlags();

// What these flags say.
v1::TrajectoryFilter TrajectoryFilterOf(const Call& call);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_TRAJECTORY_FILTER_H_
