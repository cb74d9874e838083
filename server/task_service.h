// TaskService over the proposer.
#ifndef PROCTOR_SERVER_TASK_SERVICE_H_
#define PROCTOR_SERVER_TASK_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <functional>
#include <memory>
#include <vector>

#include "common/executor.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/task_sampler.h"
#include "proposer/task_store.h"
#include "server/job_runner.h"

namespace proctor::server {

// All outlive the service. `templates` lists what ProposeTasks can make instances of.
struct TaskServiceParts {
  proposer::TaskStore& tasks;
  proposer::TaskSampler& sampler;
  JobRunner& jobs;
  std::function<std::vector<v1::TaskTemplate>()> templates;
  Executor& pool;
};

// Kind of the jobs that ProposeTasks starts; their work is registered by the server.
inline constexpr char kProposeTasksJob[] = "propose_tasks";

std::unique_ptr<grpc::Service> MakeTaskService(TaskServiceParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_TASK_SERVICE_H_
