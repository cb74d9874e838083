// The episode that goes along with a reward, where a consumer asks for it.
#ifndef PROCTOR_SERVER_REWARD_PAYLOAD_H_
#define PROCTOR_SERVER_REWARD_PAYLOAD_H_

#include "reward/subscription.h"
#include "trajectory/trajectory_store.h"

namespace proctor::server {

// Loads what a trainer learns from: actions and agent data, screenshots by digest, no other observations. Reads step by step the store,
// which outlives the loader.
reward::PayloadLoader PayloadLoaderOf(trajectory::TrajectoryStore& trajectories);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_REWARD_PAYLOAD_H_
