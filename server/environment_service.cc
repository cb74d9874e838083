#include "server/environment_service.h"

#include <functional>
#include <utility>

#include "proctor/v1/environment_service.grpc.pb.h"
#include "server/act_stream.h"
#include "server/environment_verbs.h"
#include "server/rpc/door.h"
#include "server/rpc/stream.h"
#include "server/rpc/unary.h"
#include "server/tenant_verbs.h"

namespace proctor::server {
namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

class EnvironmentServiceImpl final : public v1::EnvironmentService::CallbackService {
 public:
  explicit EnvironmentServiceImpl(EnvironmentServiceParts parts)
      : pool_(parts.pool), quotas_(parts.quotas), books_(parts.books), verbs_(parts.sessions, parts.episodes, parts.results, parts.sink, parts.pool) {}

  Reactor* GetEnvironment(Context* context, const v1::GetEnvironmentRequest* request,
                          v1::Environment* response) override {
    return Unary(context, pool_, [=, this](const CallContext&) {
      return Assign(verbs_.GetEnvironment(*request), response);
    });
  }
  Reactor* ListEnvironments(Context* context, const v1::ListEnvironmentsRequest*,
                            v1::ListEnvironmentsResponse* response) override {
    return Unary(context, pool_, [=, this](const CallContext&) {
      *response = verbs_.ListEnvironments();
      return absl::OkStatus();
    });
  }
  Reactor* GetSession(Context* context, const v1::GetSessionRequest* request,
                      v1::Session* response) override {
    return Unary(context, pool_, [=, this](const CallContext&) {
      return Assign(For(*context).GetSession(request->name()), response);
    });
  }
  Reactor* ListSessions(Context* context, const v1::ListSessionsRequest* request,
                        v1::ListSessionsResponse* response) override {
    return Unary(context, pool_, [=, this](const CallContext&) {
      return Assign(For(*context).ListSessions(*request), response);
    });
  }
  Reactor* KeepAlive(Context* context, const v1::KeepAliveRequest* request, v1::Session* response) override {
    return Unary(context, pool_, [=, this](const CallContext&) {
      return Assign(For(*context).KeepAlive(*request), response);
    });
  }
  Reactor* GetEpisode(Context* context, const v1::GetEpisodeRequest* request,
                      v1::Episode* response) override {
    return Unary(context, pool_, [=, this](const CallContext& call) {
      return Assign(For(*context).GetEpisode(call, request->name()), response);
    });
  }
  Reactor* ListEpisodes(Context* context, const v1::ListEpisodesRequest* request,
                        v1::ListEpisodesResponse* response) override {
    return Unary(context, pool_, [=, this](const CallContext& call) {
      return Assign(For(*context).ListEpisodes(call, *request), response);
    });
  }

  Reactor* CreateSession(Context* context, const v1::CreateSessionRequest* request,
                         v1::Session* response) override {
    return Async<v1::Session>(context, response, [=, this](const CallContext& call, Done<v1::Session> done) {
      For(*context).CreateSession(call, *request, std::move(done));
    });
  }
  Reactor* CloseSession(Context* context, const v1::CloseSessionRequest* request,
                        v1::Session* response) override {
    return Async<v1::Session>(context, response, [=, this](const CallContext&, Done<v1::Session> done) {
      For(*context).CloseSession(*request, std::move(done));
    });
  }
  Reactor* StartEpisode(Context* context, const v1::StartEpisodeRequest* request,
                        v1::EpisodeStart* response) override {
    return Async<v1::EpisodeStart>(context, response,
                                   [=, this](const CallContext& call, Done<v1::EpisodeStart> done) {
                                     For(*context).StartEpisode(call, *request, std::move(done));
                                   });
  }
  Reactor* Step(Context* context, const v1::StepRequest* request, v1::StepResponse* response) override {
    return Async<v1::StepResponse>(context, response,
                                   [=, this](const CallContext& call, Done<v1::StepResponse> done) {
                                     For(*context).Step(call, *request, std::move(done));
                                   });
  }
  Reactor* Observe(Context* context, const v1::ObserveRequest* request,
                   v1::Observation* response) override {
    return Async<v1::Observation>(context, response,
                                  [=, this](const CallContext& call, Done<v1::Observation> done) {
                                    For(*context).Observe(call, *request, std::move(done));
                                  });
  }
  Reactor* EndEpisode(Context* context, const v1::EndEpisodeRequest* request,
                      v1::Episode* response) override {
    return Async<v1::Episode>(context, response, [=, this](const CallContext& call, Done<v1::Episode> done) {
      For(*context).EndEpisode(call, *request, std::move(done));
    });
  }
  Reactor* WaitEpisode(Context* context, const v1::WaitEpisodeRequest* request,
                       v1::Episode* response) override {
    return Async<v1::Episode>(context, response, [=, this](const CallContext& call, Done<v1::Episode> done) {
      For(*context).WaitEpisode(call, *request, std::move(done));
    });
  }

  grpc::ServerBidiReactor<v1::ActRequest, v1::ActResponse>* Act(Context* context) override {
    auto books = std::make_unique<StreamCall>(books_, *context, kActPath);
    TenantVerbs verbs(verbs_, quotas_, books->caller());
    return ServeBidi(context, pool_, std::move(books), MakeActHandler(std::move(verbs), streams_));
  }

 private:
  // The context lives until the call is finished.
  TenantVerbs For(const Context& context) { return {verbs_, quotas_, CallerOf(context)}; }

  // The request lives until the call is finished, so verbs may refer to it until `done`.
  template <typename Response>
  Reactor* Async(Context* context, Response* response,
                 std::function<void(const CallContext&, Done<Response>)> verb) {
    return UnaryAsync(context, pool_,
                      [response, verb = std::move(verb)](const CallContext& call,
                                                         std::function<void(absl::Status)> done) {
                        verb(call, [response, done = std::move(done)](absl::StatusOr<Response> result) {
                          done(Assign(std::move(result), response));
                        });
                      });
  }

  Executor& pool_;
  TenantQuotas* const quotas_;
  const CallBooks* const books_;
  EnvironmentVerbs verbs_;
  ActStreams streams_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEnvironmentService(EnvironmentServiceParts parts) {
  return std::make_unique<EnvironmentServiceImpl>(parts);
}

}  // namespace proctor::server
