// The episode that goes along with a reward, where a consumer asks for it.
#ifndef PROCTOR_SERVER_REWARD_PAYLOAD_H_
#define PROCTOR_SERVER_REWARD_PAYLOAD_H_

#include "proctor/v1/trajectory.pb.h"
#include "proctor/v1/trajectory_payload.pb.h"
#include "reward/subscription.h"
#include "trajectory/trajectory_store.h"

namespace proctor::server {

// What a trainer learns from: actions and agent data, screenshots by digest, no other observations.
v1::TrajectoryPayload MakePayload(const v1::Trajectory& trajectory);

// Reads the store, which outlives the loader.
reward::PayloadLoader PayloadLoaderOf(trajectory::TrajectoryStore& trajectories);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_REWARD_PAYLOAD_H_
