#include "server/propose_job.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/template_proposer.h"
#include "server/task_service.h"

namespace proctor::server {
namespace {

// Tasks that one transaction stores.
constexpr int kBatch = 500;

absl::StatusOr<proposer::Proposal> Propose(const CallContext& context, const v1::Job& job,
                                           const v1::ProposeTasksRequest& request, JobProgress& progress,
                                           Worlds& worlds) {
  if (request.has_templates()) {
    PROCTOR_RETURN_IF_ERROR(progress.Report(0, request.count(), "making instances of templates"));
    return proposer::ProposeFromTemplates(context, request, job.name(), worlds.templates());
  }
  return absl::UnimplementedError("crawl");
}

absl::StatusOr<google::protobuf::Any> Run(const CallContext& context, const v1::Job& job, JobProgress& progress,
                                          proposer::TaskStore& tasks, Worlds& worlds) {
  v1::ProposeTasksRequest request;
  if (!job.request().UnpackTo(&request)) {
    return absl::InternalError(absl::StrCat(job.name(), " holds a request of another type"));
  }
  PROCTOR_ASSIGN_OR_RETURN(proposer::Proposal proposal, Propose(context, job, request, progress, worlds));
  const int total = static_cast<int>(proposal.tasks.size());
  for (int first = 0; first < total; first += kBatch) {
    PROCTOR_RETURN_IF_ERROR(progress.Report(first, total, "storing tasks"));
    v1::BatchCreateTasksRequest batch;
    // The job may start again after a crash: the same id stores the same tasks once.
    batch.set_request_id(absl::StrCat(job.name(), "/", first));
    for (int i = first; i < std::min(total, first + kBatch); ++i) *batch.add_tasks() = proposal.tasks[i];
    PROCTOR_ASSIGN_OR_RETURN(const auto stored, tasks.BatchCreateTasks(context, batch));
    for (const v1::Task& task : stored.tasks()) proposal.result.add_tasks(task.name());
  }
  PROCTOR_RETURN_IF_ERROR(progress.Report(total, total, "done"));
  google::protobuf::Any any;
  any.PackFrom(proposal.result);
  return any;
}

}  // namespace

void RegisterProposeJob(JobRunner& jobs, proposer::TaskStore& tasks, Worlds& worlds) {
  jobs.Register(kProposeTasksJob,
                [&tasks, &worlds](const CallContext& context, const v1::Job& job, JobProgress& progress) {
                  return Run(context, job, progress, tasks, worlds);
                });
}

}  // namespace proctor::server
