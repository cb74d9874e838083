// What the fake server's services share. Private to fake_*.cc.
#ifndef PROCTOR_TESTS_CLIENTS_FAKE_WORLD_H_
#define PROCTOR_TESTS_CLIENTS_FAKE_WORLD_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/job_service.pb.h"
#include "proctor/v1/reward_service.pb.h"
#include "proctor/v1/task_service.pb.h"

namespace grpc {
class Service;
}

namespace proctor::client {

using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;

struct World {
  Mutex mutex;
  std::map<std::string, int> calls ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Session> sessions ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Episode> episodes ABSL_GUARDED_BY(mutex);
  // Answers by request id.
  std::map<std::string, v1::ActResponse> replays ABSL_GUARDED_BY(mutex);
  std::vector<std::string> request_ids ABSL_GUARDED_BY(mutex);
  std::vector<v1::RewardRecord> log ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Consumer> consumers ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Task> tasks ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Job> jobs ABSL_GUARDED_BY(mutex);
  CondVar changed;
  int fail_unary ABSL_GUARDED_BY(mutex) = 0;
  StatusCode fail_unary_with ABSL_GUARDED_BY(mutex) = StatusCode::UNAVAILABLE;
  bool fail_after ABSL_GUARDED_BY(mutex) = false;
  int refuse_watches ABSL_GUARDED_BY(mutex) = 0;
  int break_act ABSL_GUARDED_BY(mutex) = 0;
  int break_rewards_every ABSL_GUARDED_BY(mutex) = 0;
  int fail_acks ABSL_GUARDED_BY(mutex) = 0;
  StatusCode fail_acks_with ABSL_GUARDED_BY(mutex) = StatusCode::RESOURCE_EXHAUSTED;
  bool hold_keep_alives ABSL_GUARDED_BY(mutex) = false;
  int keep_alives_held ABSL_GUARDED_BY(mutex) = 0;
  int keep_alives_given_up ABSL_GUARDED_BY(mutex) = 0;
  int steps ABSL_GUARDED_BY(mutex) = 0;
  bool credits_kept ABSL_GUARDED_BY(mutex) = true;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
};

inline Status Gone() { return {StatusCode::UNAVAILABLE, "broken on purpose"}; }
inline Status NotFound(const std::string& name) { return {StatusCode::NOT_FOUND, "no " + name}; }

// Counts the call; decides whether it fails before or after its work.
template <typename Work>
Status Unary(World& world, const std::string& method, Work work) {
  MutexLock lock(world.mutex);
  ++world.calls[method];
  const bool fail = world.fail_unary > 0;
  if (fail) --world.fail_unary;
  const Status failure(world.fail_unary_with, "broken on purpose");
  if (fail && !world.fail_after) return failure;
  const Status status = work();
  return fail ? failure : status;
}

// `world` outlives the services.
std::unique_ptr<grpc::Service> MakeFakeEnvironments(World& world);
std::unique_ptr<grpc::Service> MakeFakeRewards(World& world);
std::unique_ptr<grpc::Service> MakeFakeTasks(World& world);
std::unique_ptr<grpc::Service> MakeFakeJobs(World& world);

}  // namespace proctor::client

#endif  // PROCTOR_TESTS_CLIENTS_FAKE_WORLD_H_
