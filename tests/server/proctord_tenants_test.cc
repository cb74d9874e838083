// Tenants of a real server: what they see of each other (nothing), what they may use, and what is written of it.
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/json.h"
#include "gmock/gmock.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "proctor/v1/evaluation_service.grpc.pb.h"
#include "proctor/v1/reward_service.grpc.pb.h"
#include "proctor/v1/task_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/server/guarded_proctord.h"

namespace proctor::server {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

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

class ProctordTenantsTest : public ::testing::Test {
 protected:
  void Start(const std::string& more = "", const std::string& auth_more = "") {
    server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("anna", "act, record", ", tenant: alpha") +
                                     GuardedProctord::Token("ben", "act, record", ", tenant: beta") +
                                     GuardedProctord::Token("carl", "act") + GuardedProctord::Token("root", "administer"));
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

TEST_F(ProctordTenantsTest, ASessionIsNotThereForOtherTenants) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const Client anna = As("anna");
  const v1::Session session = anna.Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(anna.Start(session.name(), start).ok());
  for (const char* name : {"ben", "carl"}) {
    const Client other = As(name);
    v1::GetSessionRequest get;
    get.set_name(session.name());
    v1::Session found;
    const grpc::Status hidden = other.worlds().GetSession(other.Context().get(), get, &found);
    EXPECT_EQ(hidden.error_code(), StatusCode::NOT_FOUND);
    // Not told apart from one that never was.
    get.set_name("sessions/0000000000000000000000000x.beta");
    const grpc::Status missing = other.worlds().GetSession(other.Context().get(), get, &found);
    EXPECT_EQ(missing.error_message(), "no session " + get.name());
    EXPECT_EQ(hidden.error_message(), "no session " + session.name());
    v1::KeepAliveRequest keep;
    keep.set_name(session.name());
    EXPECT_EQ(other.worlds().KeepAlive(other.Context().get(), keep, &found).error_code(), StatusCode::NOT_FOUND);
    EXPECT_EQ(other.Step(session.name()).error_code(), StatusCode::NOT_FOUND);
    EXPECT_EQ(other.Close(session.name()).error_code(), StatusCode::NOT_FOUND);
    v1::EpisodeStart stolen;
    EXPECT_EQ(other.Start(session.name(), stolen).error_code(), StatusCode::NOT_FOUND);
    v1::ObserveRequest observe;
    observe.set_session(session.name());
    v1::Observation observation;
    EXPECT_EQ(other.worlds().Observe(other.Context().get(), observe, &observation).error_code(), StatusCode::NOT_FOUND);
    v1::EndEpisodeRequest end;
    end.set_session(session.name());
    v1::Episode episode;
    EXPECT_EQ(other.worlds().EndEpisode(other.Context().get(), end, &episode).error_code(), StatusCode::NOT_FOUND);
    EXPECT_EQ(other.GetEpisode(start.episode().name()).error_code(), StatusCode::NOT_FOUND);
    v1::WaitEpisodeRequest wait;
    wait.set_name(start.episode().name());
    EXPECT_EQ(other.worlds().WaitEpisode(other.Context().get(), wait, &episode).error_code(), StatusCode::NOT_FOUND);
    EXPECT_EQ(other.CountSessions(), 0);
    EXPECT_EQ(other.CountEpisodes(), 0);
    const auto context = other.Context();
    const auto stream = other.worlds().Act(context.get());
    v1::ActRequest attach;
    attach.mutable_attach()->set_session(session.name());
    stream->Write(attach);
    stream->WritesDone();
    v1::ActResponse reply;
    ASSERT_TRUE(stream->Read(&reply));
    EXPECT_EQ(reply.error().code(), StatusCode::NOT_FOUND);
    EXPECT_TRUE(stream->Finish().ok());
  }
  // It lives on, and its owner, administrators and the operator's socket see it.
  EXPECT_TRUE(anna.Step(session.name()).ok());
  for (const char* name : {"anna", "root", ""}) {
    EXPECT_EQ(As(name).CountSessions(), 1) << name;
    EXPECT_TRUE(As(name).GetEpisode(start.episode().name()).ok()) << name;
  }
  EXPECT_TRUE(As("root").Step(session.name()).ok());
}

TEST_F(ProctordTenantsTest, ARestartSeparatesThemStill) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::Session session = As("anna").Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(As("anna").Start(session.name(), start).ok());
  server_.Stop(SIGKILL);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_TRUE(As("anna").GetEpisode(start.episode().name()).ok());
  EXPECT_EQ(As("ben").GetEpisode(start.episode().name()).error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(As("ben").CountEpisodes(), 0);
  EXPECT_EQ(As("root").CountEpisodes(), 1);
}

TEST_F(ProctordTenantsTest, TheSameRequestIdIsAnotherRequestInAnotherTenant) {
  ASSERT_NO_FATAL_FAILURE(Start());
  v1::Session first;
  v1::Session second;
  v1::Session again;
  ASSERT_TRUE(As("anna").Create(first, "r").ok());
  ASSERT_TRUE(As("ben").Create(second, "r").ok());
  ASSERT_TRUE(As("anna").Create(again, "r").ok());
  EXPECT_NE(first.name(), second.name());
  EXPECT_EQ(first.name(), again.name());
}

TEST_F(ProctordTenantsTest, NobodyBecomesAnotherByMetadata) {
  ASSERT_NO_FATAL_FAILURE(Start());
  As("anna").Create();
  const Client ben = As("ben");
  auto context = ben.Context();
  for (const auto& [key, value] : {std::pair("proctor-caller", "anna"), std::pair("proctor-caller-tenant", "alpha"),
                                   std::pair("proctor-caller-sees-all", "1")}) {
    context->AddMetadata(key, value);
  }
  v1::ListSessionsResponse response;
  EXPECT_TRUE(ben.worlds().ListSessions(context.get(), v1::ListSessionsRequest(), &response).ok());
  EXPECT_EQ(response.sessions_size(), 0);
}

TEST_F(ProctordTenantsTest, QuotasOfOneTenantAreNotAnothers) {
  ASSERT_NO_FATAL_FAILURE(Start("quotas: {tenants: {alpha: {session_weight: 0.02, steps_per_minute: 3}}}\n"));
  const Client anna = As("anna");
  const v1::Session session = anna.Create();
  const v1::Session other = anna.Create();
  v1::Session third;
  const grpc::Status full = anna.Create(third);
  EXPECT_EQ(full.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(full.error_message(), HasSubstr("session_weight"));
  As("ben").Create();
  ASSERT_TRUE(anna.Close(other.name()).ok());
  EXPECT_TRUE(anna.Create(third).ok());
  v1::EpisodeStart start;
  ASSERT_TRUE(anna.Start(session.name(), start).ok());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(anna.Step(session.name()).ok()) << i;
  const grpc::Status spent = anna.Step(session.name());
  EXPECT_EQ(spent.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(spent.error_message(), HasSubstr("steps_per_minute"));
  // By the stream too, and it goes on.
  const auto context = anna.Context();
  const auto stream = anna.worlds().Act(context.get());
  v1::ActRequest request;
  request.mutable_attach()->set_session(session.name());
  stream->Write(request);
  request.mutable_step()->mutable_action()->mutable_noop();
  stream->Write(request);
  request.mutable_keep_alive();
  stream->Write(request);
  stream->WritesDone();
  v1::ActResponse reply;
  ASSERT_TRUE(stream->Read(&reply));
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_EQ(reply.error().code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(reply.error().has_retry_delay());
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_TRUE(reply.has_session());
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ProctordTenantsTest, StorageEndsWhatRunsAndRefusesTheNextEpisodeUntilSomethingIsDeleted) {
  ASSERT_NO_FATAL_FAILURE(Start("quotas: {otherwise: {storage_bytes: 20000}}\n"));
  const Client anna = As("anna");
  const v1::Session session = anna.Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(anna.Start(session.name(), start).ok());
  const std::string first = start.episode().trajectory();
  ASSERT_TRUE(anna.Step(session.name(), std::string(10'000, 'x')).ok());
  // What would exceed it is not recorded, and that is no fault of the server.
  ASSERT_TRUE(anna.Start(session.name(), start).ok());
  v1::StepResponse step;
  ASSERT_TRUE(anna.Step(session.name(), std::string(15'000, 'x'), &step).ok());
  EXPECT_TRUE(step.interrupted());
  EXPECT_EQ(step.episode().end_reason(), v1::END_REASON_CANCELLED);
  EXPECT_THAT(step.episode().end_message(), HasSubstr("storage_bytes"));
  // Even the little that a begun episode costs adds up.
  grpc::Status full = grpc::Status::OK;
  for (int i = 0; i < 500 && full.ok(); ++i) {
    full = anna.Start(session.name(), start);
    if (!full.ok()) break;
    ASSERT_TRUE(anna.Step(session.name(), std::string(1000, 'x')).ok());
  }
  EXPECT_EQ(full.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(full.error_message(), HasSubstr("storage_bytes"));
  EXPECT_TRUE(As("ben").Start(As("ben").Create().name(), start).ok());
  const Client root = As("root");
  v1::DeleteTrajectoryRequest remove;
  remove.set_name(first);
  v1::DeleteTrajectoryResponse removed;
  const auto trajectories = v1::TrajectoryService::NewStub(root.channel());
  grpc::Status deleted;
  do {  // Only what is judged can be deleted.
    usleep(10'000);
    deleted = trajectories->DeleteTrajectory(root.Context().get(), remove, &removed);
  } while (deleted.error_code() == StatusCode::FAILED_PRECONDITION);
  ASSERT_TRUE(deleted.ok()) << deleted.error_message();
  while (!anna.Start(session.name(), start).ok()) usleep(10'000);
}

TEST_F(ProctordTenantsTest, ARecordingStopsAtItsTenantsStorage) {
  ASSERT_NO_FATAL_FAILURE(Start("quotas: {tenants: {alpha: {storage_bytes: 20000}}}\n"));
  const auto record = [this](const char* name, int steps) {
    const Client client = As(name);
    const auto trajectories = v1::TrajectoryService::NewStub(client.channel());
    v1::Trajectory trajectory;
    const auto context = client.Context();
    const auto writer = trajectories->RecordTrajectory(context.get(), &trajectory);
    v1::RecordTrajectoryRequest message;
    message.mutable_header()->mutable_inline_task()->set_goal("x");
    bool open = writer->Write(message);
    for (int i = 0; i < steps && open; ++i) {
      message.mutable_step()->set_index(i);
      message.mutable_step()->mutable_action()->mutable_answer()->set_text(std::string(5000, 'x'));
      open = writer->Write(message);
    }
    message.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
    message.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
    if (open) writer->Write(message);
    writer->WritesDone();
    return writer->Finish();
  };
  EXPECT_TRUE(record("anna", 2).ok());
  const grpc::Status cut = record("anna", 3);
  EXPECT_EQ(cut.error_code(), StatusCode::RESOURCE_EXHAUSTED) << cut.error_message();
  EXPECT_THAT(cut.error_message(), HasSubstr("storage_bytes"));
  // What was cut off is stored, and counts.
  EXPECT_EQ(record("anna", 1).error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(record("ben", 3).ok());
}

TEST_F(ProctordTenantsTest, VerbsOfAStreamAreCallsToo) {
  ASSERT_NO_FATAL_FAILURE(Start("quotas: {tenants: {beta: {calls_per_minute: 4}}}\n"));
  const Client ben = As("ben");
  const auto context = ben.Context();
  const auto stream = ben.worlds().Act(context.get());  // The first.
  v1::ActRequest create;
  create.mutable_create_session()->set_environment("environments/null");
  v1::ActRequest begin;
  begin.mutable_start_episode()->mutable_inline_task()->set_goal("x");
  v1::ActRequest look;
  look.mutable_observe();
  v1::ActResponse reply;
  for (const v1::ActRequest& request : {create, begin, look}) {
    ASSERT_TRUE(stream->Write(request) && stream->Read(&reply));
    EXPECT_FALSE(reply.has_error()) << reply.error().message();
  }
  look.set_tag(7);
  ASSERT_TRUE(stream->Write(look) && stream->Read(&reply));
  EXPECT_EQ(reply.tag(), 7);
  EXPECT_EQ(reply.error().code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(reply.error().message(), HasSubstr("calls_per_minute"));
  EXPECT_TRUE(reply.error().has_retry_delay());
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  As("anna").Create();
}

TEST_F(ProctordTenantsTest, CallsAMinuteAreLimitedAtTheDoor) {
  ASSERT_NO_FATAL_FAILURE(Start("quotas: {tenants: {beta: {calls_per_minute: 2}}}\n"));
  const Client ben = As("ben");
  EXPECT_EQ(ben.CountSessions(), 0);
  EXPECT_EQ(ben.CountSessions(), 0);
  v1::ListSessionsResponse response;
  const grpc::Status spent = ben.worlds().ListSessions(ben.Context().get(), v1::ListSessionsRequest(), &response);
  EXPECT_EQ(spent.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(spent.error_message(), HasSubstr("calls_per_minute"));
  EXPECT_EQ(As("anna").CountSessions(), 0);
}

TEST_F(ProctordTenantsTest, AFloodOfStrangersLeavesTheAuditLogToOthers) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const v1::Session session = As("anna").Create();
  const auto channel = server_.Plain();
  for (int i = 0; i < 1000; ++i) Send(channel, {"/proctor.v1.EnvironmentService/Step"});
  EXPECT_TRUE(As("anna").Close(session.name()).ok());
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  int64_t refusals = 0;
  int changes = 0;
  const auto lines = AuditLines();
  for (const Json& line : lines) {
    if (line.contains("refusals_left_out")) {
      refusals += line["refusals_left_out"].get<int64_t>();
    } else if (line["status"] == "OK") {
      ++changes;
    } else {
      ++refusals;
    }
  }
  EXPECT_EQ(refusals, 1000);
  EXPECT_EQ(changes, 2);
  EXPECT_LT(lines.size(), 900u);
}

TEST_F(ProctordTenantsTest, TheAuditLogTellsWhoDidWhat) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const Client anna = As("anna");
  v1::Session session;
  ASSERT_TRUE(anna.Create(session, "request-1").ok());
  v1::EpisodeStart start;
  ASSERT_TRUE(anna.Start(session.name(), start).ok());
  ASSERT_TRUE(anna.Step(session.name()).ok());
  As("ben").Close(session.name());
  Send(server_.Plain(), {"/proctor.v1.EnvironmentService/Step", "", {{"authorization", "Bearer wrong"}}});
  Send(server_.Plain(), {"/proctor.v1.RewardService/ListRewards", "", {Bearer("anna")}});
  // By a connection that calls were let in by.
  Send(anna.channel(), {"/proctor.v1.RewardService/ListRewards", "", {Bearer("anna")}});
  Send(anna.channel(), {"/proctor.v1.EnvironmentService/Step", "", {{"authorization", "Bearer wrong"}}});
  Send(anna.channel(), {"/proctor.v1.EnvironmentService/Step", "", {Bearer("anna"), Bearer("ben")}});
  anna.CountSessions();
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  const auto lines = AuditLines();
  ASSERT_EQ(lines.size(), 9u);
  EXPECT_EQ(lines[0]["caller"], "anna");
  EXPECT_EQ(lines[0]["tenant"], "alpha");
  EXPECT_EQ(lines[0]["method"], "/proctor.v1.EnvironmentService/CreateSession");
  EXPECT_EQ(lines[0]["resource"], session.name());
  EXPECT_EQ(lines[0]["request_id"], "request-1");
  EXPECT_THAT(lines[0]["peer"].get<std::string>(), HasSubstr("127.0.0.1:"));
  EXPECT_EQ(lines[0]["status"], "OK");
  EXPECT_THAT(lines[1]["method"].get<std::string>(), HasSubstr("StartEpisode"));
  EXPECT_EQ(lines[1]["resource"], session.name());
  EXPECT_THAT(lines[2]["method"].get<std::string>(), HasSubstr("Step"));
  EXPECT_EQ(lines[3]["caller"], "ben");
  EXPECT_EQ(lines[3]["status"], "NOT_FOUND");
  EXPECT_EQ(lines[4]["caller"], "");
  EXPECT_EQ(lines[4]["status"], "UNAUTHENTICATED");
  EXPECT_EQ(lines[5]["status"], "PERMISSION_DENIED");
  EXPECT_THAT(lines[5]["reason"].get<std::string>(), HasSubstr("read_rewards"));
  // The address that was called, of strangers.
  for (size_t i = 4; i < 6; ++i) EXPECT_EQ(lines[i]["peer"], "127.0.0.1:0");
  const char* const refusals[] = {"PERMISSION_DENIED", "UNAUTHENTICATED", "UNAUTHENTICATED"};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(lines[6 + i]["status"], refusals[i]);
    EXPECT_EQ(lines[6 + i]["peer"], lines[0]["peer"]);
  }
  struct stat status;
  ASSERT_EQ(stat((server_.data() + "/audit.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ProctordTenantsTest, AStreamsVerbsAreInTheAuditLogWithoutStepsIfTheyAreLeftOut) {
  ASSERT_NO_FATAL_FAILURE(Start("", ", audit: {leave_out_steps: true}"));
  const Client anna = As("anna");
  {
    const auto context = anna.Context();
    const auto stream = anna.worlds().Act(context.get());
    // One after another: closing interrupts what has not ended.
    const auto act = [&](const v1::ActRequest& request) {
      v1::ActResponse reply;
      EXPECT_TRUE(stream->Write(request) && stream->Read(&reply));
      EXPECT_FALSE(reply.has_error()) << reply.error().message();
    };
    v1::ActRequest request;
    request.mutable_create_session()->set_environment("environments/null");
    act(request);
    request.mutable_start_episode()->mutable_inline_task()->set_goal("x");
    request.mutable_start_episode()->mutable_inline_task()->set_environment("environments/null");
    act(request);
    request.mutable_step()->mutable_action()->mutable_noop();
    act(request);
    request.mutable_observe();
    act(request);
    request.mutable_close_session();
    act(request);
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  const auto lines = AuditLines();
  ASSERT_EQ(lines.size(), 3u);
  const char* const verbs[] = {"Act:create_session", "Act:start_episode", "Act:close_session"};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(lines[i]["method"].get<std::string>(), HasSubstr(verbs[i]));
    EXPECT_THAT(lines[i]["resource"].get<std::string>(), HasSubstr(".alpha"));
    EXPECT_EQ(lines[i]["status"], "OK");
  }
}

TEST_F(ProctordTenantsTest, AStreamOfRewardsIsInTheAuditLog) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const Client root = As("root");
  {
    const auto context = root.Context();
    const auto rewards = v1::RewardService::NewStub(server_.Plain());
    const auto stream = rewards->StreamRewards(context.get());
    v1::StreamRewardsRequest request;
    request.set_consumer("consumers/none");
    request.set_credits(1);
    stream->Write(request);
    EXPECT_EQ(stream->Finish().error_code(), StatusCode::NOT_FOUND);
  }
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  const auto lines = AuditLines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["method"], "/proctor.v1.RewardService/StreamRewards");
  EXPECT_EQ(lines[0]["caller"], "root");
  EXPECT_EQ(lines[0]["status"], "NOT_FOUND");
}

v1::Task TaskWithSecrets() {
  v1::Task task;
  task.set_goal("Say hello.");
  task.set_environment("environments/null");
  v1::StartState& state = *task.mutable_start_state();
  state.set_start_url("https://me:hunter2-url@shop.example/");
  state.set_storage_state_json(R"({"cookies": [{"name": "session", "value": "hunter2-cookie"}], "origins": []})");
  v1::HttpCredentials& credentials = (*state.mutable_http_credentials())["https://shop.example"];
  credentials.set_username("hunter2-user");
  credentials.set_password("hunter2-password");
  return task;
}

TEST_F(ProctordTenantsTest, OnlyWhoWritesTasksSeesTheirSecrets) {
  server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("writer", "propose") + GuardedProctord::Token("actor", "act") +
                                   GuardedProctord::Token("labeler", "label") + GuardedProctord::Token("judge", "judge, read_rewards") +
                                   GuardedProctord::Token("both", "act, propose") + GuardedProctord::Token("root", "administer"));
  ASSERT_NO_FATAL_FAILURE(server_.Start("auth: {tokens_file: " + server_.tokens_file() + "}\n"));
  const Client writer = As("writer");
  v1::CreateTaskRequest create;
  *create.mutable_task() = TaskWithSecrets();
  v1::Task task;
  const grpc::Status created = v1::TaskService::NewStub(writer.channel())->CreateTask(writer.Context().get(), create, &task);
  ASSERT_TRUE(created.ok()) << created.error_message();
  for (const char* name : {"writer", "actor", "labeler", "judge", "both", "root", ""}) {
    const Client client = As(name);
    const auto tasks = v1::TaskService::NewStub(client.channel());
    v1::GetTaskRequest get;
    get.set_name(task.name());
    v1::Task got;
    ASSERT_TRUE(tasks->GetTask(client.Context().get(), get, &got).ok()) << name;
    v1::ListTasksResponse listed;
    ASSERT_TRUE(tasks->ListTasks(client.Context().get(), v1::ListTasksRequest(), &listed).ok()) << name;
    ASSERT_EQ(listed.tasks_size(), 1) << name;
    std::vector<v1::Task> seen = {got, listed.tasks(0)};
    v1::SampleTasksRequest sample;
    sample.set_count(1);
    v1::SampleTasksResponse sampled;
    if (tasks->SampleTasks(client.Context().get(), sample, &sampled).ok()) {
      ASSERT_EQ(sampled.tasks_size(), 1) << name;
      seen.push_back(sampled.tasks(0));
    }
    const std::string who = name;
    EXPECT_EQ(seen.size(), who == "actor" || who == "both" || who == "root" || who.empty() ? 3u : 2u) << who;
    for (const v1::Task& answer : seen) {
      if (who == "actor" || who == "labeler" || who == "judge") {
        EXPECT_THAT(answer.DebugString(), Not(HasSubstr("hunter2"))) << who;
        EXPECT_THAT(answer.DebugString(), HasSubstr("[redacted]")) << who;
        EXPECT_EQ(answer.goal(), task.goal());
      } else {
        EXPECT_EQ(answer.SerializeAsString(), got.SerializeAsString()) << who;
        EXPECT_THAT(answer.DebugString(), HasSubstr("hunter2-cookie")) << who;
        EXPECT_THAT(answer.DebugString(), HasSubstr("hunter2-password")) << who;
      }
    }
  }
  // Metadata of a client's own making opens nothing.
  const Client labeler = As("labeler");
  const auto context = labeler.Context();
  context->AddMetadata("proctor-caller-proposes", "1");
  v1::ListTasksResponse listed;
  ASSERT_TRUE(v1::TaskService::NewStub(labeler.channel())->ListTasks(context.get(), v1::ListTasksRequest(), &listed).ok());
  EXPECT_THAT(listed.DebugString(), Not(HasSubstr("hunter2")));
  server_.Stop(SIGTERM);
  EXPECT_THAT(server_.log(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(ReadWholeFile(server_.data() + "/audit.log"), Not(HasSubstr("hunter2")));
}

// Secrets everywhere, and calls that go right and wrong: nothing that is kept, logged or answered has one of them.
TEST_F(ProctordTenantsTest, NoSecretIsLoggedAnsweredOrKept) {
  PemPair pair;
  if (!net::MakeCertificate(pair.certificate, pair.key)) GTEST_SKIP() << "openssl is not installed";
  server_.WriteServerPair(pair);
  setenv("PROCTOR_TEST_MODEL_KEY", "hunter2-model-key", 1);
  const std::string authority = server_.Write("ca.pem", pair.certificate);
  ASSERT_NO_FATAL_FAILURE(
      Start("models: {endpoints: {judge: {base_url: 'http://127.0.0.1:1/v1', model: m, key_env: PROCTOR_TEST_MODEL_KEY, "
            "capabilities: {images: true}}}}\n",
            ", tls: {" + server_.TlsSettings() + ", client_certificate_optional: true, client_ca_file: " + authority + "}"));
  unsetenv("PROCTOR_TEST_MODEL_KEY");
  const auto channel = server_.Tls(pair.certificate, pair);
  std::string answers;
  const auto note = [&](const grpc::Status& status) { answers += status.error_message() + status.error_details() + "\n"; };
  for (const char* wrong : {"Bearer hunter2", "Basic hunter2", "hunter2", "Bearer hunter2 hunter2"}) {
    for (const char* path : {"/proctor.v1.EnvironmentService/Step", "/grpc.health.v1.Health/Check", "/hunter.X/Y"}) {
      note(Send(channel, {path, "", {{"authorization", wrong}}}));
    }
  }
  note(Send(channel, {"/proctor.v1.RewardService/ListRewards", "", {Bearer("anna")}}));
  note(Send(channel, {"/proctor.v1.TaskService/CreateTask", std::string("\xff\xfe"), {Bearer("root")}}));
  // Start states with credentials, in episodes that are recorded, that fail, and that are judged by a model that is not there.
  const v1::Task task = TaskWithSecrets();
  const Client operator_socket = As("");
  const v1::Session session = operator_socket.Create();
  v1::StartEpisodeRequest start;
  start.set_session(session.name());
  *start.mutable_inline_task() = task;
  v1::EpisodeStart started;
  note(operator_socket.worlds().StartEpisode(operator_socket.Context().get(), start, &started));
  note(operator_socket.Step(session.name()));
  start.mutable_inline_task()->mutable_start_state()->set_storage_state_json("{\"cookies\": hunter2-broken");
  note(operator_socket.worlds().StartEpisode(operator_socket.Context().get(), start, &started));
  v1::RecordTrajectoryRequest header;
  *header.mutable_header()->mutable_inline_task() = task;
  v1::RecordTrajectoryRequest end;
  end.mutable_end()->set_end_kind(v1::END_KIND_TERMINATED);
  end.mutable_end()->set_end_reason(v1::END_REASON_ANSWERED);
  v1::Trajectory trajectory;
  {
    const auto context = operator_socket.Context();
    const auto trajectories = v1::TrajectoryService::NewStub(operator_socket.channel());
    const auto writer = trajectories->RecordTrajectory(context.get(), &trajectory);
    writer->Write(header);
    writer->Write(end);
    writer->WritesDone();
    note(writer->Finish());
  }
  v1::EvaluateTrajectoryRequest evaluate;
  evaluate.set_trajectory(trajectory.name());
  evaluate.set_evaluator("evaluators/pae");
  v1::Verdict verdict;
  note(v1::EvaluationService::NewStub(operator_socket.channel())->EvaluateTrajectory(operator_socket.Context().get(), evaluate, &verdict));
  answers += verdict.DebugString();
  server_.Write("tokens.yaml", "tokens: [{name: x, sha256: hunter2-instead-of-its-digest, scopes: [act]}]\n");
  server_.Signal(SIGHUP);
  while (server_.log().find("the tokens read before stay") == std::string::npos) usleep(10'000);
  server_.Stop(SIGTERM);
  const std::string key_body = pair.key.substr(pair.key.find('\n') + 1, 60);
  EXPECT_THAT(answers, HasSubstr("Bearer <token>"));
  EXPECT_THAT(answers, HasSubstr("read_rewards"));
  EXPECT_THAT(answers, Not(HasSubstr("hunter2")));
  EXPECT_THAT(server_.log(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(server_.log(), Not(HasSubstr(key_body)));
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(server_.data())) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = ReadWholeFile(entry.path());
    EXPECT_EQ(bytes.find("hunter2"), std::string::npos) << entry.path() << ": " << bytes.substr(std::max<size_t>(bytes.find("hunter2"), 80) - 80, 160);
    EXPECT_EQ(bytes.find(key_body), std::string::npos) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 3);
  EXPECT_FALSE(ReadWholeFile(server_.data() + "/audit.log").empty());
}

}  // namespace
}  // namespace proctor::server
