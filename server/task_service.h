// TaskService over the proposer.
#ifndef PROCTOR_SERVER_TASK_SERVICE_H_
#define PROCTOR_SERVER_TASK_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <functional>
#include <memory>
#include <vector>

#include "common/executor.h"
#include "proctor/v1/task_service.pb.h"
#include "server/data_directory.h"
#include "server/models.h"
#include "server/tenant_writes.h"

namespace proctor::server {

// All outlive the service. `templates` lists what ProposeTasks can make instances of.
struct TaskServiceParts {
  DataDirectory& data;
  const Models& models;
  const TenantWrites& writes;
  std::function<std::vector<v1::TaskTemplate>()> templates;
  Executor& pool;
};

// Kind of the jobs that ProposeTasks starts; their work is registered by the server.
inline constexpr char kProposeTasksJob[] = "propose_tasks";

std::unique_ptr<grpc::Service> MakeTaskService(TaskServiceParts parts);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_TASK_SERVICE_H_
