#include "server/environment_verbs.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/replay_cache.h"

namespace proctor::server {
namespace {

constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 1000;
// For oracles; a judge is not waited for unless that is asked.
constexpr absl::Duration kDefaultVerdictWait = absl::Seconds(5);
constexpr absl::Duration kMaxVerdictWait = absl::Minutes(10);
constexpr absl::Duration kDefaultEpisodeWait = absl::Seconds(30);

absl::StatusOr<int> PageSize(int asked) {
  if (asked < 0) return absl::InvalidArgumentError("page_size: not negative");
  return asked == 0 ? kDefaultPage : std::min(asked, kMaxPage);
}

bool IsClosed(const v1::Episode& episode) { return episode.state() == v1::EPISODE_STATE_CLOSED; }

}  // namespace

absl::StatusOr<v1::Environment> EnvironmentVerbs::GetEnvironment(
    const v1::GetEnvironmentRequest& request) const {
  return sessions_.DescribeEnvironment(request.name());
}

v1::ListEnvironmentsResponse EnvironmentVerbs::ListEnvironments() const {
  v1::ListEnvironmentsResponse response;
  for (v1::Environment& environment : sessions_.DescribeEnvironments()) {
    *response.add_environments() = std::move(environment);
  }
  return response;
}

absl::StatusOr<v1::Session> EnvironmentVerbs::GetSession(const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(const auto session, sessions_.Find(name));
  return session->Describe();
}

absl::StatusOr<v1::ListSessionsResponse> EnvironmentVerbs::ListSessions(
    const v1::ListSessionsRequest& request, const std::function<bool(const std::string&)>& shows) const {
  PROCTOR_ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
  // Names sort by time, so the last one of a page is the token for the next.
  if (!request.page_token().empty()) {
    PROCTOR_RETURN_IF_ERROR(ResourceId("sessions", request.page_token()).status());
  }
  v1::ListSessionsResponse response;
  for (v1::Session& session : sessions_.List(request.show_closed())) {
    if (!shows(session.name())) continue;
    if (!request.page_token().empty() && session.name() >= request.page_token()) continue;
    if (response.sessions_size() == size) {
      response.set_next_page_token(response.sessions(size - 1).name());
      break;
    }
    *response.add_sessions() = std::move(session);
  }
  return response;
}

absl::StatusOr<v1::Session> EnvironmentVerbs::KeepAlive(const v1::KeepAliveRequest& request) const {
  PROCTOR_ASSIGN_OR_RETURN(const auto session, sessions_.Find(request.name()));
  PROCTOR_RETURN_IF_ERROR(session->KeepAlive());
  return session->Describe();
}

absl::StatusOr<v1::Episode> EnvironmentVerbs::GetEpisode(const CallContext& context,
                                                         const std::string& name) const {
  return episodes_.Get(context, name);
}

absl::StatusOr<v1::ListEpisodesResponse> EnvironmentVerbs::ListEpisodes(
    const CallContext& context, const v1::ListEpisodesRequest& request) const {
  PROCTOR_ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
  PROCTOR_ASSIGN_OR_RETURN(
      auto page, episodes_.List(context,
                                {.session = request.session(),
                                 .policy = request.policy(),
                                 .task = request.task()},
                                size, request.page_token()));
  v1::ListEpisodesResponse response;
  for (v1::Episode& episode : page.episodes) *response.add_episodes() = std::move(episode);
  response.set_next_page_token(std::move(page.next_page_token));
  return response;
}

void EnvironmentVerbs::CreateSession(const CallContext& context, const v1::CreateSessionRequest& request,
                                     const std::string& tenant, Done<v1::Session> done) {
  sessions_.Create(context, request, std::move(done), tenant);
}

void EnvironmentVerbs::CloseSession(const v1::CloseSessionRequest& request, Done<v1::Session> done) {
  const auto session = sessions_.Find(request.name());
  if (!session.ok()) {
    done(session.status());
    return;
  }
  (*session)->Close("closed by the client", v1::END_REASON_CANCELLED, std::move(done));
}

template <typename Request, typename Response>
absl::StatusOr<Response> EnvironmentVerbs::AnswerFromStore(const CallContext& context,
                                                           const Request& request,
                                                           const absl::Status& missing) {
  const absl::StatusOr<std::string> id = ResourceId("sessions", request.session());
  if (!id.ok() || request.request_id().empty()) return missing;
  env::ReplayCache cache(*id, sink_, env::ReplayCache::Past::kStored);
  Response response;
  PROCTOR_ASSIGN_OR_RETURN(const bool found,
                           cache.Find(context, cache.Prepare(request.request_id(), request), response));
  if (!found) return missing;
  return response;
}

absl::StatusOr<std::shared_ptr<env::Session>> EnvironmentVerbs::FindOpen(const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(auto session, sessions_.Find(name));
  PROCTOR_RETURN_IF_ERROR(session->KeepAlive());
  return session;
}

void EnvironmentVerbs::StartEpisode(const CallContext& context, const v1::StartEpisodeRequest& request,
                                    Done<v1::EpisodeStart> done, env::Permit permit) {
  const auto session = FindOpen(request.session());
  if (!session.ok()) {
    auto answer =
        AnswerFromStore<v1::StartEpisodeRequest, v1::EpisodeStart>(context, request, session.status());
    if (answer.ok()) {
      env::RefillPicture(context, sink_, request.observation(), *answer->mutable_observation());
    }
    done(std::move(answer));
    return;
  }
  (*session)->StartEpisode(context, request, std::move(done), std::move(permit));
}

absl::StatusOr<v1::StepResponse> EnvironmentVerbs::StepFromStore(const CallContext& context,
                                                                 const v1::StepRequest& request,
                                                                 const absl::Status& missing) {
  PROCTOR_ASSIGN_OR_RETURN(auto answer, (AnswerFromStore<v1::StepRequest, v1::StepResponse>(context, request, missing)));
  const absl::StatusOr<v1::Episode> stored = episodes_.Get(context, answer.episode().name());
  env::SettleAnswer(stored.ok() ? &*stored : nullptr, answer);
  env::RefillPicture(context, sink_, request.observation(), *answer.mutable_observation());
  return answer;
}

template <typename Request>
EnvironmentVerbs::VerdictWait EnvironmentVerbs::WaitOf(const Request& request) {
  if (!request.has_wait_for_verdict()) return std::nullopt;
  return std::clamp(FromProto(request.wait_for_verdict()), absl::ZeroDuration(), kMaxVerdictWait);
}

void EnvironmentVerbs::Step(const CallContext& context, const v1::StepRequest& request,
                            Done<v1::StepResponse> done, env::Permit permit) {
  // Not the request, which may hold a file.
  Done<v1::StepResponse> finish = [this, context, wait = WaitOf(request),
                                   done = std::move(done)](absl::StatusOr<v1::StepResponse> result) {
    if (!result.ok() || !result->has_episode()) {
      done(std::move(result));
    } else {
      AwaitResult(context, wait, *std::move(result), done);
    }
  };
  const auto session = FindOpen(request.session());
  if (!session.ok()) {
    pool_.Post([this, context, request, missing = session.status(), finish = std::move(finish)] {
      finish(StepFromStore(context, request, missing));
    });
    return;
  }
  (*session)->Step(context, request, std::move(finish), std::move(permit));
}

void EnvironmentVerbs::AwaitVerdict(const CallContext& context, const VerdictWait& wait, const std::string& episode,
                                    Done<v1::Episode> done) {
  if (wait.has_value()) {
    results_.Wait(context, episode, *wait, std::move(done));
  } else {
    results_.WaitForOracles(context, episode, kDefaultVerdictWait, std::move(done));
  }
}

void EnvironmentVerbs::AwaitResult(const CallContext& context, const VerdictWait& wait, v1::StepResponse response,
                                   Done<v1::StepResponse> done) {
  const std::string name = response.episode().name();
  auto held = std::make_shared<v1::StepResponse>(std::move(response));
  AwaitVerdict(context, wait, name, [held, done = std::move(done)](absl::StatusOr<v1::Episode> episode) {
    // The step itself is done: whatever became of the wait, it is acknowledged.
    // Nor does a row that could not be closed yet (a full disk) say how it ended.
    if (episode.ok() && IsClosed(*episode)) env::SetEnding(*episode, *held);
    done(std::move(*held));
  });
}

void EnvironmentVerbs::Observe(const CallContext& context, const v1::ObserveRequest& request,
                               Done<v1::Observation> done) {
  const auto session = sessions_.Find(request.session());
  if (!session.ok()) {
    done(session.status());
    return;
  }
  (*session)->Observe(context, request, std::move(done));
}

void EnvironmentVerbs::AwaitResult(const CallContext& context, const VerdictWait& wait, v1::Episode ended, Done<v1::Episode> done) {
  const std::string name = ended.name();
  AwaitVerdict(context, wait, name,
               [ended = std::move(ended), done = std::move(done)](absl::StatusOr<v1::Episode> episode) {
                 done(episode.ok() && IsClosed(*episode) ? *std::move(episode) : ended);
               });
}

void EnvironmentVerbs::EndEpisode(const CallContext& context, const v1::EndEpisodeRequest& request,
                                  Done<v1::Episode> done) {
  Done<v1::Episode> finish = [this, context, wait = WaitOf(request),
                              done = std::move(done)](absl::StatusOr<v1::Episode> ended) {
    if (!ended.ok()) {
      done(std::move(ended));
    } else {
      AwaitResult(context, wait, *std::move(ended), done);
    }
  };
  const auto session = FindOpen(request.session());
  if (!session.ok()) {
    finish(AnswerFromStore<v1::EndEpisodeRequest, v1::Episode>(context, request, session.status()));
    return;
  }
  (*session)->EndEpisode(context, request, std::move(finish));
}

void EnvironmentVerbs::WaitEpisode(const CallContext& context, const v1::WaitEpisodeRequest& request,
                                   Done<v1::Episode> done) {
  const absl::Duration wait =
      request.has_max_wait() ? FromProto(request.max_wait()) : kDefaultEpisodeWait;
  if (wait < absl::ZeroDuration() || wait > kMaxVerdictWait) {
    done(absl::InvalidArgumentError("max_wait: 0 to 10 minutes"));
    return;
  }
  results_.Wait(context, request.name(), wait, std::move(done));
}

}  // namespace proctor::server
