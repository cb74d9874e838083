#include "server/task_service.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "evaluator/evidence.h"
#include "proctor/v1/task_service.grpc.pb.h"
#include "server/model_proposals.h"
#include "server/propose_job.h"
#include "server/rpc/door.h"
#include "server/rpc/unary.h"
#include "server/webarena_source.h"
#include "trajectory/record_form.h"

namespace proctor::server {
namespace {

absl::Status CheckProposal(const v1::ProposeTasksRequest& request) {
  const bool all = request.has_webarena() && request.count() == 0;
  if (!all && (request.count() < 1 || request.count() > 10'000)) {
    return absl::InvalidArgumentError("count must be 1 to 10,000");
  }
  if (request.source_case() == v1::ProposeTasksRequest::SOURCE_NOT_SET) {
    return absl::InvalidArgumentError("set templates, crawl, webarena or model as the source of tasks");
  }
  // A file with a mistake is refused at once, not by a job that fails.
  if (request.has_webarena()) return ProposeFromWebArena(request, /*job=*/"").status();
  if (request.has_crawl() && request.crawl().start_url().empty()) {
    return absl::InvalidArgumentError("crawl.start_url is empty");
  }
  return absl::OkStatus();
}

// An oracle that can never be evaluated is refused when it is given, not when an episode has been spent on it.
absl::Status CheckOracle(const v1::Task& task) {
  if (!task.has_oracle()) return absl::OkStatus();
  return Annotate(evaluator::ValidateOracle(task.oracle()), "task.oracle");
}

// Takes passwords and cookies out of an answer. An episode started by the task's name has them all the same.
void Hide(v1::Task& task) {
  v1::Trajectory header;
  header.mutable_task()->Swap(&task);
  trajectory::RedactCredentials(header);
  task.Swap(header.mutable_task());
}

void HideFrom(const Caller& caller, v1::Task& task) {
  if (!caller.sees_credentials()) Hide(task);
}

template <typename Response>
void HideAllFrom(const Caller& caller, Response& response) {
  if (caller.sees_credentials()) return;
  for (v1::Task& task : *response.mutable_tasks()) Hide(task);
}

// The request with an id that is its tenant's own.
template <typename Request>
absl::StatusOr<Request> OwnedBy(const Caller& caller, Request request) {
  PROCTOR_ASSIGN_OR_RETURN(*request.mutable_request_id(), TenantRequestId(caller.tenant, request.request_id()));
  return request;
}

class TaskServiceImpl final : public v1::TaskService::CallbackService {
 public:
  explicit TaskServiceImpl(TaskServiceParts parts) : parts_(std::move(parts)) {}

  grpc::ServerUnaryReactor* CreateTask(grpc::CallbackServerContext* context,
                                       const v1::CreateTaskRequest* request, v1::Task* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(CheckOracle(request->task()));
      return parts_.writes.Store(caller, *request, [&]() -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const v1::CreateTaskRequest owned, OwnedBy(caller, *request));
        return Assign(parts_.data.tasks->CreateTask(call, owned), response);
      });
    });
  }

  grpc::ServerUnaryReactor* BatchCreateTasks(grpc::CallbackServerContext* context,
                                             const v1::BatchCreateTasksRequest* request,
                                             v1::BatchCreateTasksResponse* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      for (const v1::Task& task : request->tasks()) PROCTOR_RETURN_IF_ERROR(CheckOracle(task));
      return parts_.writes.Store(caller, *request, [&]() -> absl::Status {
        PROCTOR_ASSIGN_OR_RETURN(const v1::BatchCreateTasksRequest owned, OwnedBy(caller, *request));
        return Assign(parts_.data.tasks->BatchCreateTasks(call, owned), response);
      });
    });
  }

  grpc::ServerUnaryReactor* GetTask(grpc::CallbackServerContext* context, const v1::GetTaskRequest* request,
                                    v1::Task* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(Assign(parts_.data.tasks->GetTask(call, request->name()), response));
      HideFrom(caller, *response);
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ListTasks(grpc::CallbackServerContext* context, const v1::ListTasksRequest* request,
                                      v1::ListTasksResponse* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(Assign(parts_.data.tasks->ListTasks(call, *request), response));
      HideAllFrom(caller, *response);
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* AcceptTask(grpc::CallbackServerContext* context,
                                       const v1::AcceptTaskRequest* request, v1::Task* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.data.tasks->AcceptTask(call, request->name()), response);
    });
  }

  grpc::ServerUnaryReactor* RejectTask(grpc::CallbackServerContext* context,
                                       const v1::RejectTaskRequest* request, v1::Task* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext& call) {
      return Assign(parts_.data.tasks->RejectTask(call, request->name(), request->reason()), response);
    });
  }

  grpc::ServerUnaryReactor* ProposeTasks(grpc::CallbackServerContext* context,
                                         const v1::ProposeTasksRequest* request, v1::Job* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(CheckProposal(*request));
      if (request->has_model()) {
        PROCTOR_RETURN_IF_ERROR(CheckModelProposal(call, *request, parts_.data, parts_.models));
      }
      PROCTOR_ASSIGN_OR_RETURN(v1::Job job,
                               parts_.writes.StartJob(call, caller, request->request_id(), kProposeTasksJob, *request));
      *response = ShownJob(std::move(job));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ListTaskTemplates(grpc::CallbackServerContext* context,
                                              const v1::ListTaskTemplatesRequest* request,
                                              v1::ListTaskTemplatesResponse* response) override {
    return Unary(context, parts_.pool, [=, this](const CallContext&) {
      for (const v1::TaskTemplate& task_template : parts_.templates()) {
        const auto& sites = request->sites();
        if (sites.empty() || std::find(sites.begin(), sites.end(), task_template.site()) != sites.end()) {
          *response->add_templates() = task_template;
        }
      }
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* SampleTasks(grpc::CallbackServerContext* context,
                                        const v1::SampleTasksRequest* request,
                                        v1::SampleTasksResponse* response) override {
    return Unary(context, parts_.pool, [=, this, caller = CallerOf(*context)](const CallContext& call) -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(Assign(parts_.data.sampler->SampleTasks(call, *request), response));
      HideAllFrom(caller, *response);
      return absl::OkStatus();
    });
  }

 private:
  const TaskServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeTaskService(TaskServiceParts parts) {
  return std::make_unique<TaskServiceImpl>(std::move(parts));
}

}  // namespace proctor::server
