// A world to act in: sessions and episodes that clean up after themselves.
//
//   auto session = Session::Open(*client, {.environment = "practice"});
//   auto episode = (*session)->Start("tasks/abc", Observe({v1::OBSERVATION_PART_ELEMENTS}));
//   while (!episode->done()) episode->Step(policy(episode->goal(), episode->observation()));
//   auto result = episode->Wait(absl::Seconds(30));
#ifndef PROCTOR_CLIENTS_CPP_SESSION_H_
#define PROCTOR_CLIENTS_CPP_SESSION_H_

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/client.h"
#include "clients/cpp/rpc_stream.h"
#include "common/mutex.h"

namespace proctor::client {

struct SessionOptions {
  // `environments/web` or `web`.
  std::string environment;
  // Kind unset: the environment's defaults.
  v1::EnvironmentSettings settings = {};
  // Kept up by a thread of the session's own. 5 s to 1 h.
  absl::Duration lease = absl::Seconds(60);
  // How long to wait for a free place; without one RESOURCE_EXHAUSTED.
  absl::Duration max_wait = absl::ZeroDuration();
  std::map<std::string, std::string> client_tags = {};
  // Deadline of each verb, retries included; the wait for a verdict comes on top. The default is above what the server itself may
  // take: for an end 1 min, after a step of 4 min that is under way.
  absl::Duration verb_timeout = absl::Minutes(6);
};

class Episode;

// An open session; closed by its destructor. Its verbs go over one stream that is opened again
// after a broken connection; the same request ids make sure that nothing is done twice. Not
// thread-safe; use one session a thread.
//
// A program that is stopped or out of touch for longer than its lease loses the session: the server has closed it and interrupted its
// episode (the reward is masked). Its verbs are FAILED_PRECONDITION then, later NOT_FOUND: open another session and start again.
class Session {
 public:
  // `client` outlives the session. Errors as CreateSession.
  static absl::StatusOr<std::unique_ptr<Session>> Open(Client& client, SessionOptions options);
  // Closes the session (and so cancels an open episode); waits for the reply for at most 5 s.
  ~Session();

  const std::string& name() const { return resource_.name(); }
  // As it was when opened.
  const v1::Session& resource() const { return resource_; }

  // Resets the world to the task's start. Errors as StartEpisode. The session outlives the episode.
  // Where a Start, Step or End before got no answer (UNAVAILABLE, DEADLINE_EXCEEDED), what it may have left open is cancelled first, and
  // an Episode that was held of it has ended.
  absl::StatusOr<Episode> Start(const std::string& task, v1::ObservationRequest observation);
  // The same with everything that can be said (policy, group, seed, inline task, ...). `session` is
  // filled in. With the `request_id` of the Start before, which got no answer: the episode that that one started, if it did.
  absl::StatusOr<Episode> Start(v1::StartEpisodeRequest request);

  // Closes it now. Idempotent.
  absl::Status Close();

 private:
  friend class Episode;
  Session(Client& client, SessionOptions options) : client_(client), options_(std::move(options)) {}

  absl::StatusOr<v1::ActResponse> Do(v1::ActRequest request, absl::Duration extra_time);
  absl::StatusOr<v1::ActResponse> DoOnce(const v1::ActRequest& request, absl::Time deadline);
  absl::Status Attach(absl::Time deadline);
  absl::Status CancelWhatMayBeOpen();
  // The thread: until the session is being closed, or was lost.
  void KeepAlive();
  // One call of it, which Close cancels.
  absl::Status SignOfLife(absl::Duration timeout);
  // False: the session is being closed.
  bool Pause(absl::Duration time);

  Client& client_;
  const SessionOptions options_;
  v1::Session resource_;
  std::unique_ptr<RpcStream> stream_;
  int64_t next_tag_ = 1;
  bool closed_ = false;
  // A Start, Step or End got no answer since the last one that succeeded: the server may have an episode open that nobody holds.
  bool unsure_ = false;
  // Of the last Start.
  std::string start_id_;
  // The name of the episode that the last Start began; empty once it was cancelled by the next.
  std::string episode_;
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  RpcStream* sign_of_life_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread keep_alive_;
};

// One attempt at a task. An episode that still runs is cancelled by the destructor (its reward is
// masked).
class Episode {
 public:
  Episode(Episode&& other) noexcept;
  Episode& operator=(Episode&& other) noexcept;
  ~Episode();

  const std::string& name() const { return state_.name(); }
  // What is to be done. Empty if the server is too old to tell.
  const std::string& goal() const { return goal_; }
  // What is seen now.
  const v1::Observation& observation() const { return observation_; }
  // It has ended: terminated, truncated or interrupted, or another one was started in its place (see Session::Start).
  bool done() const;
  // The episode as last told; verdict and reward once there. A MASKED reward is no 0: look at
  // `reward().status()`.
  const v1::Episode& resource() const { return state_; }

  // Acts, observes what Start asked for. Errors as Step; an action that cannot be done is no error
  // but `observation().action_error()`.
  absl::StatusOr<v1::StepResponse> Step(v1::Action action);
  // The same with agent_text, agent_data, another observation, ... `session`, `expected_step_index`
  // and an unset `observation` are filled in.
  absl::StatusOr<v1::StepResponse> Step(v1::StepRequest request);
  // Looks without acting. Costs no step. ABORTED: the world failed, or the session was closed, and the
  // episode was interrupted; End tells it whole.
  absl::StatusOr<v1::Observation> Look(v1::ObservationRequest request);
  // Ends it: DONE is judged as it stands, CANCEL is masked. One that has ended is told as it ended.
  absl::StatusOr<v1::Episode> End(v1::ClientEnd end);
  // The episode once verdict and reward are there, or as it stands after `max_wait`.
  absl::StatusOr<v1::Episode> Wait(absl::Duration max_wait);

 private:
  friend class Session;
  Episode(Session& session, v1::EpisodeStart start, v1::ObservationRequest observation);
  void CancelIfRunning();

  Session* session_;
  std::string goal_;
  v1::Episode state_;
  v1::Observation observation_;
  v1::ObservationRequest request_;
  int next_step_ = 0;
  bool done_ = false;
};

}  // namespace proctor::client

#endif  // PROCTOR_CLIENTS_CPP_SESSION_H_
