#include "server/model_proposals.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/mutex.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "proposer/demonstration_replay.h"
#include "proposer/model_proposer.h"
#include "proposer/model_source.h"
#include "proposer/site_evidence.h"
#include "server/site_explorer.h"

namespace proctor::server {
namespace {

// Of a world to replay a demonstration in.
constexpr absl::Duration kOpenTimeout = absl::Seconds(60);
// Of all demonstrations of a job, which are in memory as long as it runs.
constexpr int64_t kDemonstrationBytes = 64 << 20;

// Waits for models on the job's thread.
class BlockingModel final : public proposer::ProposerModel {
 public:
  explicit BlockingModel(std::unique_ptr<evaluator::JudgeModel> model) : model_(std::move(model)) {}

  std::vector<model::ChatReply> Ask(const CallContext& context, const std::string& route,
                                    std::vector<model::ChatRequest> requests) override {
    const auto replies = std::make_shared<Replies>(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      model_->Ask(context, route, std::move(requests[i]), [replies, i](model::ChatReply reply) {
        MutexLock lock(replies->mutex);
        replies->come[i] = std::move(reply);
        --replies->missing;
        replies->changed.SignalAll();
      });
    }
    MutexLock lock(replies->mutex);
    // Without a deadline of its own: every call ends by the context's, and says why.
    AwaitWithContext(
        CallContext(), replies->mutex, replies->changed,
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return replies->missing == 0; }, "replies")
        .IgnoreError();
    return std::move(replies->come);
  }

 private:
  struct Replies {
    explicit Replies(size_t count) : come(count), missing(count) {}
    Mutex mutex;
    CondVar changed;
    std::vector<model::ChatReply> come ABSL_GUARDED_BY(mutex);
    size_t missing ABSL_GUARDED_BY(mutex);
  };

  const std::unique_ptr<evaluator::JudgeModel> model_;
};

absl::StatusOr<v1::ModelSource> SourceOf(const v1::ProposeTasksRequest& request) {
  PROCTOR_ASSIGN_OR_RETURN(v1::ModelSource source, proposer::NormalizeModelSource(request));
  if (source.model().empty()) source.set_model(kProposerRoute);
  if (source.filter().model().empty()) source.mutable_filter()->set_model(kJudgeRoute);
  return source;
}

// The site's tasks from before the job: a job that starts again finds the same ones, and asks the same questions.
absl::StatusOr<std::vector<v1::Task>> KnownTasksOf(const CallContext& context, const v1::Job& job,
                                                   const std::string& site, const proposer::TaskStore& tasks) {
  v1::ListTasksRequest list;
  list.set_page_size(1'000);
  list.mutable_filter()->add_sites(site);
  std::vector<v1::Task> known;
  do {
    PROCTOR_ASSIGN_OR_RETURN(const v1::ListTasksResponse page, tasks.ListTasks(context, list));
    for (const v1::Task& task : page.tasks()) {
      if (FromProto(task.create_time()) < FromProto(job.create_time())) known.push_back(proposer::KnownPartOf(task));
    }
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  return known;
}

absl::StatusOr<std::vector<v1::Task>> StoredBatch(const CallContext& context, const std::string& job, int batch,
                                                  const proposer::TaskStore& tasks) {
  std::vector<v1::Task> stored;
  while (true) {
    absl::StatusOr<v1::Task> task =
        tasks.GetTask(context, proposer::ModelTaskName(job, batch, static_cast<int>(stored.size())));
    if (absl::IsNotFound(task.status())) return stored;
    if (!task.ok()) return task.status();
    stored.push_back(*std::move(task));
  }
}

absl::StatusOr<std::vector<v1::Task>> StoreBatch(const CallContext& context, const std::string& job, int batch,
                                                 const std::vector<v1::Task>& made, proposer::TaskStore& tasks) {
  // A reply that was not kept (it was cut off, or there is no cache) may be another one now, but the tasks are stored.
  PROCTOR_ASSIGN_OR_RETURN(std::vector<v1::Task> stored, StoredBatch(context, job, batch, tasks));
  if (!stored.empty() || made.empty()) return stored;
  v1::BatchCreateTasksRequest request;
  request.set_request_id(absl::StrCat(job, "/", batch));
  for (const v1::Task& task : made) *request.add_tasks() = task;
  PROCTOR_ASSIGN_OR_RETURN(const auto response, tasks.BatchCreateTasks(context, request));
  return std::vector<v1::Task>(response.tasks().begin(), response.tasks().end());
}

absl::Status CheckDemonstrationBytes(int64_t bytes) {
  if (bytes <= kDemonstrationBytes) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("model.demonstrations: together they have at least ", bytes, " bytes without their pictures, of ",
                                                    kDemonstrationBytes, " that a job may hold: name fewer or shorter ones"));
}

absl::StatusOr<std::vector<v1::Trajectory>> LoadDemonstrations(const CallContext& context,
                                                               const v1::ModelSource& source,
                                                               const DataDirectory& data) {
  std::vector<v1::Trajectory> demonstrations;
  int64_t bytes = 0;
  for (const std::string& name : source.demonstrations()) {
    PROCTOR_ASSIGN_OR_RETURN(demonstrations.emplace_back(), data.trajectories->Get(context, name));
    bytes += static_cast<int64_t>(demonstrations.back().ByteSizeLong());
    PROCTOR_RETURN_IF_ERROR(CheckDemonstrationBytes(bytes));
  }
  return demonstrations;
}

// "$0.0123 so far, batch 2: 31 proposed, 4 duplicates, 5 rejected, 1 bad line".
std::string Message(const v1::ProposeTasksResult& result, bool unpriced) {
  const v1::Usage& usage = result.usage();
  std::string message =
      unpriced ? absl::StrCat(usage.input_tokens() + usage.output_tokens(), " tokens so far (no price is configured)")
               : absl::StrFormat("$%.4f so far", usage.cost_usd());
  int rejected = -result.duplicates();
  for (const auto& [reason, count] : result.rejected_by_reason()) rejected += count;
  absl::StrAppend(&message, ", batch ", result.batches(), ": ", result.drafted(), " proposed, ", result.duplicates(),
                  " duplicates, ", rejected, " rejected");
  if (result.bad_lines() > 0) absl::StrAppend(&message, ", ", result.bad_lines(), " bad lines");
  return message;
}

proposer::TryDemonstration TryIn(const ExplorerHome& home, const std::vector<v1::Trajectory>& demonstrations) {
  return [&](const CallContext& context, int visit,
             const v1::Task& start) -> absl::StatusOr<proposer::DemonstrationReplay> {
    const v1::Trajectory& demonstration = demonstrations[static_cast<size_t>(visit)];
    WorldExplorer explorer(home, demonstration.initial_observation().viewport());
    PROCTOR_RETURN_IF_ERROR(explorer.Acquire(context));
    PROCTOR_RETURN_IF_ERROR(explorer.Open(context.Child(kOpenTimeout)));
    return proposer::ReplayDemonstration(context, explorer, start, demonstration);
  };
}

bool Unpriced(const v1::ModelSource& source, const Models& models) {
  if (!models.Cost(source.model(), {}).has_value()) return true;
  return !source.filter().disabled() && !models.Cost(source.filter().model(), {}).has_value();
}

}  // namespace

absl::Status CheckModelProposal(const CallContext& context, const v1::ProposeTasksRequest& request,
                                const DataDirectory& data, const Models& models) {
  PROCTOR_ASSIGN_OR_RETURN(const v1::ModelSource source, SourceOf(request));
  if (!models.any()) {
    return absl::FailedPreconditionError(
        "no model is configured that could propose tasks: start proctord with --model-endpoint, or with `models` in "
        "its configuration");
  }
  for (const std::string& name : {source.model(), source.filter().model()}) {
    if (!models.Knows(name))
      return absl::InvalidArgumentError(absl::StrCat("model: there is no route or endpoint \"", name, "\""));
  }
  for (const std::string& digest : source.screenshots()) {
    if (!data.blobs->Contains(digest))
      return absl::NotFoundError(absl::StrCat("model.screenshots: there is no blob ", digest));
  }
  int64_t demonstration_bytes = 0;
  for (const std::string& name : source.demonstrations()) {
    const absl::StatusOr<v1::Trajectory> header = data.trajectories->GetHeader(context, name);
    PROCTOR_RETURN_IF_ERROR(Annotate(header.status(), "model.demonstrations"));
    if (!header->closed()) {
      return absl::FailedPreconditionError(absl::StrCat("model.demonstrations: ", name, " is still being recorded"));
    }
    PROCTOR_ASSIGN_OR_RETURN(const int64_t steps, data.trajectories->StepBytes(context, name));
    demonstration_bytes += steps + static_cast<int64_t>(header->ByteSizeLong());
    PROCTOR_RETURN_IF_ERROR(CheckDemonstrationBytes(demonstration_bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ProposeTasksResult> ProposeByModel(const CallContext& context, const v1::Job& job,
                                                      const v1::ProposeTasksRequest& request, JobProgress& progress,
                                                      const ProposeParts& parts) {
  DataDirectory& data = parts.data;
  Models& models = parts.models;
  // The configuration may be another one than when the job was made.
  PROCTOR_RETURN_IF_ERROR(CheckModelProposal(context, request, data, models));
  PROCTOR_ASSIGN_OR_RETURN(const v1::ModelSource source, SourceOf(request));
  PROCTOR_ASSIGN_OR_RETURN(const ExplorerHome home, HomeOf(source.environment(), job, parts));
  PROCTOR_ASSIGN_OR_RETURN(const std::string site, proposer::SiteOf(source));
  PROCTOR_ASSIGN_OR_RETURN(const auto known, KnownTasksOf(context, job, site, *data.tasks));
  PROCTOR_ASSIGN_OR_RETURN(const auto demonstrations, LoadDemonstrations(context, source, data));
  PROCTOR_ASSIGN_OR_RETURN(const auto evidence,
                           proposer::CollectEvidence(context, source, demonstrations, *data.blobs));
  BlockingModel model(models.For({.evaluator = "", .job = job.name()}));
  const bool unpriced = Unpriced(source, models);
  PROCTOR_RETURN_IF_ERROR(progress.Report(0, request.count(), "asking for the first tasks"));
  PROCTOR_ASSIGN_OR_RETURN(v1::ProposeTasksResult result,
                           proposer::ProposeFromModel(context, request, job.name(),
                                                      {.model = model,
                                                       .source = source,
                                                       .evidence = evidence,
                                                       .known = known,
                                                       .secret = data.secret,
                                                       .store =
                                                           [&](int batch, const std::vector<v1::Task>& made) {
                                                             return StoreBatch(context, job.name(), batch, made,
                                                                               *data.tasks);
                                                           },
                                                       .replay = TryIn(home, demonstrations),
                                                       .progress =
                                                           [&](const v1::ProposeTasksResult& so_far) {
                                                             return progress.Report(so_far.accepted(), request.count(),
                                                                                    Message(so_far, unpriced));
                                                           }}));
  result.set_unpriced(unpriced);
  return result;
}

}  // namespace proctor::server
