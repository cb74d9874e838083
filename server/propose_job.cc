#include "server/propose_job.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/executor.h"
#include "common/status.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/evidence.h"
#include "proctor/v1/task_service.pb.h"
#include "proposer/crawl_proposer.h"
#include "proposer/crawler.h"
#include "proposer/template_proposer.h"
#include "server/model_proposals.h"
#include "server/site_explorer.h"
#include "server/task_service.h"
#include "server/webarena_source.h"
#include "trajectory/record_form.h"

namespace proctor::server {
namespace {

// Tasks that one transaction stores.
constexpr int kBatch = 500;

proposer::OracleCheck TaskOracleCheck() {
  return {.evidence = [](const v1::Task& task) { return evaluator::RequiredEvidence(task.oracle()); },
          .judge = [](const v1::Trajectory& trajectory) {
            return evaluator::Evaluate(evaluator::TaskOracleEvaluator(), trajectory);
          }};
}

// Calls `visit` for every stored task that `filter` lets through, oldest first.
absl::Status ForEachTask(const CallContext& context, const proposer::TaskStore& tasks, const v1::TaskFilter& filter,
                         const std::function<void(const v1::Task&)>& visit) {
  v1::ListTasksRequest list;
  list.set_page_size(1'000);
  *list.mutable_filter() = filter;
  do {
    PROCTOR_ASSIGN_OR_RETURN(const v1::ListTasksResponse page, tasks.ListTasks(context, list));
    for (const v1::Task& task : page.tasks()) visit(task);
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  return absl::OkStatus();
}

// What crawls of the site have given, rejected tasks too.
absl::StatusOr<proposer::CrawlHistory> HistoryOf(const CallContext& context, const v1::Job& job,
                                                 const v1::CrawlSource& source, const proposer::TaskStore& tasks) {
  v1::TaskFilter filter;
  PROCTOR_ASSIGN_OR_RETURN(*filter.add_sites(), proposer::SiteOfCrawl(source));
  proposer::CrawlHistory history;
  PROCTOR_RETURN_IF_ERROR(ForEachTask(context, tasks, filter, [&](const v1::Task& task) {
    const bool own = task.name() == proposer::CrawlTaskName(job.name(), static_cast<int>(history.own.size()));
    if (own && task.lineage().source() == proposer::kCrawlSource) {
      history.own.push_back(task);
    } else {
      history.known.Add(task);
    }
  }));
  return history;
}

absl::StatusOr<proposer::Proposal> ProposeByCrawl(const CallContext& context, const v1::Job& job,
                                                  const v1::ProposeTasksRequest& request, JobProgress& progress,
                                                  const ProposeParts& parts) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::CrawlSource source, proposer::NormalizeCrawlSource(request.crawl()));
  PROCTOR_ASSIGN_OR_RETURN(const ExplorerHome home, HomeOf(source.environment(), job, parts));
  PROCTOR_ASSIGN_OR_RETURN(proposer::CrawlHistory history, HistoryOf(context, job, source, *parts.data.tasks));
  std::vector<std::unique_ptr<WorldExplorer>> explorers;
  ThreadPool pool("propose", source.parallel_trials());
  proposer::ExplorerTeam team{.explorers = {}, .pool = &pool};
  for (int i = 0; i < source.parallel_trials(); ++i) {
    team.explorers.push_back(explorers.emplace_back(std::make_unique<WorldExplorer>(home)).get());
  }
  PROCTOR_RETURN_IF_ERROR(progress.Report(0, request.count(), absl::StrCat("waiting for a place in ", source.environment())));
  PROCTOR_RETURN_IF_ERROR(explorers[0]->Acquire(context));
  PROCTOR_RETURN_IF_ERROR(explorers[0]->Open(context));
  return proposer::ProposeFromCrawl(
      context, request, job.name(), team, TaskOracleCheck(),
      [&](const proposer::CrawlProposalProgress& done) {
        // A cancelled job ends through its context; this only waits while the job is paused.
        progress.Report(done.accepted, request.count(),
                        absl::StrCat(done.pages_crawled, " pages crawled, ", done.tried, " drafts tried"),
                        [&] {
                          for (const auto& explorer : explorers) explorer->Rest();
                        })
            .IgnoreError();
      },
      std::move(history));
}

// The sides that the stored tasks of the templates are on: another job must not put the same goal on another one. Not those that the job itself
// stored before a crash: it makes the same ones again.
absl::StatusOr<proposer::GoalSplits> GoalSplitsOf(const CallContext& context, const v1::Job& job, const v1::ProposeTasksRequest& request,
                                                  const proposer::TaskStore& tasks) {
  v1::TaskFilter filter;
  *filter.mutable_sites() = request.templates().sites();
  *filter.mutable_templates() = request.templates().templates();
  proposer::GoalSplits taken;
  PROCTOR_RETURN_IF_ERROR(ForEachTask(context, tasks, filter, [&](const v1::Task& task) {
    // A task without a template, or of a client's own making, says nothing about instances.
    if (task.lineage().source() != proposer::kTemplateSource || task.lineage().job() == job.name()) return;
    taken.emplace(proposer::NormalizedGoal(task), task.split());
  }));
  return taken;
}

absl::StatusOr<proposer::Proposal> Propose(const CallContext& context, const v1::Job& job,
                                           const v1::ProposeTasksRequest& request, JobProgress& progress,
                                           const ProposeParts& parts) {
  if (request.has_templates()) {
    PROCTOR_RETURN_IF_ERROR(progress.Report(0, request.count(), "making instances of templates"));
    PROCTOR_ASSIGN_OR_RETURN(const proposer::GoalSplits taken, GoalSplitsOf(context, job, request, *parts.data.tasks));
    return proposer::ProposeFromTemplates(context, request, job.name(), parts.worlds.templates(), taken);
  }
  if (request.has_webarena()) {
    PROCTOR_RETURN_IF_ERROR(progress.Report(0, request.count(), "reading WebArena's tasks"));
    return ProposeFromWebArena(request, job.name());
  }
  return ProposeByCrawl(context, job, request, progress, parts);
}

// Proposes everything, then stores it.
absl::StatusOr<v1::ProposeTasksResult> ProposeAndStore(const CallContext& context, const v1::Job& job,
                                                       const v1::ProposeTasksRequest& request, JobProgress& progress,
                                                       const ProposeParts& parts) {
  PROCTOR_ASSIGN_OR_RETURN(proposer::Proposal proposal, Propose(context, job, request, progress, parts));
  const int total = static_cast<int>(proposal.tasks.size());
  for (int i = 0; i < proposal.stored; ++i) proposal.result.add_tasks(proposal.tasks[i].name());
  for (int first = proposal.stored; first < total; first += kBatch) {
    PROCTOR_RETURN_IF_ERROR(progress.Report(first, total, "storing tasks"));
    v1::BatchCreateTasksRequest batch;
    // The job may start again after a crash: the same id stores the same tasks once.
    batch.set_request_id(absl::StrCat(job.name(), "/", first));
    for (int i = first; i < std::min(total, first + kBatch); ++i) *batch.add_tasks() = proposal.tasks[i];
    PROCTOR_ASSIGN_OR_RETURN(const auto stored, parts.data.tasks->BatchCreateTasks(context, batch));
    for (const v1::Task& task : stored.tasks()) proposal.result.add_tasks(task.name());
  }
  PROCTOR_RETURN_IF_ERROR(progress.Report(total, total, "done"));
  return std::move(proposal.result);
}

absl::StatusOr<google::protobuf::Any> Run(const CallContext& context, const v1::Job& job, JobProgress& progress,
                                          const ProposeParts& parts) {
  v1::ProposeTasksRequest request;
  if (!job.request().UnpackTo(&request)) {
    return absl::InternalError(absl::StrCat(job.name(), " holds a request of another type"));
  }
  absl::StatusOr<v1::ProposeTasksResult> result =
      request.has_model() ? ProposeByModel(context, job, request, progress, parts)
                          : ProposeAndStore(context, job, request, progress, parts);
  if (!result.ok()) return result.status();
  google::protobuf::Any any;
  any.PackFrom(*result);
  return any;
}

}  // namespace

v1::Job ShownJob(v1::Job job) {
  v1::ProposeTasksRequest request;
  if (job.kind() != kProposeTasksJob || !job.request().UnpackTo(&request)) return job;
  if (request.has_webarena()) {
    request.mutable_webarena()->clear_config_json();
    request.mutable_webarena()->clear_storage_states();
  }
  if (request.has_crawl()) request.mutable_crawl()->set_start_url(trajectory::WithoutUserInfo(request.crawl().start_url()));
  if (request.has_model()) request.mutable_model()->set_start_url(trajectory::WithoutUserInfo(request.model().start_url()));
  job.mutable_request()->PackFrom(request);
  return job;
}

void RegisterProposeJob(JobRunner& jobs, ProposeParts parts) {
  jobs.Register(kProposeTasksJob, [parts = std::move(parts)](const CallContext& context, const v1::Job& job, JobProgress& progress) {
    return Run(context, job, progress, parts);
  });
}

}  // namespace proctor::server
