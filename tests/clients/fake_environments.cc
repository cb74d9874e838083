#include <chrono>

#include "absl/strings/str_cat.h"
#include "fake_world.h"
#include "proctor/v1/environment_service.grpc.pb.h"

namespace proctor::client {
namespace {

class Environments final : public v1::EnvironmentService::Service {
 public:
  explicit Environments(World& world) : world_(world) {}

  Status ListEnvironments(ServerContext*, const v1::ListEnvironmentsRequest*,
                          v1::ListEnvironmentsResponse* response) override {
    return Unary(world_, "ListEnvironments", [&] {
      FillEnvironment(*response->add_environments());
      return Status::OK;
    });
  }
  Status GetEnvironment(ServerContext*, const v1::GetEnvironmentRequest* request,
                        v1::Environment* response) override {
    return Unary(world_, "GetEnvironment", [&] {
      if (request->name() != "environments/null") return NotFound(request->name());
      FillEnvironment(*response);
      return Status::OK;
    });
  }
  Status CreateSession(ServerContext* context, const v1::CreateSessionRequest* request,
                       v1::Session* response) override {
    return Unary(world_, "CreateSession", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      world_.request_ids.push_back(request->request_id());
      if (request->environment() == "environments/full") {
        context->AddTrailingMetadata("grpc-retry-pushback-ms", "1500");
        return Status(StatusCode::RESOURCE_EXHAUSTED, "no free place");
      }
      if (request->environment() == "environments/away") {
        context->AddTrailingMetadata("proctor-request-id", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        return Status(StatusCode::UNAVAILABLE, "no device is there");
      }
      if (request->environment() != "environments/null") return NotFound(request->environment());
      const std::string name = "sessions/" + request->request_id();
      v1::Session& session = world_.sessions[name];
      session.set_name(name);
      session.set_environment(request->environment());
      session.set_state(v1::SESSION_STATE_OPEN);
      *session.mutable_lease() = request->lease();
      *response = session;
      return Status::OK;
    });
  }
  Status ListSessions(ServerContext*, const v1::ListSessionsRequest*,
                      v1::ListSessionsResponse* response) override {
    return Unary(world_, "ListSessions", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      for (const auto& [name, session] : world_.sessions) *response->add_sessions() = session;
      return Status::OK;
    });
  }
  // Counted per session, too.
  Status KeepAlive(ServerContext* context, const v1::KeepAliveRequest* request,
                   v1::Session* response) override {
    return Unary(world_, "KeepAlive", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      ++world_.calls[absl::StrCat("KeepAlive ", request->name())];
      if (world_.hold_keep_alives) {
        ++world_.keep_alives_held;
        while (!context->IsCancelled() && !world_.stopping) world_.changed.WaitFor(world_.mutex, absl::Milliseconds(5));
        world_.keep_alives_given_up += std::chrono::system_clock::now() < context->deadline();
        --world_.keep_alives_held;
        return Status::CANCELLED;
      }
      const auto it = world_.sessions.find(request->name());
      if (it == world_.sessions.end()) return NotFound(request->name());
      if (it->second.state() == v1::SESSION_STATE_CLOSED) return Status(StatusCode::FAILED_PRECONDITION, "the session is closed");
      *response = it->second;
      world_.changed.SignalAll();
      return Status::OK;
    });
  }
  Status CloseSession(ServerContext*, const v1::CloseSessionRequest* request,
                      v1::Session* response) override {
    return Unary(world_, "CloseSession", [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const auto it = world_.sessions.find(request->name());
      if (it == world_.sessions.end()) return NotFound(request->name());
      it->second.set_state(v1::SESSION_STATE_CLOSED);
      *response = it->second;
      return Status::OK;
    });
  }
  Status GetEpisode(ServerContext*, const v1::GetEpisodeRequest* request,
                    v1::Episode* response) override {
    return Unary(world_, "GetEpisode", [&] { return FindEpisode(request->name(), *response); });
  }
  Status WaitEpisode(ServerContext*, const v1::WaitEpisodeRequest* request,
                     v1::Episode* response) override {
    return Unary(world_, "WaitEpisode", [&] { return FindEpisode(request->name(), *response); });
  }

  Status Act(ServerContext*,
             grpc::ServerReaderWriter<v1::ActResponse, v1::ActRequest>* stream) override {
    v1::ActRequest request;
    while (stream->Read(&request)) {
      v1::ActResponse response = Verb(request);
      response.set_tag(request.tag());
      if (BreaksNow(request)) return Gone();
      if (!stream->Write(response)) break;
    }
    return Status::OK;
  }

 private:
  static void FillEnvironment(v1::Environment& environment) {
    environment.set_name("environments/null");
    environment.set_description("For tests");
    environment.set_available(true);
    environment.set_max_sessions(1000);
  }

  Status FindEpisode(const std::string& name, v1::Episode& out) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = world_.episodes.find(name);
    if (it == world_.episodes.end()) return NotFound(name);
    out = it->second;
    return Status::OK;
  }

  bool BreaksNow(const v1::ActRequest& request) {
    MutexLock lock(world_.mutex);
    if (request.has_attach() || world_.break_act == 0) return false;
    --world_.break_act;
    return true;
  }

  v1::ActResponse Verb(const v1::ActRequest& request) {
    MutexLock lock(world_.mutex);
    ++world_.calls[request.GetDescriptor()->FindFieldByNumber(request.verb_case())->name()];
    v1::ActResponse response;
    switch (request.verb_case()) {
      case v1::ActRequest::kAttach:
        Attach(request.attach().session(), response);
        break;
      case v1::ActRequest::kStartEpisode:
        Once(request.start_episode().request_id(), response,
             [&] { StartOne(request.start_episode(), response); });
        break;
      case v1::ActRequest::kStep:
        Once(request.step().request_id(), response, [&] { StepOne(request.step(), response); });
        break;
      case v1::ActRequest::kObserve:
        response.mutable_observation()->set_title("looked");
        break;
      case v1::ActRequest::kEndEpisode:
        Once(request.end_episode().request_id(), response, [&] { EndOne(request.end_episode(), response); });
        break;
      default:
        Fail(response, StatusCode::UNIMPLEMENTED, "not here");
    }
    return response;
  }

  template <typename Work>
  void Once(const std::string& id, v1::ActResponse& response,
            Work work) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = world_.replays.find(id);
    if (it != world_.replays.end()) {
      response = it->second;
      return;
    }
    work();
    if (!response.has_error()) world_.replays[id] = response;
  }

  static void Fail(v1::ActResponse& response, StatusCode code, const std::string& message) {
    response.mutable_error()->set_code(code);
    response.mutable_error()->set_message(message);
  }

  void Attach(const std::string& name, v1::ActResponse& response) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = world_.sessions.find(name);
    if (it == world_.sessions.end()) return Fail(response, StatusCode::NOT_FOUND, "no " + name);
    *response.mutable_session() = it->second;
  }

  void StartOne(const v1::StartEpisodeRequest& request,
                v1::ActResponse& response) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (request.task() == "tasks/missing")
      return Fail(response, StatusCode::NOT_FOUND, "no tasks/missing");
    if (const v1::Episode* open = OpenEpisode(request.session()); open != nullptr)
      return Fail(response, StatusCode::FAILED_PRECONDITION, absl::StrCat(open->name(), " is still open: end it first"));
    v1::Episode episode;
    episode.set_name(absl::StrCat("episodes/e", world_.episodes.size()));
    episode.set_session(request.session());
    episode.set_task(request.task());
    episode.set_state(v1::EPISODE_STATE_RUNNING);
    world_.episodes[episode.name()] = episode;
    world_.sessions[request.session()].set_episode(episode.name());
    *response.mutable_episode_start()->mutable_episode() = episode;
    if (const auto task = world_.tasks.find(request.task()); task != world_.tasks.end())
      response.mutable_episode_start()->set_goal(task->second.goal());
    response.mutable_episode_start()->mutable_observation()->set_title("start");
  }

  // Null: none.
  v1::Episode* OpenEpisode(const std::string& session) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto it = world_.episodes.find(world_.sessions[session].episode());
    return it == world_.episodes.end() || it->second.state() == v1::EPISODE_STATE_CLOSED ? nullptr : &it->second;
  }

  void StepOne(const v1::StepRequest& request,
               v1::ActResponse& response) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    v1::Episode& episode = world_.episodes[world_.sessions[request.session()].episode()];
    if (request.expected_step_index() != episode.step_count()) {
      return Fail(response, StatusCode::ABORTED, "another step index");
    }
    ++world_.steps;
    v1::StepResponse& step = *response.mutable_step();
    step.set_step_index(episode.step_count());
    episode.set_step_count(episode.step_count() + 1);
    step.mutable_observation()->set_title(absl::StrCat("step ", step.step_index()));
    if (request.action().has_answer()) {
      episode.set_state(v1::EPISODE_STATE_CLOSED);
      episode.set_end_kind(v1::END_KIND_TERMINATED);
      episode.set_result_state(v1::RESULT_STATE_READY);
      const bool right = request.action().answer().text() == "42";
      episode.mutable_verdict()->set_outcome(right ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE);
      episode.mutable_reward()->set_status(v1::REWARD_STATUS_VALID);
      episode.mutable_reward()->set_value(right ? 1 : 0);
      step.set_terminated(true);
      *step.mutable_episode() = episode;
    }
  }

  void EndOne(const v1::EndEpisodeRequest& request,
              v1::ActResponse& response) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    v1::Episode* episode = OpenEpisode(request.session());
    if (episode == nullptr) return Fail(response, StatusCode::FAILED_PRECONDITION, "no episode is open");
    episode->set_state(v1::EPISODE_STATE_CLOSED);
    episode->set_end_kind(request.end() == v1::CLIENT_END_DONE ? v1::END_KIND_TERMINATED
                                                               : v1::END_KIND_INTERRUPTED);
    *response.mutable_episode() = *episode;
  }

  World& world_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFakeEnvironments(World& world) { return std::make_unique<Environments>(world); }

}  // namespace proctor::client
