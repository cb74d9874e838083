// Tenants of a real server, and what they call.
#ifndef PROCTOR_TESTS_SERVER_TENANTS_FIXTURE_H_
#define PROCTOR_TESTS_SERVER_TENANTS_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/json.h"
#include "gtest/gtest.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "tests/server/guarded_proctord.h"

namespace proctor::server {

// A caller of a guarded server, in plain text on loopback; "" calls by the unix socket.
class Client {
 public:
  Client(const GuardedProctord& server, const std::string& name)
      : name_(name), channel_(name.empty() ? server.Unix() : server.Plain()), worlds_(v1::EnvironmentService::NewStub(channel_)) {}

  v1::EnvironmentService::Stub& worlds() const { return *worlds_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  std::unique_ptr<ClientContext> Context() const {
    auto context = std::make_unique<ClientContext>();
    if (!name_.empty()) context->AddMetadata("authorization", "Bearer " + GuardedProctord::TokenOf(name_));
    return context;
  }

  grpc::Status Create(v1::Session& session, const std::string& request_id = "") const {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    request.set_request_id(request_id);
    return worlds_->CreateSession(Context().get(), request, &session);
  }
  v1::Session Create() const {
    v1::Session session;
    const grpc::Status status = Create(session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return session;
  }
  grpc::Status Start(const std::string& session, v1::EpisodeStart& start) const {
    v1::StartEpisodeRequest request;
    request.set_session(session);
    request.mutable_inline_task()->set_goal("Say hello.");
    request.mutable_inline_task()->set_environment("environments/null");
    return worlds_->StartEpisode(Context().get(), request, &start);
  }
  grpc::Status Step(const std::string& session, const std::string& answer = "", v1::StepResponse* response = nullptr) const {
    v1::StepRequest request;
    request.set_session(session);
    request.mutable_action()->mutable_noop();
    if (!answer.empty()) request.mutable_action()->mutable_answer()->set_text(answer);
    v1::StepResponse unread;
    return worlds_->Step(Context().get(), request, response == nullptr ? &unread : response);
  }
  grpc::Status Close(const std::string& session) const {
    v1::CloseSessionRequest request;
    request.set_name(session);
    v1::Session closed;
    return worlds_->CloseSession(Context().get(), request, &closed);
  }
  int CountSessions() const {
    v1::ListSessionsResponse response;
    EXPECT_TRUE(worlds_->ListSessions(Context().get(), v1::ListSessionsRequest(), &response).ok());
    return response.sessions_size();
  }
  int CountEpisodes() const {
    v1::ListEpisodesResponse response;
    EXPECT_TRUE(worlds_->ListEpisodes(Context().get(), v1::ListEpisodesRequest(), &response).ok());
    return response.episodes_size();
  }
  grpc::Status GetEpisode(const std::string& name) const {
    v1::GetEpisodeRequest request;
    request.set_name(name);
    v1::Episode episode;
    return worlds_->GetEpisode(Context().get(), request, &episode);
  }

 private:
  const std::string name_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::EnvironmentService::Stub> worlds_;
};

// Five of them: anna of the tenant alpha and ben of beta, carl of the default tenant, root who administers, olga who does so for alpha.
class TenantsFixture : public ::testing::Test {
 protected:
  void Start(const std::string& more = "", const std::string& auth_more = "") {
    server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("anna", "act, record", ", tenant: alpha") +
                                     GuardedProctord::Token("ben", "act, record", ", tenant: beta") +
                                     GuardedProctord::Token("carl", "act") + GuardedProctord::Token("root", "administer") +
                                     GuardedProctord::Token("olga", "administer", ", tenant: alpha"));
    server_.Start("auth: {tokens_file: " + server_.tokens_file() + auth_more + "}\n" + more);
  }
  Client As(const std::string& name) const { return Client(server_, name); }

  std::vector<Json> AuditLines() const {
    std::vector<Json> lines;
    for (const auto& line : absl::StrSplit(ReadWholeFile(server_.data() + "/audit.log"), '\n', absl::SkipEmpty())) {
      auto json = ParseJson(std::string(line));
      EXPECT_TRUE(json.ok()) << std::string(line);
      if (json.ok()) lines.push_back(*std::move(json));
    }
    return lines;
  }

  GuardedProctord server_;
};

}  // namespace proctor::server

#endif  // PROCTOR_TESTS_SERVER_TENANTS_FIXTURE_H_
