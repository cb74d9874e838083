// Session's verbs around an episode: starting it, looking at its world, ending it. Step, the verb within, is session_step.cc.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/log_request.h"
#include "common/status.h"
#include "env/observation_parts.h"
#include "env/request_checks.h"
#include "env/session.h"
#include "trajectory/end_kind.h"

namespace proctor::env {

void Session::StartEpisode(CallContext context, v1::StartEpisodeRequest request,
                           Done<v1::EpisodeStart> done, Permit permit) {
  if (absl::Status alive = Admit(); !alive.ok()) {
    parts_.pool.Post([done = std::move(done), alive] { done(alive); });
    return;
  }
  Enqueue([this, self = shared_from_this(), context = std::move(context), request = std::move(request),
           done = std::move(done), permit = std::move(permit)](const AsyncQueue::Finish& finish) {
    const LogRequest log(context.request_id());
    auto result = DoStart(context, request, permit);
    Leave(finish);
    done(std::move(result));
  });
}

absl::StatusOr<v1::EpisodeStart> Session::DoStart(const CallContext& context,
                                                  const v1::StartEpisodeRequest& request, const Permit& permit) {
  PROCTOR_RETURN_IF_ERROR(context.Check("StartEpisode"));
  PROCTOR_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  Replay replay = replays_.Prepare(request.request_id(), request);
  v1::EpisodeStart answer;
  PROCTOR_ASSIGN_OR_RETURN(const bool replayed, replays_.Find(context, replay, answer));
  if (replayed) {
    RefillPicture(WorkContext(parts_.caps.record), parts_.sink, request.observation(),
                  *answer.mutable_observation());
    return answer;
  }
  if (world_ == nullptr) return absl::FailedPreconditionError("the session is closed");
  if (run_) {
    return absl::FailedPreconditionError(
        absl::StrCat(run_->episode().name(), " is still open: end it first (EndEpisode)"));
  }
  PROCTOR_RETURN_IF_ERROR(
      CheckObservationRequest(request.observation(), options_.environment.capabilities()));
  PROCTOR_RETURN_IF_ERROR(CheckPolicy(request.policy()));
  PROCTOR_RETURN_IF_ERROR(CheckClientTags(request.client_tags()));
  if (permit != nullptr) PROCTOR_RETURN_IF_ERROR(permit());
  const std::string episode_id = NewId();
  PROCTOR_ASSIGN_OR_RETURN(v1::Task task, parts_.host.Admit(context, request, episode_id));
  auto started = StartWorld(request, std::move(task), episode_id, std::move(replay));
  if (!started.ok()) {
    world_->EndEpisode();
    run_.reset();
    PublishEpisode();
    parts_.host.Abandon(request, episode_id);
  }
  return started;
}

absl::StatusOr<v1::EpisodeStart> Session::StartWorld(const v1::StartEpisodeRequest& request,
                                                     v1::Task task, const std::string& episode_id,
                                                     Replay replay) {
  const std::string environment = ResourceName("environments", options_.environment_id);
  if (task.environment().empty()) task.set_environment(environment);
  if (task.environment() != environment) {
    return absl::InvalidArgumentError(
        absl::StrCat("the task is for ", task.environment(), ", the session's is ", environment));
  }
  PROCTOR_ASSIGN_OR_RETURN(const v1::Limits limits,
                           ResolveLimits(options_.environment.default_limits(), task.limits(),
                                         request.limits()));
  ResetSpec spec{.task = task, .seed = request.seed() != 0 ? request.seed() : task.seed()};
  if (spec.seed != 0 && !options_.environment.capabilities().seedable()) {
    return absl::InvalidArgumentError(absl::StrCat("seed: ", environment, " cannot be seeded"));
  }
  auto reset = world_->Reset(WorkContext(parts_.caps.reset), spec, request.observation());
  if (!reset.ok()) {
    const absl::StatusCode code = reset.status().code();
    if (code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kFailedPrecondition) {
      return reset.status();
    }
    // Nothing was recorded: the client may try again.
    return absl::UnavailableError(absl::StrCat("the world could not be reset: ", reset.status().message()));
  }
  v1::Observation first = reset->observation;
  run_.emplace(EpisodeRun::Start{.episode_id = episode_id,
                                 .session_id = options_.id,
                                 .environment_id = options_.environment_id,
                                 .task = std::move(task),
                                 .limits = limits,
                                 .reset = *std::move(reset),
                                 .time = parts_.clock.Now()},
               request);
  untold_.reset();
  CollectEvidence(/*at_start=*/true);

  v1::EpisodeStart answer;
  *answer.mutable_episode() = run_->episode();
  answer.set_goal(run_->task().goal());
  *answer.mutable_observation() = first;
  DropPictureBytes(*answer.mutable_observation());
  if (!replay.request_id.empty()) replay.response = answer.SerializeAsString();
  PROCTOR_RETURN_IF_ERROR(parts_.sink.Begin(CallContext::WithTimeout(parts_.caps.record), run_->header(),
                                            run_->episode(), replay));
  replays_.Keep(replay);
  {
    MutexLock lock(mutex_);
    ++episode_count_;
  }
  PublishEpisode();
  run_->Answered(parts_.clock.Now());
  *answer.mutable_observation() = std::move(first);
  if (request.observation().screenshot().omit_data()) DropPictureBytes(*answer.mutable_observation());
  return answer;
}

void Session::Observe(CallContext context, v1::ObserveRequest request, Done<v1::Observation> done) {
  if (absl::Status alive = Admit(); !alive.ok()) {
    parts_.pool.Post([done = std::move(done), alive] { done(alive); });
    return;
  }
  const bool at_once = observes_at_once_ && !Asks(request.observation(), v1::OBSERVATION_PART_SCREENSHOT);
  AsyncQueue::Task look = [this, self = shared_from_this(), context = std::move(context), request = std::move(request),
                           done = std::move(done), arrival = parts_.clock.Now()](const AsyncQueue::Finish& finish) {
    const LogRequest log(context.request_id());
    auto result = DoObserve(context, request, arrival);
    Leave(finish);
    done(std::move(result));
  };
  at_once ? RunOrEnqueue(std::move(look)) : Enqueue(std::move(look));
}

absl::StatusOr<v1::Observation> Session::DoObserve(const CallContext& context,
                                                   const v1::ObserveRequest& request, absl::Time arrival) {
  PROCTOR_RETURN_IF_ERROR(context.Check("Observe"));
  if (!run_) return absl::FailedPreconditionError("no episode is open: StartEpisode first");
  PROCTOR_RETURN_IF_ERROR(
      CheckObservationRequest(request.observation(), options_.environment.capabilities()));
  run_->Arrived(arrival);
  const CallContext work = ActContext();
  auto observation = world_->Observe(work, request.observation());
  if (!observation.ok()) {
    const Ending ending = EndingOfFailure(work, observation.status());
    untold_ = EndedResponse(ending, {});
    // Not UNAVAILABLE: clients would try again, and be told that no episode is open.
    return absl::AbortedError(absl::StrCat("the episode has ended: ", ending.message));
  }
  run_->last_observation() = *observation;
  run_->Answered(parts_.clock.Now());
  if (request.observation().screenshot().omit_data()) DropPictureBytes(*observation);
  return observation;
}

void Session::EndEpisode(CallContext context, v1::EndEpisodeRequest request, Done<v1::Episode> done) {
  if (absl::Status alive = Admit(); !alive.ok()) {
    parts_.pool.Post([done = std::move(done), alive] { done(alive); });
    return;
  }
  Enqueue([this, self = shared_from_this(), context = std::move(context), request = std::move(request),
           done = std::move(done), arrival = parts_.clock.Now()](const AsyncQueue::Finish& finish) {
    const LogRequest log(context.request_id());
    auto result = DoEnd(context, request, arrival);
    Leave(finish);
    done(std::move(result));
  });
}

absl::StatusOr<v1::Episode> Session::DoEnd(const CallContext& context,
                                           const v1::EndEpisodeRequest& request, absl::Time arrival) {
  PROCTOR_RETURN_IF_ERROR(context.Check("EndEpisode"));
  PROCTOR_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  Replay replay = replays_.Prepare(request.request_id(), request);
  v1::Episode answer;
  PROCTOR_ASSIGN_OR_RETURN(const bool replayed, replays_.Find(context, replay, answer));
  if (replayed) return answer;
  if (!run_) {
    if (!untold_) return absl::FailedPreconditionError("no episode is open");
    // It ended by itself before the client could: that is the answer.
    answer = untold_->episode();
    untold_.reset();
    KeepAnswer(std::move(replay), answer);
    return answer;
  }
  run_->Arrived(arrival);
  const bool judged = request.end() == v1::CLIENT_END_DONE;
  EndRun({judged ? v1::END_REASON_CLIENT_DONE : v1::END_REASON_CANCELLED,
          judged ? "the client ended the episode" : "the client cancelled the episode"},
         [&](const v1::Episode& closed) {
           answer = closed;
           replay.response = closed.SerializeAsString();
           return replay;
         });
  return answer;
}

void Session::KeepAnswer(Replay replay, const google::protobuf::Message& answer) {
  if (replay.request_id.empty()) return;
  replay.response = answer.SerializeAsString();
  const absl::Status stored = parts_.sink.Keep(CallContext::WithTimeout(parts_.caps.record), replay);
  if (stored.ok()) {
    replays_.Keep(replay);
    return;
  }
  // What it tells was recorded before: only a late retry, or one after a restart, misses it.
  replays_.KeepUnstored(replay);
  LogWarning("an answer was not kept", {{"session", options_.id}, {"error", stored.ToString()}});
}

void Session::CollectEvidence(bool at_start) {
  const auto requests = parts_.host.RequiredEvidence(run_->task(), at_start);
  if (requests.empty()) return;
  run_->AddEvidence(world_->Collect(WorkContext(parts_.caps.evidence), requests), at_start);
}

Ending Session::FaultEnding(const absl::Status& fault) const {
  MutexLock lock(mutex_);
  if (closing_) return {close_reason_, close_why_};
  return {v1::END_REASON_WORLD_FAULT, std::string(fault.message())};
}

void Session::EndRun(Ending ending, const std::function<Replay(const v1::Episode&)>& replay_of) {
  // Evidence is collected when the episode's time does not run any more: what that takes is nobody's share.
  run_->Answered(parts_.clock.Now());
  if (trajectory::EndKindOf(ending.reason) != v1::END_KIND_INTERRUPTED) CollectEvidence(/*at_start=*/false);
  const absl::Time end_time = parts_.clock.Now();
  const v1::Trajectory record = run_->End(ending, end_time);
  const Replay replay = replay_of ? replay_of(run_->episode()) : Replay();
  const absl::Status stored = parts_.sink.Finish(CallContext::WithTimeout(parts_.caps.record), run_->id(),
                                                 record, run_->episode(), replay);
  if (stored.ok()) {
    replays_.Keep(replay);
  } else {
    // As the host closes the record.
    if (ending.reason != v1::END_REASON_SERVER_FAULT) {
      ending = {v1::END_REASON_SERVER_FAULT, absl::StrCat("its end could not be recorded: ", stored.message())};
      run_->End(ending, end_time);
    }
    replays_.KeepUnstored(replay_of ? replay_of(run_->episode()) : Replay());
  }
  const std::string id = run_->id();
  {
    MutexLock lock(mutex_);
    episode_ = run_->episode();
    episode_open_ = false;
    episode_deadline_ = absl::InfiniteFuture();
  }
  run_.reset();
  world_->EndEpisode();
  if (parts_.observer != nullptr) parts_.observer->EpisodeEnded(options_.environment_id, ending.reason);
  if (stored.ok()) {
    parts_.host.Closed(id);
  } else {
    LogError("episode could not be closed", {{"episode", id}, {"error", std::string(stored.message())}});
    parts_.host.NotClosed(id, ending.reason, ending.message);
  }
}

void Session::PublishEpisode() {
  MutexLock lock(mutex_);
  episode_open_ = run_.has_value();
  episode_deadline_ = run_ ? run_->deadline() : absl::InfiniteFuture();
  if (run_) episode_ = run_->episode();
}

}  // namespace proctor::env
