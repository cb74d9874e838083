#include "server/rescore_job.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/mutex.h"
#include "common/status.h"
#include "evaluator/evaluate.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/judge/estimate.h"
#include "evaluator/judge/vote.h"
#include "model/prices.h"
#include "server/judged_trajectories.h"
#include "trajectory/record_form.h"

namespace proctor::server {
namespace {

constexpr int kMaxEvaluators = 20;
constexpr int kMaxTrajectories = 10'000;
constexpr int kMaxConcurrency = 1000;
constexpr int kDefaultConcurrency = 64;
constexpr int kMaxFailures = 1000;
// Of one evaluation.
constexpr absl::Duration kEvaluationCap = absl::Minutes(30);
// How often those that watch are told while evaluations run.
constexpr absl::Duration kTick = absl::Seconds(1);

// A trajectory with its size; until it was read, with what that may be.
struct Loaded {
  std::shared_ptr<const v1::Trajectory> trajectory;
  int64_t step_bytes = 0;
  int64_t bytes = 0;
};

// Each name once, where it stands first.
std::vector<std::string> Distinct(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::vector<std::string> distinct;
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (seen.insert(name).second) distinct.push_back(name);
  }
  return distinct;
}

// The money or the disk that is gone is missing to the others, too.
bool IsUsedUp(const absl::Status& status) { return absl::IsResourceExhausted(status) || SaysDiskIsFull(status); }
bool EndsTheJob(const absl::Status& status) { return IsUsedUp(status) || absl::IsCancelled(status); }

// What evaluations under way tell. Shared with them: they may outlive a job that is cut off.
struct Tally {
  Mutex mutex;
  CondVar changed;
  int running ABSL_GUARDED_BY(mutex) = 0;
  // Of what runs.
  int64_t bytes ABSL_GUARDED_BY(mutex) = 0;
  int64_t done ABSL_GUARDED_BY(mutex) = 0;
  v1::RescoreResult result ABSL_GUARDED_BY(mutex);
  // What ends the job.
  absl::Status status ABSL_GUARDED_BY(mutex);

  void Fail(const std::string& trajectory, const std::string& evaluator, std::string reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    result.set_failed(result.failed() + 1);
    if (result.failures_size() == kMaxFailures) return;
    v1::RescoreFailure& failure = *result.add_failures();
    failure.set_trajectory(trajectory);
    failure.set_evaluator(evaluator);
    failure.set_reason(std::move(reason));
  }

  void Came(const Loaded& loaded, const std::string& evaluator, const absl::StatusOr<v1::Verdict>& verdict) {
    const std::string& trajectory = loaded.trajectory->name();
    MutexLock lock(mutex);
    --running;
    bytes -= loaded.bytes;
    ++done;
    changed.SignalAll();
    if (EndsTheJob(verdict.status())) {
      if (status.ok()) status = verdict.status();
      return;
    }
    if (!verdict.ok()) {
      Fail(trajectory, evaluator, std::string(verdict.status().message()));
      return;
    }
    result.set_evaluated(result.evaluated() + 1);
    model::AddUsage(verdict->usage(), *result.mutable_usage());
    if (verdict->outcome() == v1::OUTCOME_UNDETERMINED) result.set_undetermined(result.undetermined() + 1);
    if (evaluator::WorthAnotherTry(*verdict)) Fail(trajectory, evaluator, verdict->rationale());
  }
};

class RescoreRun {
 public:
  RescoreRun(const CallContext& context, const v1::Job& job, v1::RescoreRequest request, JobProgress& progress,
             const RescoreParts& parts)
      : context_(context), job_(job.name()), request_(std::move(request)), progress_(progress), parts_(parts) {}

  absl::StatusOr<v1::RescoreResult> Run() {
    for (const std::string& name : Distinct(request_.evaluators())) {
      PROCTOR_ASSIGN_OR_RETURN(evaluators_.emplace_back(), parts_.data.evaluators->Get(context_, name));
    }
    PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
    total_ = static_cast<int64_t>(names.size() * evaluators_.size());
    absl::Status status;
    for (const std::string& name : names) {
      status = EvaluateAll(name);
      if (!status.ok()) break;
    }
    // What runs still counts, and still costs.
    const absl::Status finished = AwaitAtMost(0, 0);
    if (status.ok()) status = finished;
    const absl::Status told = Report(nullptr);
    if (status.ok()) status = told;
    if (IsUsedUp(status)) return WithWhatIsLeft(status);
    PROCTOR_RETURN_IF_ERROR(status);
    MutexLock lock(tally_->mutex);
    return tally_->result;
  }

 private:
  // How to go on once there is money, or room on the disk, again.
  absl::Status WithWhatIsLeft(const absl::Status& used_up) const {
    MutexLock lock(tally_->mutex);
    return absl::ResourceExhaustedError(absl::StrCat(
        used_up.message(), ". ", tally_->result.evaluated() + tally_->result.skipped(), " of ", total_,
        " evaluations are done, and their verdicts kept: the same Rescore with another request_id goes on with the others"));
  }

  absl::StatusOr<std::vector<std::string>> Names() {
    if (request_.trajectories_size() > 0) return Distinct(request_.trajectories());
    v1::TrajectoryFilter filter = request_.filter();
    filter.set_closed_only(true);
    std::vector<std::string> names;
    std::string token;
    do {
      PROCTOR_ASSIGN_OR_RETURN(const auto page, parts_.data.trajectories->List(context_, filter, 1000, token));
      for (const v1::Trajectory& header : page.trajectories) names.push_back(header.name());
      token = page.next_page_token;
    } while (!token.empty());
    std::reverse(names.begin(), names.end());
    return names;
  }

  absl::Status EvaluateAll(const std::string& name) {
    const absl::StatusOr<v1::Trajectory> header = parts_.data.trajectories->GetHeader(context_, name);
    Loaded whole;
    for (const v1::Evaluator& evaluator : evaluators_) {
      absl::Status status = header.status();
      bool needed = false;
      if (status.ok()) status = Needed(evaluator, *header, needed);
      if (status.ok() && needed) status = Load(name, whole);
      if (status.ok() && needed) status = request_.dry_run() ? Plan(evaluator, *whole.trajectory) : Start(evaluator, whole);
      PROCTOR_RETURN_IF_ERROR(context_.Check("rescoring"));
      if (status.ok() && needed) continue;
      MutexLock lock(tally_->mutex);
      PROCTOR_RETURN_IF_ERROR(tally_->status);
      ++tally_->done;
      if (status.ok()) {
        tally_->result.set_skipped(tally_->result.skipped() + 1);
      } else {
        tally_->Fail(name, evaluator.name(), std::string(status.message()));
      }
    }
    return Report([&whole] { whole.trajectory = nullptr; });
  }

  // Waits until one more evaluation of the trajectory may run, and sees to it that it is loaded. A job that is paused holds none.
  absl::Status Load(const std::string& name, Loaded& whole) {
    if (whole.trajectory == nullptr) {
      PROCTOR_ASSIGN_OR_RETURN(const int64_t bytes, parts_.data.trajectories->StepBytes(context_, name));
      // What is larger is not read.
      whole.step_bytes = std::min(bytes, trajectory::kMaxAllStepsBytes);
      whole.bytes = whole.step_bytes + trajectory::kMaxBesideSteps;
    }
    const int most = request_.concurrency() > 0 ? request_.concurrency() : kDefaultConcurrency;
    PROCTOR_RETURN_IF_ERROR(AwaitAtMost(most - 1, kJudgedBytes - whole.bytes, [&whole] { whole.trajectory = nullptr; }));
    if (whole.trajectory != nullptr) return absl::OkStatus();
    PROCTOR_ASSIGN_OR_RETURN(v1::Trajectory trajectory, parts_.data.trajectories->Get(context_, name));
    whole.bytes = std::max(whole.step_bytes, static_cast<int64_t>(trajectory.ByteSizeLong()));
    whole.trajectory = std::make_shared<const v1::Trajectory>(std::move(trajectory));
    return absl::OkStatus();
  }

  // Whether the evaluator's verdict on the trajectory is still to be made.
  absl::Status Needed(const v1::Evaluator& evaluator, const v1::Trajectory& header, bool& needed) {
    PROCTOR_RETURN_IF_ERROR(evaluator::CheckClosed(header));
    const auto verdict = parts_.data.verdicts->Get(context_, evaluator::VerdictHead(evaluator, header).name());
    if (!verdict.ok() && !absl::IsNotFound(verdict.status())) return verdict.status();
    const bool failed = verdict.ok() && evaluator::WorthAnotherTry(*verdict);
    needed = request_.failed_only() ? failed : !verdict.ok() || evaluator::ModelWasUnavailable(*verdict);
    return absl::OkStatus();
  }

  absl::Status Plan(const v1::Evaluator& evaluator, const v1::Trajectory& trajectory) {
    PROCTOR_ASSIGN_OR_RETURN(const auto estimates,
                             evaluator::EstimateTokens(context_, evaluator, trajectory, *parts_.data.blobs));
    MutexLock lock(tally_->mutex);
    ++tally_->done;
    v1::RescoreResult& result = tally_->result;
    result.set_planned(result.planned() + 1);
    for (const auto& [route, estimate] : estimates) {
      v1::Usage usage;
      usage.set_input_tokens(estimate.input_tokens);
      usage.set_output_tokens(estimate.output_tokens);
      const std::optional<double> cost = parts_.judging.models().Cost(route, usage);
      usage.set_cost_usd(cost.value_or(0));
      if (!cost.has_value()) result.set_unpriced(true);
      model::AddUsage(usage, *result.mutable_usage());
    }
    return absl::OkStatus();
  }

  // RESOURCE_EXHAUSTED, which ends the job: its payer may spend no more.
  absl::Status CheckMaySpend(const v1::Evaluator& evaluator) {
    if (!evaluator::AsksModels(evaluator)) return absl::OkStatus();
    absl::Status may = parts_.may_spend(job_);
    MutexLock lock(tally_->mutex);
    if (!may.ok() && tally_->status.ok()) tally_->status = may;
    return may;
  }

  absl::Status Start(const v1::Evaluator& evaluator, const Loaded& whole) {
    // After Load's wait: what ended meanwhile is paid.
    PROCTOR_RETURN_IF_ERROR(CheckMaySpend(evaluator));
    {
      MutexLock lock(tally_->mutex);
      ++tally_->running;
      tally_->bytes += whole.bytes;
    }
    parts_.judging.Evaluate(context_.Child(kEvaluationCap), evaluator.name(), whole.trajectory,
                            {.job = job_, .fresh_replies = request_.failed_only()},
                            [tally = tally_, whole, name = evaluator.name()](const absl::StatusOr<v1::Verdict>& verdict) {
                              tally->Came(whole, name, verdict);
                            });
    return absl::OkStatus();
  }

  // Waits until no more than `most` evaluations of `most_bytes` run, telling how far it is; the first error that ends the job.
  absl::Status AwaitAtMost(int most, int64_t most_bytes, const std::function<void()>& before_pause = nullptr) {
    while (true) {
      {
        MutexLock lock(tally_->mutex);
        const CallContext tick = CallContext::WithTimeout(kTick);
        const absl::Status waited = AwaitWithContext(
            tick, tally_->mutex, tally_->changed,
            [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return tally_->running <= most && tally_->bytes <= most_bytes; },
            "evaluations");
        if (waited.ok()) return tally_->status;
      }
      PROCTOR_RETURN_IF_ERROR(Report(before_pause));
    }
  }

  absl::Status Report(const std::function<void()>& before_pause) {
    int64_t done = 0;
    std::string message;
    {
      MutexLock lock(tally_->mutex);
      done = tally_->done;
      message = absl::StrFormat("$%.4f", tally_->result.usage().cost_usd());
      if (tally_->result.failed() > 0) absl::StrAppend(&message, ", ", tally_->result.failed(), " failed");
      if (tally_->running > 0) absl::StrAppend(&message, ", ", tally_->running, " running");
    }
    return progress_.Report(done, total_, message, before_pause);
  }

  const CallContext context_;
  const std::string job_;
  const v1::RescoreRequest request_;
  JobProgress& progress_;
  const RescoreParts& parts_;
  std::vector<v1::Evaluator> evaluators_;
  int64_t total_ = 0;
  const std::shared_ptr<Tally> tally_ = std::make_shared<Tally>();
};

}  // namespace

absl::Status CheckRescore(const CallContext& context, const v1::RescoreRequest& request,
                          evaluator::EvaluatorStore& evaluators, const Judging& judging) {
  if (request.evaluators().empty() || request.evaluators_size() > kMaxEvaluators) {
    return absl::InvalidArgumentError(absl::StrCat("evaluators: 1 to ", kMaxEvaluators, " are needed"));
  }
  if (request.trajectories_size() > kMaxTrajectories) {
    return absl::InvalidArgumentError(absl::StrCat("trajectories: at most ", kMaxTrajectories, "; use a filter"));
  }
  if (request.concurrency() < 0 || request.concurrency() > kMaxConcurrency) {
    return absl::InvalidArgumentError(absl::StrCat("concurrency must be 0 to ", kMaxConcurrency));
  }
  for (const std::string& name : request.evaluators()) {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator evaluator, evaluators.Get(context, name));
    PROCTOR_RETURN_IF_ERROR(judging.CheckCanAsk(evaluator));
  }
  return absl::OkStatus();
}

void RegisterRescoreJob(JobRunner& jobs, RescoreParts parts) {
  jobs.Register(kRescoreJob, [parts = std::move(parts)](const CallContext& context, const v1::Job& job,
                                                        JobProgress& progress) -> absl::StatusOr<google::protobuf::Any> {
    v1::RescoreRequest request;
    if (!job.request().UnpackTo(&request)) {
      return absl::InternalError(absl::StrCat(job.name(), " holds a request of another type"));
    }
    PROCTOR_ASSIGN_OR_RETURN(const v1::RescoreResult result,
                             RescoreRun(context, job, std::move(request), progress, parts).Run());
    google::protobuf::Any any;
    any.PackFrom(result);
    return any;
  });
}

}  // namespace proctor::server
