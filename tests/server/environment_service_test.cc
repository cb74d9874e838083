// EnvironmentService over gRPC on a unix socket: the null world, records in memory.
#include "server/environment_service.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/proto_time.h"
#include "env/null/null_environment.h"
#include "gtest/gtest.h"
#include "proctor/v1/environment_service.grpc.pb.h"
#include "server/auth/tenant_accounts.h"
#include "server/auth/tenant_quotas.h"
#include "server/episode_recorder.h"
#include "storage/memory_blob_store.h"
#include "storage/memory_database.h"
#include "trajectory/trajectory_store.h"
#include "tests/env/fakes.h"

namespace proctor::server {
namespace {

// Results come at once: the episode as the store has it, READY.
class InstantResults final : public EpisodeSource {
 public:
  explicit InstantResults(trajectory::EpisodeStore& episodes) : episodes_(episodes) {}
  // One wait: whether for oracles alone, and how long at most.
  struct Asked {
    bool for_oracles;
    absl::Duration max_wait;
    bool operator==(const Asked&) const = default;
  };

  void Wait(CallContext context, const std::string& name, absl::Duration max_wait, Done done) override {
    Answer(std::move(context), name, {false, max_wait}, std::move(done));
  }
  void WaitForOracles(CallContext context, const std::string& name, absl::Duration max_wait, Done done) override {
    Answer(std::move(context), name, {true, max_wait}, std::move(done));
  }
  std::optional<Asked> last() const {
    MutexLock lock(mutex_);
    return last_;
  }

 private:
  void Answer(CallContext context, const std::string& name, Asked asked, Done done) {
    {
      MutexLock lock(mutex_);
      last_ = asked;
    }
    absl::StatusOr<v1::Episode> episode = episodes_.Get(context, name);
    if (episode.ok() && episode->state() == v1::EPISODE_STATE_CLOSED) {
      episode->set_result_state(v1::RESULT_STATE_READY);
    }
    done(std::move(episode));
  }

  trajectory::EpisodeStore& episodes_;
  mutable Mutex mutex_;
  std::optional<Asked> last_ ABSL_GUARDED_BY(mutex_);
};

class EnvironmentServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/proctor-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    database_ = *storage::NewMemoryDatabase();
    blobs_ = storage::NewMemoryBlobStore();
    archive_ = *trajectory::Archive::Open(*database_, *blobs_, SystemClock());
    StartServer();
  }
  void TearDown() override {
    StopServer();
    std::filesystem::remove_all(directory_);
  }

  // A server with the records of the one before it.
  void StartServer() {
    pool_ = std::make_unique<ThreadPool>("test", 4);
    recorder_ = std::make_unique<trajectory::Recorder>(*archive_);
    replays_ = std::make_unique<trajectory::ReplayStore>(*archive_);
    episodes_ = std::make_unique<trajectory::EpisodeStore>(*archive_);
    sink_ = std::make_unique<EpisodeRecorder>(*recorder_, *replays_, *blobs_);
    results_ = std::make_unique<InstantResults>(*episodes_);
    sessions_ = std::make_unique<env::SessionManager>(
        env::SessionManagerOptions{},
        env::SessionParts{*pool_, timers_, SystemClock(), *sink_, host_, {}});
    sessions_->Register("null", null_, 2);
    service_ = MakeEnvironmentService({*sessions_, *episodes_, *results_, *sink_, *pool_, quotas_.get()});
    const std::string address = "unix:" + directory_ + "/socket";
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = v1::EnvironmentService::NewStub(
        grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  }
  void StopServer() {
    sessions_->StopAdmitting();
    std::promise<void> closed;
    sessions_->CloseAll("the server is shutting down", v1::END_REASON_SERVER_FAULT,
                        [&] { closed.set_value(); });
    closed.get_future().wait();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
    server_->Wait();
    pool_.reset();  // As in the server: streams' ends are still to run, and use the service.
    service_.reset();
    sessions_.reset();
  }

  // A server with quotas, all of them the default tenant's.
  void StartAgainWith(const v1::TenantQuota& quota) {
    StopServer();
    v1::QuotaConfig config;
    *config.mutable_otherwise() = quota;
    accounts_ = *TenantAccounts::Open(CallContext(), {*database_, accounts_pool_, quota_clock_});
    quotas_ = std::make_unique<TenantQuotas>(config, *accounts_, quota_clock_);
    StartServer();
  }

  struct Context : grpc::ClientContext {
    Context() { set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30)); }
  };

  v1::Session Create(const std::string& request_id = "") {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    request.set_request_id(request_id);
    v1::Session session;
    Context context;
    const grpc::Status status = stub_->CreateSession(&context, request, &session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return session;
  }
  grpc::Status Start(const std::string& session, v1::EpisodeStart* start) {
    v1::StartEpisodeRequest request;
    request.set_session(session);
    request.set_request_id("start");
    request.mutable_inline_task()->set_goal("click");
    Context context;
    return stub_->StartEpisode(&context, request, start);
  }
  grpc::Status Step(const v1::StepRequest& request, v1::StepResponse* response) {
    Context context;
    return stub_->Step(&context, request, response);
  }
  static v1::StepRequest Click(const std::string& session, const std::string& id = "") {
    v1::StepRequest request;
    request.set_session(session);
    request.set_request_id(id);
    request.mutable_action()->mutable_click()->mutable_target()->set_mark(1);
    return request;
  }
  static v1::StepRequest Answer(const std::string& session) {
    v1::StepRequest request;
    request.set_session(session);
    request.mutable_action()->mutable_answer()->set_text("42");
    return request;
  }

  std::string directory_;
  std::unique_ptr<ThreadPool> pool_;
  TimerQueue timers_;
  env::NullEnvironment null_;
  env::FakeHost host_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<storage::BlobStore> blobs_;
  std::unique_ptr<trajectory::Archive> archive_;
  SimulatedClock quota_clock_;
  std::unique_ptr<TenantAccounts> accounts_;
  // Goes before the accounts, and runs what they posted.
  ThreadPool accounts_pool_{"account", 1};
  std::unique_ptr<TenantQuotas> quotas_;
  std::unique_ptr<trajectory::Recorder> recorder_;
  std::unique_ptr<trajectory::ReplayStore> replays_;
  std::unique_ptr<trajectory::EpisodeStore> episodes_;
  std::unique_ptr<EpisodeRecorder> sink_;
  std::unique_ptr<InstantResults> results_;
  std::unique_ptr<env::SessionManager> sessions_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::EnvironmentService::Stub> stub_;
};

TEST_F(EnvironmentServiceTest, RunsAnEpisodeFromSessionToRecord) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  v1::StepResponse step;
  ASSERT_TRUE(Step(Click(session.name()), &step).ok());
  EXPECT_EQ(step.step_index(), 0);
  ASSERT_TRUE(Step(Answer(session.name()), &step).ok());
  EXPECT_TRUE(step.terminated());
  EXPECT_EQ(step.episode().result_state(), v1::RESULT_STATE_READY);
  const auto record = trajectory::TrajectoryStore(*archive_).Get(CallContext(), start.episode().trajectory());
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_TRUE(record->closed());
  EXPECT_EQ(record->steps_size(), 2);
  EXPECT_EQ(record->evidence_size(), 2);
  Context context;
  v1::GetEpisodeRequest get;
  get.set_name(start.episode().name());
  v1::Episode episode;
  ASSERT_TRUE(stub_->GetEpisode(&context, get, &episode).ok());
  EXPECT_EQ(episode.end_reason(), v1::END_REASON_ANSWERED);
}

TEST_F(EnvironmentServiceTest, ATerminalStepWaitsForOraclesUnlessItSaysHowLong) {
  using Asked = InstantResults::Asked;
  const struct {
    std::optional<int> seconds;
    Asked asked;
  } cases[] = {{std::nullopt, {true, absl::Seconds(5)}},
               {2, {false, absl::Seconds(2)}},
               {0, {false, absl::ZeroDuration()}},
               {-1, {false, absl::ZeroDuration()}},
               {100'000, {false, absl::Minutes(10)}}};
  const v1::Session session = Create();
  for (const auto& each : cases) {
    v1::StartEpisodeRequest start;
    start.set_session(session.name());
    start.mutable_inline_task()->set_goal("answer");
    v1::EpisodeStart started;
    Context context;
    ASSERT_TRUE(stub_->StartEpisode(&context, start, &started).ok());
    v1::StepRequest request = Answer(session.name());
    if (each.seconds) request.mutable_wait_for_verdict()->set_seconds(*each.seconds);
    v1::StepResponse response;
    ASSERT_TRUE(Step(request, &response).ok());
    EXPECT_EQ(results_->last(), each.asked) << each.seconds.value_or(-99);
  }
}

TEST_F(EnvironmentServiceTest, SendsTheRetryHintWhenFull) {
  Create();
  Create();
  v1::CreateSessionRequest request;
  request.set_environment("environments/null");
  v1::Session session;
  Context context;
  const grpc::Status status = stub_->CreateSession(&context, request, &session);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(status.error_details().find("google.rpc.RetryInfo"), std::string::npos);
  EXPECT_EQ(context.GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 1u);
}

TEST_F(EnvironmentServiceTest, AnswersARetriedStepAfterARestart) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  v1::StepResponse first;
  ASSERT_TRUE(Step(Click(session.name(), "one"), &first).ok());
  StopServer();
  StartServer();
  v1::StepResponse again;
  ASSERT_TRUE(Step(Click(session.name(), "one"), &again).ok());
  EXPECT_EQ(again.observation().url(), first.observation().url());
  EXPECT_EQ(Step(Click(session.name(), "two"), &again).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Step(Answer(session.name()), &again).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(EnvironmentServiceTest, AnswersARetriedStartAfterARestart) {
  const v1::Session session = Create();
  v1::StartEpisodeRequest request;
  request.set_session(session.name());
  request.set_request_id("start");
  request.mutable_inline_task()->set_goal("g");
  const auto start = [&](v1::EpisodeStart* answer) {
    Context context;
    return stub_->StartEpisode(&context, request, answer);
  };
  v1::EpisodeStart first, again;
  ASSERT_TRUE(start(&first).ok());
  StopServer();
  StartServer();
  ASSERT_TRUE(start(&again).ok());
  EXPECT_EQ(again.episode().name(), first.episode().name());
  EXPECT_EQ(again.observation().url(), first.observation().url());
  EXPECT_EQ(again.goal(), "g");
  request.mutable_inline_task()->set_goal("another");
  EXPECT_EQ(start(&again).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_request_id("never used");
  EXPECT_EQ(start(&again).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(EnvironmentServiceTest, AnswersARetriedEndAfterARestart) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  v1::EndEpisodeRequest request;
  request.set_session(session.name());
  request.set_request_id("end");
  request.set_end(v1::CLIENT_END_DONE);
  v1::Episode episode;
  {
    Context context;
    ASSERT_TRUE(stub_->EndEpisode(&context, request, &episode).ok());
  }
  StopServer();
  StartServer();
  v1::Episode again;
  Context context;
  ASSERT_TRUE(stub_->EndEpisode(&context, request, &again).ok());
  EXPECT_EQ(again.name(), start.episode().name());
  EXPECT_EQ(again.end_reason(), v1::END_REASON_CLIENT_DONE);
}

TEST_F(EnvironmentServiceTest, ARequestIdThatWasNeverUsedEndsNothingAfterARestart) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  v1::EndEpisodeRequest request;
  request.set_session(session.name());
  request.set_request_id("end");
  request.set_end(v1::CLIENT_END_DONE);
  v1::Episode episode;
  {
    Context context;
    ASSERT_TRUE(stub_->EndEpisode(&context, request, &episode).ok());
  }
  StopServer();
  StartServer();
  request.set_request_id("another");
  Context context;
  EXPECT_EQ(stub_->EndEpisode(&context, request, &episode).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(EnvironmentServiceTest, ARetriedLastStepTellsItsEndingAfterARestart) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  v1::StepResponse first;
  v1::StepRequest request = Answer(session.name());
  request.set_request_id("last");
  ASSERT_TRUE(Step(request, &first).ok());
  StopServer();
  StartServer();
  v1::StepResponse again;
  const grpc::Status status = Step(request, &again);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(again.terminated());
  EXPECT_EQ(again.step_index(), first.step_index());
  EXPECT_EQ(again.episode().name(), start.episode().name());
  EXPECT_EQ(again.episode().end_reason(), v1::END_REASON_ANSWERED);
  EXPECT_EQ(again.episode().result_state(), v1::RESULT_STATE_READY);
}

TEST_F(EnvironmentServiceTest, ARetriedStepTellsThatTheServerStoppedAfterIt) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  v1::StepResponse step;
  ASSERT_TRUE(Step(Click(session.name(), "one"), &step).ok());
  ASSERT_TRUE(Step(Click(session.name(), "two"), &step).ok());
  EXPECT_FALSE(step.has_episode());
  StopServer();
  StartServer();
  ASSERT_TRUE(Step(Click(session.name(), "one"), &step).ok());
  EXPECT_EQ(step.step_index(), 0);
  EXPECT_FALSE(step.interrupted());
  EXPECT_FALSE(step.has_episode());
  ASSERT_TRUE(Step(Click(session.name(), "two"), &step).ok());
  EXPECT_EQ(step.step_index(), 1);
  EXPECT_TRUE(step.interrupted());
  EXPECT_EQ(step.episode().name(), start.episode().name());
}

TEST_F(EnvironmentServiceTest, AClosedSessionStillAnswersRetries) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  v1::StepRequest request = Answer(session.name());
  request.set_request_id("last");
  v1::StepResponse step;
  ASSERT_TRUE(Step(request, &step).ok());
  {
    v1::CloseSessionRequest close;
    close.set_name(session.name());
    v1::Session closed;
    Context context;
    ASSERT_TRUE(stub_->CloseSession(&context, close, &closed).ok());
  }
  v1::StepResponse again;
  ASSERT_TRUE(Step(request, &again).ok());
  EXPECT_TRUE(again.terminated());
  EXPECT_EQ(Step(Click(session.name(), "new"), &again).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(EnvironmentServiceTest, TellsAnEndAsTheStoreHasIt) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  v1::StepRequest request = Answer(session.name());
  request.set_request_id("last");
  v1::StepResponse step;
  ASSERT_TRUE(Step(request, &step).ok());
  EXPECT_TRUE(step.terminated());
  const auto closed = episodes_->Update(CallContext(), start.episode().name(), [](v1::Episode& row) {
    row.set_end_kind(v1::END_KIND_INTERRUPTED);
    row.set_end_reason(v1::END_REASON_SERVER_FAULT);
    return absl::OkStatus();
  });
  ASSERT_TRUE(closed.ok()) << closed.status();
  v1::StepResponse again;
  ASSERT_TRUE(Step(request, &again).ok());
  EXPECT_EQ(again.episode().end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_TRUE(again.interrupted());
  EXPECT_FALSE(again.terminated());
}

TEST_F(EnvironmentServiceTest, ARetriedStartIsAnsweredThoughTheStorageIsSpent) {
  v1::TenantQuota quota;
  quota.set_storage_bytes(1'000'000);
  StartAgainWith(quota);
  const v1::Session session = Create();
  v1::EpisodeStart first, again;
  ASSERT_TRUE(Start(session.name(), &first).ok());
  accounts_->AddKept(kDefaultTenant, 1'000'000);
  const grpc::Status retried = Start(session.name(), &again);
  EXPECT_TRUE(retried.ok()) << retried.error_message();
  EXPECT_EQ(again.episode().name(), first.episode().name());
  v1::StepResponse step;
  ASSERT_TRUE(Step(Answer(session.name()), &step).ok());
  v1::StartEpisodeRequest next;
  next.set_session(session.name());
  next.mutable_inline_task()->set_goal("click");
  Context context;
  EXPECT_EQ(stub_->StartEpisode(&context, next, &again).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(EnvironmentServiceTest, ListsSessionsInPages) {
  const v1::Session first = Create();
  const v1::Session second = Create();
  v1::ListSessionsRequest request;
  request.set_page_size(1);
  v1::ListSessionsResponse page;
  {
    Context context;
    ASSERT_TRUE(stub_->ListSessions(&context, request, &page).ok());
  }
  ASSERT_EQ(page.sessions_size(), 1);
  request.set_page_token(page.next_page_token());
  v1::ListSessionsResponse rest;
  Context context;
  ASSERT_TRUE(stub_->ListSessions(&context, request, &rest).ok());
  ASSERT_EQ(rest.sessions_size(), 1);
  EXPECT_EQ(rest.next_page_token(), "");
  EXPECT_NE(rest.sessions(0).name(), page.sessions(0).name());
}

// Clients may send any token, also one that no page gave.
TEST_F(EnvironmentServiceTest, APageTokenThatNoPageGaveIsRefusedOrAPlaceInTheList) {
  const v1::Session one = Create();
  const v1::Session other = Create();
  const auto [first, second] = std::minmax(one.name(), other.name());
  const auto list = [&](const std::string& token, v1::ListSessionsResponse& page) {
    v1::ListSessionsRequest request;
    request.set_page_token(token);
    Context context;
    return stub_->ListSessions(&context, request, &page);
  };
  for (const std::string& token :
       {std::string("x"), std::string("sessions"), std::string("sessions/"), std::string("sessions/../a"), std::string("sessions/a/b"),
        std::string("sessions/a\0b", 12), std::string("sessions/\xC3\xA9"), std::string("sessions/-a"), std::string("tasks/a"),
        "sessions/" + std::string(129, 'a'), std::string(1 << 20, '9')}) {
    v1::ListSessionsResponse page;
    const grpc::Status status = list(token, page);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << token.substr(0, 200);
    EXPECT_LE(status.error_message().size(), 300u);
    EXPECT_EQ(page.sessions_size(), 0);
  }
  // Of names: what sorts before it follows.
  for (const auto& [token, sessions] : {std::pair<std::string, int>("sessions/zzzz", 2), {second + "0", 2}, {second, 1}, {first, 0},
                                        {"sessions/0", 0}}) {
    v1::ListSessionsResponse page;
    const grpc::Status status = list(token, page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(page.sessions_size(), sessions) << token;
    EXPECT_EQ(page.next_page_token(), "");
  }
}

TEST_F(EnvironmentServiceTest, ActAnswersPipelinedVerbsInOrderAndErrorsInside) {
  Context context;
  const auto stream = stub_->Act(&context);
  v1::ActRequest request;
  request.set_tag(1);
  request.mutable_create_session()->set_environment("environments/null");
  ASSERT_TRUE(stream->Write(request));
  request.set_tag(2);
  request.mutable_start_episode()->mutable_inline_task()->set_goal("click");
  ASSERT_TRUE(stream->Write(request));
  for (int i = 0; i < 10; ++i) {
    request.set_tag(3 + i);
    *request.mutable_step() = Click("");
    // One in the middle is wrong: its reply says so, the rest goes on.
    if (i == 5) request.mutable_step()->set_expected_step_index(99);
    ASSERT_TRUE(stream->Write(request));
  }
  request.set_tag(13);
  *request.mutable_step() = Answer("");
  ASSERT_TRUE(stream->Write(request));
  stream->WritesDone();
  std::vector<v1::ActResponse> replies;
  v1::ActResponse reply;
  while (stream->Read(&reply)) replies.push_back(reply);
  EXPECT_TRUE(stream->Finish().ok());
  ASSERT_EQ(replies.size(), 13u);
  for (size_t i = 0; i < replies.size(); ++i) EXPECT_EQ(replies[i].tag(), static_cast<int64_t>(i) + 1);
  EXPECT_TRUE(replies[0].has_session());
  EXPECT_TRUE(replies[1].has_episode_start());
  EXPECT_EQ(replies[7].error().code(), static_cast<int>(grpc::StatusCode::ABORTED));
  EXPECT_EQ(replies[11].step().step_index(), 8);
  EXPECT_TRUE(replies[12].step().terminated());
  EXPECT_EQ(replies[12].step().episode().result_state(), v1::RESULT_STATE_READY);
}

TEST_F(EnvironmentServiceTest, ASecondActTakesTheSessionOver) {
  const v1::Session session = Create();
  v1::ActRequest attach;
  attach.mutable_attach()->set_session(session.name());
  v1::ActResponse reply;
  Context first_context;
  const auto first = stub_->Act(&first_context);
  ASSERT_TRUE(first->Write(attach));
  ASSERT_TRUE(first->Read(&reply));
  Context second_context;
  const auto second = stub_->Act(&second_context);
  ASSERT_TRUE(second->Write(attach));
  ASSERT_TRUE(second->Read(&reply));
  EXPECT_TRUE(reply.has_session());
  EXPECT_FALSE(first->Read(&reply));
  EXPECT_EQ(first->Finish().error_code(), grpc::StatusCode::ABORTED);
  second->WritesDone();
  EXPECT_FALSE(second->Read(&reply));
  EXPECT_TRUE(second->Finish().ok());
}

TEST_F(EnvironmentServiceTest, HalfCloseDoesNotEndTheEpisode) {
  const v1::Session session = Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(Start(session.name(), &start).ok());
  Context context;
  const auto stream = stub_->Act(&context);
  v1::ActRequest attach;
  attach.mutable_attach()->set_session(session.name());
  ASSERT_TRUE(stream->Write(attach));
  stream->WritesDone();
  v1::ActResponse reply;
  while (stream->Read(&reply)) {
  }
  EXPECT_TRUE(stream->Finish().ok());
  v1::StepResponse step;
  EXPECT_TRUE(Step(Click(session.name()), &step).ok());
}

TEST_F(EnvironmentServiceTest, ActWithoutASessionIsAnErrorInsideTheReply) {
  Context context;
  const auto stream = stub_->Act(&context);
  v1::ActRequest request;
  *request.mutable_step() = Click("");
  ASSERT_TRUE(stream->Write(request));
  v1::ActResponse reply;
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_EQ(reply.error().code(), static_cast<int>(grpc::StatusCode::FAILED_PRECONDITION));
  request.mutable_attach()->set_session("sessions/none");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_EQ(reply.error().code(), static_cast<int>(grpc::StatusCode::NOT_FOUND));
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_TRUE(stream->Finish().ok());
}

}  // namespace
}  // namespace proctor::server
