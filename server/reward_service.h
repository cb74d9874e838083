// RewardService over the reward log.
#ifndef PROCTOR_SERVER_REWARD_SERVICE_H_
#define PROCTOR_SERVER_REWARD_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "common/executor.h"
#include "proposer/task_store.h"
#include "reward/consumers.h"
#include "reward/groups.h"
#include "reward/reward_log.h"
#include "reward/subscription.h"
#include "server/rpc/stream_call.h"
#include "server/tenant_writes.h"

namespace proctor::server {

// All outlive the service; the pools have run what was posted to them before it is destroyed.
struct RewardServiceParts {
  reward::RewardLog& log;
  reward::Groups& groups;
  reward::Consumers& consumers;
  reward::SubscriptionHub& subscriptions;
  proposer::TaskStore& tasks;
  const TenantWrites& writes;
  reward::PayloadLoader load_payload;
  Executor& pool;
  // Looks at the log for those whose ListRewards waits: all of them when it grew, and so a pool of their own.
  Executor& polling_pool;
  TimerQueue& timers;
  // As StreamCall has them.
  const CallBooks* books = nullptr;
};

std::unique_ptr<grpc::Service> MakeRewardService(RewardServiceParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_REWARD_SERVICE_H_
