// An exclusive, leased, live instance of an environment: runs episodes, keeps their books, records them.
#ifndef PROCTOR_ENV_SESSION_H_
#define PROCTOR_ENV_SESSION_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "common/serial_executor.h"
#include "env/episode_host.h"
#include "env/episode_run.h"
#include "env/episode_sink.h"
#include "env/replay_cache.h"
#include "env/session_observer.h"
#include "env/world.h"
#include "proctor/v1/environment_service.pb.h"
#include "proctor/v1/session.pb.h"

namespace proctor::env {

// Called once with a verb's result: on a pool thread, or within the call where the world observes at once.
template <typename T>
using Done = std::function<void(absl::StatusOr<T>)>;

// Asked before something new is begun, but not for an answer that was given before: OK, or the verb's answer. On a pool thread; blocks on
// nothing. Null: all is permitted.
using Permit = std::function<absl::Status()>;

// Caps on what worlds may take, whatever the client's deadline: a world that exceeds one has failed.
struct SessionCaps {
  absl::Duration reset = absl::Minutes(2);
  absl::Duration step = absl::Minutes(2);
  // How far beyond the episode's time limit a step may run.
  absl::Duration overtime = absl::Seconds(10);
  absl::Duration evidence = absl::Seconds(30);
  absl::Duration record = absl::Seconds(30);
};

// What sessions work with; all outlive every session.
struct SessionParts {
  Executor& pool;
  TimerQueue& timers;
  Clock& clock;
  EpisodeSink& sink;
  EpisodeHost& host;
  SessionCaps caps;
  // May be null.
  SessionObserver* observer = nullptr;
};

// Verbs run one after another in the order of the calls; each ends by calling `done`. A verb that has begun is not torn
// in half when its caller goes away: `context` only decides whether it begins (CANCELLED, DEADLINE_EXCEEDED: nothing
// happened). Waiting (wait actions, slow null steps) holds no thread. At most 64 verbs wait; more are refused
// (RESOURCE_EXHAUSTED). Thread-safe.
class Session final : public std::enable_shared_from_this<Session> {
 public:
  struct Options {
    // The id, without `sessions/`.
    std::string id;
    std::string environment_id;
    // As Environment::Describe gave it; not kept by a closed session.
    v1::Environment environment;
    v1::EnvironmentSettings settings;
    absl::Duration lease;
    std::map<std::string, std::string> client_tags;
    // Called once when the world is gone.
    std::function<void()> on_closed;
  };
  Session(Options options, SessionParts parts, std::unique_ptr<World> world);
  ~Session();

  const std::string& id() const { return options_.id; }
  const std::string& environment_id() const { return options_.environment_id; }
  v1::Session Describe() const;
  bool closed() const;
  // A verb is under way, or an episode is being cut whose time is over.
  bool busy() const;
  absl::Time close_time() const;
  // What its client gave it and it keeps, closed or not: settings and tags.
  int64_t client_bytes() const { return client_bytes_; }

  // A sign of life. FAILED_PRECONDITION: the session is closed.
  absl::Status KeepAlive();

  void StartEpisode(CallContext context, v1::StartEpisodeRequest request, Done<v1::EpisodeStart> done, Permit permit = nullptr);
  // `permit` is asked once for each action.
  void Step(CallContext context, v1::StepRequest request, Done<v1::StepResponse> done, Permit permit = nullptr);
  void Observe(CallContext context, v1::ObserveRequest request, Done<v1::Observation> done);
  void EndEpisode(CallContext context, v1::EndEpisodeRequest request, Done<v1::Episode> done);

  // Interrupts what runs, ends the open episode with `reason` (an interrupting one), frees the world. Idempotent: `done`
  // always gets the closed session.
  void Close(std::string why, v1::EndReason reason, Done<v1::Session> done);

  // To be called about once a second: closes the session if its lease is over (a verb under way is life), cuts the
  // episode if its time is over.
  void Tick();

 private:
  struct StepCall;
  // Posts a verb: `run` must call finish once, through Answer().
  void Enqueue(AsyncQueue::Task task);
  // Runs it within the call if the queue is idle.
  void RunOrEnqueue(AsyncQueue::Task task);
  void Leave(const AsyncQueue::Finish& finish);
  // A sign of life; RESOURCE_EXHAUSTED if too many verbs wait.
  absl::Status Admit();
  CallContext WorkContext(absl::Duration cap) const;
  // For what a world does within an episode: ends soon after the episode's time.
  CallContext ActContext() const;
  // Calls `then` on the pool after the delay or when the session is closing.
  void Sleep(absl::Duration delay, std::function<void()> then);

  // The rest runs on the queue, one at a time.
  absl::StatusOr<v1::EpisodeStart> DoStart(const CallContext& context, const v1::StartEpisodeRequest& request,
                                           const Permit& permit);
  absl::StatusOr<v1::EpisodeStart> StartWorld(const v1::StartEpisodeRequest& request, v1::Task task,
                                              const std::string& episode_id, Replay replay);
  absl::StatusOr<v1::Observation> DoObserve(const CallContext& context, const v1::ObserveRequest& request,
                                            absl::Time arrival);
  absl::StatusOr<v1::Episode> DoEnd(const CallContext& context, const v1::EndEpisodeRequest& request,
                                    absl::Time arrival);
  // Returns the answer if the step needs no acting.
  std::optional<absl::StatusOr<v1::StepResponse>> BeginStep(StepCall& call);
  void ReadInput(StepCall& call);
  absl::Duration StepDelay(const StepCall& call);
  absl::StatusOr<ActResult> ActOrObserve(StepCall& call);
  v1::StepResponse FinishStep(StepCall& call, absl::StatusOr<ActResult> result);
  absl::Status StoreDownloads(const CallContext& context, const ActResult& result);
  v1::StepResponse RecordStep(StepCall& call, ActResult result);
  std::optional<Ending> EndingAfter(const StepCall& call, const ActResult& result) const;
  // A world that was still at work when the time was up has not failed.
  Ending EndingOfFailure(const CallContext& work, const absl::Status& failure) const;
  // Ends the episode: the answer to the request of `replay` that meets the end. `answer` has the step, if one was made.
  v1::StepResponse EndedResponse(const Ending& ending, Replay replay,
                                 std::optional<v1::StepResponse> answer = std::nullopt);
  // Ends the episode: as interrupted by a fault of the server if its end cannot be recorded. `replay_of` gives what to keep for retries of
  // the request that ended it, made from the closed episode; stored together with it. Where it cannot be, it is asked again, for that end.
  void EndRun(Ending ending, const std::function<Replay(const v1::Episode&)>& replay_of);
  // Keeps an answer that changed no record.
  void KeepAnswer(Replay replay, const google::protobuf::Message& answer);
  void CollectEvidence(bool at_start);
  Ending FaultEnding(const absl::Status& fault) const;
  void PublishEpisode();

  // `environment` is used on the queue only, and empty once the session is closed; the others stay as they are.
  Options options_;
  const int64_t client_bytes_;
  const SessionParts parts_;
  const absl::Time create_time_;
  // Cancelled when the session closes.
  const std::shared_ptr<CancelToken> closing_token_ = std::make_shared<CancelToken>();
  const bool observes_at_once_;
  AsyncQueue queue_;

  // Used on the queue only.
  std::unique_ptr<World> world_;
  ReplayCache replays_;
  std::optional<EpisodeRun> run_;
  // An episode that ended by itself between verbs: the next step's answer.
  std::optional<v1::StepResponse> untold_;

  mutable Mutex mutex_;
  absl::Time lease_expiry_ ABSL_GUARDED_BY(mutex_);
  int verbs_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  // After that `on_closed` has returned, too: whoever was told that the session is closed may destroy what it uses.
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  std::string close_why_ ABSL_GUARDED_BY(mutex_);
  v1::EndReason close_reason_ ABSL_GUARDED_BY(mutex_) = v1::END_REASON_UNSPECIFIED;
  absl::Time close_time_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  std::vector<Done<v1::Session>> close_waiters_ ABSL_GUARDED_BY(mutex_);
  v1::Episode episode_ ABSL_GUARDED_BY(mutex_);
  bool episode_open_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time episode_deadline_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  int64_t episode_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor::env

#endif  // PROCTOR_ENV_SESSION_H_
