// Which rewards: flags shared by `reward list`, `reward tail` and `reward consumer create`.
#ifndef PROCTOR_CLIENTS_CLI_REWARD_FILTER_H_
#define PROCTOR_CLIENTS_CLI_REWARD_FILTER_H_

#include <vector>

#include "clients/cli/arguments.h"
#include "clients/cli/command.h"
#include "proctor/v1/reward.pb.h"

namespace proctor::cli {

std::vector<Flag> RewardFilterFlags();
v1::ConsumerFilter RewardFilter(const Arguments& arguments);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_REWARD_FILTER_H_
