#include "server/episode_pipeline.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/log_request.h"
#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "common/status.h"
#include "common/trace_context.h"
#include "evaluator/evaluator_config.h"
#include "evaluator/evidence.h"
#include "evaluator/judge/vote.h"
#include "reward/reward_policy.h"

namespace proctor::server {
namespace {

// Of one try to close a record or to store a reward.
constexpr absl::Duration kStoreCap = absl::Minutes(15);
// Retries of what the store refused: 1 s, 2 s, 4 s, ... up to a minute, without end: a reward is never dropped.
constexpr absl::Duration kLongestRetry = absl::Minutes(1);

// What it says, without what was asked and told: that is kept with the verdict alone.
v1::Verdict Summary(v1::Verdict verdict) {
  verdict.clear_questions();
  verdict.clear_members();
  return verdict;
}

// Between two looks whether there is memory for a trajectory by now.
constexpr absl::Duration kMemoryWait = absl::Seconds(2);

// The budget's own refusals have a hint; a full disk has none.
bool WaitsForMemory(const absl::Status& status) { return absl::IsResourceExhausted(status) && RetryHint(status).has_value(); }

absl::Duration RetryDelay(int attempt) { return std::min(kLongestRetry, absl::Seconds(1) * (1 << std::min(attempt, 6))); }

}  // namespace

EpisodePipeline::EpisodePipeline(Parts parts)
    : parts_(std::move(parts)), waiters_({parts_.episodes, parts_.timers, parts_.pool}) {}

EpisodePipeline::~EpisodePipeline() { Stop(); }

absl::Status EpisodePipeline::Resume(const CallContext& context) {
  trajectory::EpisodeFilter filter;
  filter.pending_result_only = true;
  std::string token;
  int count = 0;
  do {
    PROCTOR_ASSIGN_OR_RETURN(const auto page, parts_.episodes.List(context, filter, 1000, token));
    for (const v1::Episode& episode : page.episodes) {
      PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("episodes", episode.name()));
      Closed(id);
      ++count;
    }
    token = page.next_page_token;
  } while (!token.empty());
  if (count > 0) LogInfo("judging episodes that the last run left", {{"episodes", absl::StrCat(count)}});
  return GiveBackPlaces(context);
}

absl::Status EpisodePipeline::GiveBackPlaces(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<reward::Groups::Place> places, parts_.groups.ListWaiting(context));
  for (const reward::Groups::Place& place : places) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("trajectories", place.trajectory));
    absl::Status found = parts_.episodes.Get(context, ResourceName("episodes", id)).status();
    if (absl::IsDataLoss(found)) parts_.episodes.NoteDamaged(ResourceName("episodes", id), found);
    if (found.ok() || absl::IsDataLoss(found)) continue;
    if (!absl::IsNotFound(found)) return found;
    const absl::Status withdrawn = parts_.groups.Withdraw(context, place.group, place.trajectory);
    if (absl::IsDataLoss(withdrawn)) {
      LogError("a group is damaged: a place in it is not given back", {{"group", place.group}, {"error", withdrawn.ToString()}});
      continue;
    }
    PROCTOR_RETURN_IF_ERROR(withdrawn);
  }
  return absl::OkStatus();
}

absl::Status EpisodePipeline::Drain(const CallContext& context) {
  absl::Status status;
  {
    MutexLock lock(mutex_);
    const auto all_done = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return open_.empty(); };
    status = AwaitWithContext(context, mutex_, idle_, all_done, "draining evaluations");
  }
  if (!status.ok()) Stop();
  return status;
}

void EpisodePipeline::Stop() {
  std::map<std::string, uint64_t> retries;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    retries.swap(retries_);
  }
  stop_->Cancel();
  for (const auto& [episode, timer] : retries) {
    if (parts_.timers.Cancel(timer)) Leave(episode);
  }
}

void EpisodePipeline::Leave(const std::string& episode_id) {
  waiters_.Leave(ResourceName("episodes", episode_id));
  MutexLock lock(mutex_);
  open_.erase(episode_id);
  idle_.SignalAll();
}

int64_t EpisodePipeline::pending() const {
  MutexLock lock(mutex_);
  return static_cast<int64_t>(open_.size());
}

absl::StatusOr<v1::Task> EpisodePipeline::Admit(const CallContext& context,
                                                const v1::StartEpisodeRequest& request,
                                                const std::string& episode_id) {
  v1::Task task;
  if (request.has_inline_task()) {
    task = request.inline_task();
    task.clear_name();
    if (task.split() == v1::SPLIT_UNSPECIFIED) task.set_split(v1::SPLIT_TRAIN);
    PROCTOR_RETURN_IF_ERROR(Annotate(trajectory::CheckTask(task), "inline_task"));
    if (!request.group().empty()) {
      return absl::InvalidArgumentError("an episode of an inline task cannot be a member of a group");
    }
  } else {
    PROCTOR_ASSIGN_OR_RETURN(task, parts_.tasks.GetTask(context, request.task()));
    if (task.state() == v1::TASK_STATE_REJECTED || task.state() == v1::TASK_STATE_TRIVIAL) {
      return absl::FailedPreconditionError(
          absl::StrCat(task.name(), " is ", v1::TaskState_Name(task.state()), " and cannot be attempted"));
    }
  }
  if (task.has_oracle()) PROCTOR_RETURN_IF_ERROR(evaluator::ValidateOracle(task.oracle()));
  if (!request.group().empty()) {
    PROCTOR_RETURN_IF_ERROR(parts_.groups.Admit(context, request.group(), ResourceName("trajectories", episode_id),
                                                task.name(), request.policy()));
  }
  return task;
}

void EpisodePipeline::Abandon(const v1::StartEpisodeRequest& request, const std::string& episode_id) {
  if (!request.group().empty()) GiveBackPlace({request.group(), ResourceName("trajectories", episode_id)}, episode_id, 0);
}

// A place that nobody fills would keep its group waiting until the deadline.
void EpisodePipeline::GiveBackPlace(const reward::Groups::Place& place, const std::string& episode_id, int attempt) {
  const absl::Status status = parts_.groups.Withdraw(CallContext::WithTimeout(absl::Seconds(10)), place.group, place.trajectory);
  const bool damaged = absl::IsDataLoss(status);
  if (damaged) LogError("a group is damaged: a place in it is not given back", {{"group", place.group}, {"error", status.ToString()}});
  if (status.ok() || absl::IsNotFound(status) || damaged) {
    if (attempt > 0) Finished(episode_id, v1::Episode());
    return;
  }
  LogWarning("a group's place could not be given back; trying again", {{"group", place.group}, {"error", status.ToString()}});
  if (attempt == 0) {
    MutexLock lock(mutex_);
    if (stopping_ || !open_.insert(episode_id).second) return;  // The next start gives it back.
  }
  Later(episode_id, RetryDelay(attempt), [this, place, episode_id, attempt] { GiveBackPlace(place, episode_id, attempt + 1); });
}

std::vector<v1::EvidenceRequest> EpisodePipeline::RequiredEvidence(const v1::Task& task, bool at_start) {
  std::vector<v1::EvidenceRequest> requests;
  std::set<std::string> ids;
  for (const std::string& name : parts_.evaluation.chain) {
    const auto evaluator = parts_.evaluators.Get(CallContext::WithTimeout(absl::Seconds(10)), name);
    if (!evaluator.ok()) continue;  // Judging will say so.
    for (const evaluator::NeededOracle& needed : evaluator::OraclesOf(*evaluator, task)) {
      const auto wanted = at_start ? evaluator::RequiredStartEvidence(*needed.oracle, needed.success_threshold,
                                                                      parts_.functions)
                                   : evaluator::RequiredEvidence(*needed.oracle, parts_.functions);
      for (const v1::EvidenceRequest& request : wanted) {
        if (ids.insert(request.id()).second) requests.push_back(request);
      }
    }
  }
  return requests;
}

void EpisodePipeline::Closed(const std::string& episode_id) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || !open_.insert(episode_id).second) return;  // The next start takes it up.
  }
  parts_.pool.Post([this, episode_id] { Process(episode_id, {}); });
}

void EpisodePipeline::NotClosed(const std::string& episode_id, v1::EndReason reason, const std::string& message) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || !open_.insert(episode_id).second) return;  // The next start closes it.
  }
  parts_.pool.Post([this, episode_id, reason, message] { CloseAbandoned(episode_id, reason, message, 0); });
}

void EpisodePipeline::CloseAbandoned(const std::string& episode_id, v1::EndReason reason, const std::string& message, int attempt) {
  const absl::Status closed = parts_.trajectories.CloseAbandoned(CallContext(absl::Now() + kStoreCap, stop_),
                                                                 ResourceName("trajectories", episode_id), reason, message);
  if (closed.ok()) {
    LogInfo("an episode's record was closed after all", {{"episode", episode_id}});
    Process(episode_id, {});
  } else if (absl::IsNotFound(closed)) {
    Finished(episode_id, v1::Episode());
  } else if (absl::IsDataLoss(closed)) {
    LeaveDamaged(episode_id, ResourceName("trajectories", episode_id), closed);
  } else {
    LogError("an episode's record could not be closed; trying again", {{"episode", episode_id}, {"error", closed.ToString()}});
    Later(episode_id, RetryDelay(attempt),
          [this, episode_id, reason, message, attempt] { CloseAbandoned(episode_id, reason, message, attempt + 1); });
  }
}

void EpisodePipeline::Process(const std::string& episode_id, Tries tries) {
  const std::string request_id = FormatTraceparent(NewTrace(absl::Bernoulli(absl::BitGen(), parts_.trace_share)));
  Work work{CallContext(absl::Now() + parts_.evaluation.longest_try, stop_, request_id), episode_id, tries, nullptr, nullptr};
  const LogRequest log(request_id);
  // A reward for a row that cannot take it would be given, but not be seen.
  const std::string row = ResourceName("episodes", episode_id);
  if (const absl::Status status = parts_.episodes.Get(work.context, row).status(); !status.ok()) {
    Failed(episode_id, tries, row, status);
    return;
  }
  const std::string record = ResourceName("trajectories", episode_id);
  if (const absl::Status loaded = Load(work); WaitsForMemory(loaded)) {
    Again(episode_id, tries, kMemoryWait);
    return;
  } else if (!loaded.ok()) {
    Failed(episode_id, tries, record, loaded);
    return;
  }
  if (!work.trajectory->closed()) {  // It could not be closed: nothing is made of what it says.
    Failed(episode_id, tries, record, absl::DataLossError("its episode has ended, but it is open"));
    return;
  }
  if (work.trajectory->end_kind() == v1::END_KIND_INTERRUPTED) {
    Judged(work, OptionalVerdict());
    return;
  }
  const ChainEnd end = AllAreAsked(episode_id) ? ChainEnd::kAll : ChainEnd::kFirstDecision;
  const int most = std::max(parts_.evaluation.judge_retries, parts_.evaluation.longest_tries - 1);
  parts_.judging.EvaluateChain(
      work.context,
      {.evaluators = parts_.evaluation.chain,
       .end = end,
       .next_decides = parts_.evaluation.next_decides,
       .at_deadline = tries.judging < most ? AtDeadline::kError : AtDeadline::kVerdict,
       .asks_model = [this, episode_id] { waiters_.ModelAsked(ResourceName("episodes", episode_id)); }},
      work.trajectory, [this, work](absl::StatusOr<OptionalVerdict> verdict) { Judged(work, std::move(verdict)); });
}

absl::Status EpisodePipeline::Load(Work& work) {
  const std::string name = ResourceName("trajectories", work.episode_id);
  PROCTOR_ASSIGN_OR_RETURN(const int64_t bytes, parts_.trajectories.StepBytes(work.context, name));
  const bool fits = bytes <= trajectory::kMaxAllStepsBytes;
  const int64_t step_bytes = fits ? bytes : 0;
  // Whoever uses the work last may do so when the pipeline is gone.
  work.memory.reset(new ByteBudget::Share(*memory_), [budget = memory_](const ByteBudget::Share* share) { delete share; });
  // As much as it may be: what it is beside its steps is known once it was read, and whoever had to wait then would read it again and again.
  PROCTOR_RETURN_IF_ERROR(work.memory->Add(step_bytes + trajectory::kMaxBesideSteps));
  if (!fits) LogError("an episode is too large to be judged", {{"episode", work.episode_id}, {"bytes", absl::StrCat(bytes)}});
  PROCTOR_ASSIGN_OR_RETURN(v1::Trajectory trajectory, fits ? parts_.trajectories.Get(work.context, name)
                                                           : parts_.trajectories.GetHeader(work.context, name));
  const int64_t taken = std::max(step_bytes, static_cast<int64_t>(trajectory.ByteSizeLong()));
  work.memory->Remove(std::max(int64_t{0}, step_bytes + trajectory::kMaxBesideSteps - taken));
  work.trajectory = std::make_shared<const v1::Trajectory>(std::move(trajectory));
  return absl::OkStatus();
}

bool EpisodePipeline::AllAreAsked(const std::string& episode_id) const {
  const std::string digits = Sha256Hex(episode_id).substr(0, 8);
  constexpr double kRange = 4294967296.0;
  return static_cast<double>(std::stoul(digits, nullptr, 16)) / kRange < parts_.evaluation.audit_share;
}

void EpisodePipeline::Judged(const Work& judged, absl::StatusOr<OptionalVerdict> verdict) {
  const LogRequest log(judged.context.request_id());
  // Judging may have taken all of its time.
  Work work = judged;
  work.context = CallContext(absl::Now() + kStoreCap, stop_, judged.context.request_id());
  if (absl::IsNotFound(verdict.status())) {
    // Something that judging needs; whether the episode itself is gone, the next try sees.
    TryAgain(work.episode_id, work.tries, verdict.status());
    return;
  }
  if (absl::IsDeadlineExceeded(verdict.status())) {
    LogError("an episode was not judged within its time; trying again", {{"episode", work.episode_id}, {"error", verdict.status().ToString()}});
    const absl::Duration delay = RetryDelay(work.tries.judging++);
    Again(work.episode_id, work.tries, delay);
    return;
  }
  if (!verdict.ok()) {
    Failed(work.episode_id, work.tries, ResourceName("episodes", work.episode_id), verdict.status());
    return;
  }
  if (verdict->has_value() && evaluator::ModelWasUnavailable(**verdict) &&
      work.tries.judging < parts_.evaluation.judge_retries) {
    LogWarning("an episode's judge was not to be had; trying again",
               {{"episode", work.episode_id}, {"reason", (*verdict)->rationale()}});
    ++work.tries.judging;
    Again(work.episode_id, work.tries, parts_.evaluation.judge_retry_delay);
    return;
  }
  const absl::StatusOr<v1::Episode> episode = Reward(work, *verdict);
  if (episode.ok()) {
    Finished(work.episode_id, *episode);
  } else {
    Failed(work.episode_id, work.tries, ResourceName("episodes", work.episode_id), episode.status());
  }
}

absl::StatusOr<v1::Episode> EpisodePipeline::Reward(const Work& work, const OptionalVerdict& verdict) {
  PROCTOR_ASSIGN_OR_RETURN(v1::Reward reward,
                           reward::MakeReward(parts_.reward_policy, *work.trajectory,
                                              verdict.has_value() ? &*verdict : nullptr));
  PROCTOR_ASSIGN_OR_RETURN(reward, parts_.rewards.Append(work.context, reward));
  PROCTOR_RETURN_IF_ERROR(TellCurriculum(work, verdict, reward));
  return parts_.episodes.Update(work.context, ResourceName("episodes", work.episode_id), [&](v1::Episode& row) {
    row.set_result_state(v1::RESULT_STATE_READY);
    if (verdict.has_value()) *row.mutable_verdict() = Summary(*verdict);
    *row.mutable_reward() = reward;
    return absl::OkStatus();
  });
}

void EpisodePipeline::Failed(const std::string& episode_id, Tries tries, const std::string& what, const absl::Status& status) {
  if (absl::IsNotFound(status)) {
    LogWarning("an episode was deleted before it was judged", {{"episode", episode_id}});
    Finished(episode_id, v1::Episode());
    return;
  }
  if (absl::IsDataLoss(status)) {
    LeaveDamaged(episode_id, what, status);
    return;
  }
  TryAgain(episode_id, tries, status);
}

void EpisodePipeline::TryAgain(const std::string& episode_id, Tries tries, const absl::Status& status) {
  LogError("an episode could not be judged; trying again", {{"episode", episode_id}, {"error", status.ToString()}});
  const absl::Duration delay = RetryDelay(tries.storing++);
  Again(episode_id, tries, delay);
}

void EpisodePipeline::LeaveDamaged(const std::string& episode_id, const std::string& what, const absl::Status& why) {
  parts_.episodes.NoteDamaged(what, why);
  Finished(episode_id, parts_.episodes.Get(CallContext::WithTimeout(absl::Seconds(10)), ResourceName("episodes", episode_id)));
}

void EpisodePipeline::Again(const std::string& episode_id, Tries tries, absl::Duration delay) {
  Later(episode_id, delay, [this, episode_id, tries] { Process(episode_id, tries); });
}

void EpisodePipeline::Later(const std::string& episode_id, absl::Duration delay, std::function<void()> work) {
  {
    MutexLock lock(mutex_);
    if (!stopping_) {
      retries_[episode_id] = parts_.timers.RunAfter(delay, [this, work = std::move(work)] { parts_.pool.Post(work); });
      return;
    }
  }
  Leave(episode_id);
}

absl::Status EpisodePipeline::TellCurriculum(const Work& work, const OptionalVerdict& verdict,
                                             const v1::Reward& reward) {
  const CallContext& context = work.context;
  const v1::Trajectory& trajectory = *work.trajectory;
  const std::string& task = trajectory.task().name();
  if (task.empty()) return absl::OkStatus();
  if (reward.mask_reason() == v1::MASK_REASON_TRIVIAL) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("trajectories", trajectory.name()));
    PROCTOR_ASSIGN_OR_RETURN(const v1::Episode episode, parts_.episodes.Get(context, ResourceName("episodes", id)));
    // What a client saw in a world of its own says nothing about the task here.
    if (episode.session().empty()) return absl::OkStatus();
    const absl::Status status = parts_.tasks.MarkTrivial(context, task).status();
    return absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;
  }
  if (reward.status() != v1::REWARD_STATUS_VALID || trajectory.policy().policy().empty()) {
    return absl::OkStatus();
  }
  proposer::Outcome outcome;
  outcome.task = task;
  outcome.policy = trajectory.policy().policy();
  outcome.policy_version = trajectory.policy().version();
  outcome.episode = trajectory.name();
  outcome.success = verdict.has_value() && verdict->outcome() == v1::OUTCOME_SUCCESS;
  const absl::Status status = parts_.sampler.RecordOutcome(context, outcome);
  return absl::IsNotFound(status) || absl::IsInvalidArgument(status) ? absl::OkStatus() : status;
}

void EpisodePipeline::Finished(const std::string& episode_id, const absl::StatusOr<v1::Episode>& episode) {
  {
    MutexLock lock(mutex_);
    retries_.erase(episode_id);
  }
  waiters_.Finished(ResourceName("episodes", episode_id), episode);
  MutexLock lock(mutex_);
  open_.erase(episode_id);
  idle_.SignalAll();
}

void EpisodePipeline::Wait(CallContext context, const std::string& name, absl::Duration max_wait,
                           Done done) {
  waiters_.Begin(std::move(context), name, EpisodeWaiters::For::kResult, max_wait, std::move(done));
}

void EpisodePipeline::WaitForOracles(CallContext context, const std::string& name, absl::Duration max_wait,
                                     Done done) {
  waiters_.Begin(std::move(context), name, EpisodeWaiters::For::kOracles, max_wait, std::move(done));
}

}  // namespace proctor::server
