#include "server/episode_pipeline.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "evaluator/evaluate.h"
#include "evaluator/evidence.h"
#include "reward/reward_policy.h"

namespace proctor::server {
namespace {

constexpr absl::Duration kProcessCap = absl::Minutes(2);
// Retries of what the store refused: 1 s, 2 s, 4 s, ... up to a minute, without end: a reward is never dropped.
constexpr absl::Duration kLongestRetry = absl::Minutes(1);

bool Decided(const v1::Verdict& verdict) {
  return verdict.outcome() == v1::OUTCOME_SUCCESS || verdict.outcome() == v1::OUTCOME_FAILURE;
}

}  // namespace

struct EpisodePipeline::Waiter {
  Waiter(const CallContext& c, std::string n, Done d) : context(c), name(std::move(n)), done(std::move(d)) {}

  const CallContext context;
  const std::string name;
  const Done done;
  // Under the pipeline's mutex.
  bool answered = false;
  // What ends the wait; set once both are known.
  uint64_t timer = 0;
  uint64_t cancel_callback = 0;
};

EpisodePipeline::EpisodePipeline(Parts parts) : parts_(std::move(parts)) {}

EpisodePipeline::~EpisodePipeline() {
  std::map<std::string, uint64_t> retries;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    retries.swap(retries_);
  }
  for (const auto& [episode, timer] : retries) parts_.timers.Cancel(timer);
}

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
    const absl::Status found = parts_.episodes.Get(context, ResourceName("episodes", id)).status();
    if (found.ok()) continue;
    if (!absl::IsNotFound(found)) return found;
    PROCTOR_RETURN_IF_ERROR(parts_.groups.Withdraw(context, place.group, place.trajectory));
  }
  return absl::OkStatus();
}

absl::Status EpisodePipeline::Drain(const CallContext& context) {
  MutexLock lock(mutex_);
  return AwaitWithContext(
      context, mutex_, idle_, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return open_.empty(); },
      "draining evaluations");
}

absl::StatusOr<v1::Task> EpisodePipeline::Admit(const CallContext& context,
                                                const v1::StartEpisodeRequest& request,
                                                const std::string& episode_id) {
  v1::Task task;
  if (request.has_inline_task()) {
    task = request.inline_task();
    task.clear_name();
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
  if (request.group().empty()) return;
  const absl::Status status =
      parts_.groups.Withdraw(CallContext::WithTimeout(absl::Seconds(10)), request.group(),
                             ResourceName("trajectories", episode_id));
  // The group's deadline ends it all the same.
  if (!status.ok()) LogWarning("a group's place was not given back", {{"error", status.ToString()}});
}

std::vector<v1::EvidenceRequest> EpisodePipeline::RequiredEvidence(const v1::Task& task, bool at_start) {
  std::vector<v1::EvidenceRequest> requests;
  std::set<std::string> ids;
  for (const std::string& name : parts_.chain) {
    const auto evaluator = parts_.evaluators.Get(CallContext::WithTimeout(absl::Seconds(10)), name);
    if (!evaluator.ok()) continue;  // Judging will say so.
    const v1::Oracle* oracle = evaluator::OracleOf(*evaluator, task);
    if (oracle == nullptr) continue;
    const auto wanted =
        at_start ? evaluator::RequiredStartEvidence(*oracle, evaluator->success_threshold(), parts_.functions)
                 : evaluator::RequiredEvidence(*oracle, parts_.functions);
    for (const v1::EvidenceRequest& request : wanted) {
      if (ids.insert(request.id()).second) requests.push_back(request);
    }
  }
  return requests;
}

void EpisodePipeline::Closed(const std::string& episode_id) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || !open_.insert(episode_id).second) return;  // The next start takes it up.
  }
  parts_.pool.Post([this, episode_id] { Process(episode_id, 0); });
}

void EpisodePipeline::Process(const std::string& episode_id, int attempt) {
  const CallContext context = CallContext::WithTimeout(kProcessCap);
  const auto run = [&]() -> absl::StatusOr<v1::Episode> {
    PROCTOR_ASSIGN_OR_RETURN(const v1::Trajectory trajectory,
                             parts_.trajectories.Get(context, ResourceName("trajectories", episode_id)));
    PROCTOR_ASSIGN_OR_RETURN(const Result result, JudgeAndReward(context, trajectory));
    return parts_.episodes.Update(context, ResourceName("episodes", episode_id), [&](v1::Episode& row) {
      row.set_result_state(v1::RESULT_STATE_READY);
      if (result.has_verdict) *row.mutable_verdict() = result.verdict;
      *row.mutable_reward() = result.reward;
      return absl::OkStatus();
    });
  };
  const absl::StatusOr<v1::Episode> episode = run();
  if (episode.ok()) {
    Finished(episode_id, *episode);
    return;
  }
  if (absl::IsNotFound(episode.status())) {
    LogWarning("an episode was deleted before it was judged", {{"episode", episode_id}});
    Finished(episode_id, v1::Episode());
    return;
  }
  LogError("an episode could not be judged; trying again",
           {{"episode", episode_id}, {"error", episode.status().ToString()}});
  const absl::Duration delay = std::min(kLongestRetry, absl::Seconds(1) * (1 << std::min(attempt, 6)));
  MutexLock lock(mutex_);
  if (stopping_) {
    open_.erase(episode_id);
    idle_.SignalAll();
    return;
  }
  retries_[episode_id] = parts_.timers.RunAfter(delay, [this, episode_id, attempt] {
    parts_.pool.Post([this, episode_id, attempt] { Process(episode_id, attempt + 1); });
  });
}

absl::StatusOr<EpisodePipeline::Result> EpisodePipeline::JudgeAndReward(const CallContext& context,
                                                                        const v1::Trajectory& trajectory) {
  Result result;
  if (trajectory.end_kind() != v1::END_KIND_INTERRUPTED) {
    PROCTOR_ASSIGN_OR_RETURN(result.has_verdict, Judge(context, trajectory, result.verdict));
  }
  PROCTOR_ASSIGN_OR_RETURN(result.reward, reward::MakeReward(parts_.reward_policy, trajectory,
                                                             result.has_verdict ? &result.verdict : nullptr));
  PROCTOR_ASSIGN_OR_RETURN(result.reward, parts_.rewards.Append(context, result.reward));
  PROCTOR_RETURN_IF_ERROR(TellCurriculum(context, trajectory, result));
  return result;
}

absl::StatusOr<bool> EpisodePipeline::Judge(const CallContext& context, const v1::Trajectory& trajectory,
                                            v1::Verdict& verdict) {
  bool any = false;
  for (const std::string& name : parts_.chain) {
    const absl::Time start = absl::Now();
    PROCTOR_ASSIGN_OR_RETURN(const v1::Evaluator evaluator, parts_.evaluators.Get(context, name));
    absl::StatusOr<v1::Verdict> found = evaluator::Evaluate(evaluator, trajectory);
    if (!found.ok()) {
      // An oracle that can never be evaluated is not the agent's doing: no verdict, so the reward is masked.
      LogError("a trajectory could not be evaluated", {{"trajectory", trajectory.name()},
                                                       {"evaluator", name},
                                                       {"error", found.status().ToString()}});
      continue;
    }
    *found->mutable_latency() = ToProto(absl::Now() - start);
    *found->mutable_create_time() = ToProto(absl::Now());
    PROCTOR_ASSIGN_OR_RETURN(verdict, parts_.verdicts.Put(context, *found));
    any = true;
    if (Decided(verdict)) break;
  }
  return any;
}

absl::Status EpisodePipeline::TellCurriculum(const CallContext& context, const v1::Trajectory& trajectory,
                                             const Result& result) {
  const std::string& task = trajectory.task().name();
  if (task.empty()) return absl::OkStatus();
  if (result.reward.mask_reason() == v1::MASK_REASON_TRIVIAL) {
    PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("trajectories", trajectory.name()));
    PROCTOR_ASSIGN_OR_RETURN(const v1::Episode episode, parts_.episodes.Get(context, ResourceName("episodes", id)));
    // What a client saw in a world of its own says nothing about the task here.
    if (episode.session().empty()) return absl::OkStatus();
    const absl::Status status = parts_.tasks.MarkTrivial(context, task).status();
    return absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;
  }
  if (result.reward.status() != v1::REWARD_STATUS_VALID || trajectory.policy().policy().empty()) {
    return absl::OkStatus();
  }
  proposer::Outcome outcome;
  outcome.task = task;
  outcome.policy = trajectory.policy().policy();
  outcome.policy_version = trajectory.policy().version();
  outcome.episode = trajectory.name();
  outcome.success = result.verdict.outcome() == v1::OUTCOME_SUCCESS;
  const absl::Status status = parts_.sampler.RecordOutcome(context, outcome);
  return absl::IsNotFound(status) || absl::IsInvalidArgument(status) ? absl::OkStatus() : status;
}

void EpisodePipeline::Finished(const std::string& episode_id, const v1::Episode& episode) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    MutexLock lock(mutex_);
    retries_.erase(episode_id);
    const auto [begin, end] = waiters_.equal_range(ResourceName("episodes", episode_id));
    for (auto it = begin; it != end; ++it) waiters.push_back(it->second);
    waiters_.erase(begin, end);
  }
  for (const auto& waiter : waiters) {
    if (episode.name().empty()) {
      Answer(waiter, absl::NotFoundError(absl::StrCat(waiter->name, " does not exist any more")));
    } else {
      Answer(waiter, episode);
    }
  }
  MutexLock lock(mutex_);
  open_.erase(episode_id);
  idle_.SignalAll();
}

void EpisodePipeline::Wait(CallContext context, const std::string& name, absl::Duration max_wait,
                           Done done) {
  auto waiter = std::make_shared<Waiter>(context, name, std::move(done));
  // Registered before looking, so that a result that comes in between is not missed.
  {
    MutexLock lock(mutex_);
    waiters_.emplace(name, waiter);
  }
  // From here on it may be answered, and whoever asked, with `name`, be gone.
  const absl::StatusOr<v1::Episode> now = parts_.episodes.Get(context, waiter->name);
  const absl::Duration wait = std::min(max_wait, context.remaining());
  if (!now.ok() || now->result_state() == v1::RESULT_STATE_READY || wait <= absl::ZeroDuration()) {
    Answer(waiter, now);
    return;
  }
  const auto stop = [this, waiter] {
    parts_.pool.Post([this, waiter] { AnswerAsItStands(waiter); });
  };
  const uint64_t timer = parts_.timers.RunAfter(wait, stop);
  const uint64_t cancel_callback = context.cancel()->AddCallback(stop);
  {
    MutexLock lock(mutex_);
    if (!waiter->answered) {
      waiter->timer = timer;
      waiter->cancel_callback = cancel_callback;
      return;
    }
  }
  // Answered in between, by somebody who could not take these back.
  parts_.timers.Cancel(timer);
  context.cancel()->RemoveCallback(cancel_callback);
}

void EpisodePipeline::AnswerAsItStands(const std::shared_ptr<Waiter>& waiter) {
  {
    MutexLock lock(mutex_);
    if (waiter->answered) return;
  }
  Answer(waiter, parts_.episodes.Get(CallContext::WithTimeout(absl::Seconds(10)), waiter->name));
}

void EpisodePipeline::Answer(const std::shared_ptr<Waiter>& waiter, absl::StatusOr<v1::Episode> episode) {
  {
    MutexLock lock(mutex_);
    if (std::exchange(waiter->answered, true)) return;
    const auto [begin, end] = waiters_.equal_range(waiter->name);
    for (auto it = begin; it != end; ++it) {
      if (it->second == waiter) {
        waiters_.erase(it);
        break;
      }
    }
  }
  if (waiter->timer != 0) parts_.timers.Cancel(waiter->timer);
  if (waiter->cancel_callback != 0) waiter->context.cancel()->RemoveCallback(waiter->cancel_callback);
  waiter->done(std::move(episode));
}

}  // namespace proctor::server
