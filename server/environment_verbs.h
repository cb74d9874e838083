// What EnvironmentService does, without gRPC: the same for unary calls and for Act.
#ifndef PROCTOR_SERVER_ENVIRONMENT_VERBS_H_
#define PROCTOR_SERVER_ENVIRONMENT_VERBS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "env/episode_sink.h"
#include "env/session_manager.h"
#include "proctor/v1/environment_service.pb.h"
#include "server/episode_source.h"
#include "trajectory/episode_store.h"

namespace proctor::server {

using env::Done;

// Requests name their session in full. `done` is called once, maybe before the call returns. Verbs may block shortly on
// the store: call them on a pool. Step and Observe only hand over and may be called anywhere. Thread-safe.
class EnvironmentVerbs {
 public:
  // All outlive the verbs.
  EnvironmentVerbs(env::SessionManager& sessions, trajectory::EpisodeStore& episodes, EpisodeSource& results,
                   env::EpisodeSink& sink, Executor& pool)
      : sessions_(sessions), episodes_(episodes), results_(results), sink_(sink), pool_(pool) {}

  absl::StatusOr<v1::Environment> GetEnvironment(const v1::GetEnvironmentRequest& request) const;
  v1::ListEnvironmentsResponse ListEnvironments() const;
  absl::StatusOr<v1::Session> GetSession(const std::string& name) const;
  // Only those that `shows` says yes to, by their names.
  absl::StatusOr<v1::ListSessionsResponse> ListSessions(const v1::ListSessionsRequest& request,
                                                        const std::function<bool(const std::string&)>& shows) const;
  absl::StatusOr<v1::Session> KeepAlive(const v1::KeepAliveRequest& request) const;
  absl::StatusOr<v1::Episode> GetEpisode(const CallContext& context, const std::string& name) const;
  absl::StatusOr<v1::ListEpisodesResponse> ListEpisodes(const CallContext& context,
                                                        const v1::ListEpisodesRequest& request) const;

  // See SessionManager::Create of `tenant`.
  void CreateSession(const CallContext& context, const v1::CreateSessionRequest& request, const std::string& tenant,
                     Done<v1::Session> done);
  void CloseSession(const v1::CloseSessionRequest& request, Done<v1::Session> done);
  // `permit`: see env::Permit.
  void StartEpisode(const CallContext& context, const v1::StartEpisodeRequest& request,
                    Done<v1::EpisodeStart> done, env::Permit permit);
  void Step(const CallContext& context, const v1::StepRequest& request, Done<v1::StepResponse> done, env::Permit permit);
  void Observe(const CallContext& context, const v1::ObserveRequest& request, Done<v1::Observation> done);
  void EndEpisode(const CallContext& context, const v1::EndEpisodeRequest& request, Done<v1::Episode> done);
  void WaitEpisode(const CallContext& context, const v1::WaitEpisodeRequest& request, Done<v1::Episode> done);

 private:
  // The session, open. NOT_FOUND; FAILED_PRECONDITION: it is closed.
  absl::StatusOr<std::shared_ptr<env::Session>> FindOpen(const std::string& name) const;
  // An answer given before the session went away; `missing` if there is none.
  template <typename Request, typename Response>
  absl::StatusOr<Response> AnswerFromStore(const CallContext& context, const Request& request,
                                           const absl::Status& missing);
  absl::StatusOr<v1::StepResponse> StepFromStore(const CallContext& context, const v1::StepRequest& request,
                                                 const absl::Status& missing);
  // How long a request's `wait_for_verdict` says; nothing: for oracles, as long as is usual.
  using VerdictWait = std::optional<absl::Duration>;
  template <typename Request>
  static VerdictWait WaitOf(const Request& request);
  // Step's and EndEpisode's last part: waits for verdict and reward if the episode ended.
  void AwaitResult(const CallContext& context, const VerdictWait& wait, v1::StepResponse response, Done<v1::StepResponse> done);
  void AwaitResult(const CallContext& context, const VerdictWait& wait, v1::Episode ended, Done<v1::Episode> done);
  void AwaitVerdict(const CallContext& context, const VerdictWait& wait, const std::string& episode, Done<v1::Episode> done);

  env::SessionManager& sessions_;
  trajectory::EpisodeStore& episodes_;
  EpisodeSource& results_;
  env::EpisodeSink& sink_;
  Executor& pool_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_ENVIRONMENT_VERBS_H_
