// What tenants of a real server may use, and that it is theirs alone.
#include "gmock/gmock.h"
#include "proctor/v1/job_service.grpc.pb.h"
#include "proctor/v1/task_service.grpc.pb.h"
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "tests/server/tenants_fixture.h"

namespace proctor::server {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

class ProctordQuotasTest : public TenantsFixture {};

TEST_F(ProctordQuotasTest, QuotasOfOneTenantAreNotAnothers) {
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

TEST_F(ProctordQuotasTest, ARetriedStepCostsNoneOfTheStepsAMinute) {
  ASSERT_NO_FATAL_FAILURE(Start("quotas: {tenants: {alpha: {steps_per_minute: 2}}}\n"));
  const Client anna = As("anna");
  const v1::Session session = anna.Create();
  v1::EpisodeStart start;
  ASSERT_TRUE(anna.Start(session.name(), start).ok());
  const auto step = [&](const std::string& id) {
    v1::StepRequest request;
    request.set_session(session.name());
    request.set_request_id(id);
    request.mutable_action()->mutable_noop();
    v1::StepResponse response;
    return anna.worlds().Step(anna.Context().get(), request, &response);
  };
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(step("one").ok()) << i;
  EXPECT_TRUE(step("two").ok());
  EXPECT_EQ(step("three").error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(step("one").ok());
}

TEST_F(ProctordQuotasTest, WorldsOfACrawlCountToItsTenant) {
  server_.Write("tokens.yaml", "tokens:\n" + GuardedProctord::Token("pete", "act, propose", ", tenant: alpha") +
                                   GuardedProctord::Token("paul", "act, propose", ", tenant: beta"));
  ASSERT_NO_FATAL_FAILURE(server_.Start("auth: {tokens_file: " + server_.tokens_file() +
                                        "}\nquotas: {tenants: {alpha: {session_weight: 0.01}}}\n"));
  // How a crawl ends while its tenant has a session. The null environment has no pages.
  const auto crawl = [](const Client& client) {
    client.Create();
    v1::ProposeTasksRequest request;
    request.set_count(1);
    request.mutable_crawl()->set_start_url("http://sights.example/");
    request.mutable_crawl()->set_environment("environments/null");
    request.mutable_crawl()->mutable_delay()->set_seconds(0);
    v1::Job job;
    const grpc::Status status = v1::TaskService::NewStub(client.channel())->ProposeTasks(client.Context().get(), request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    v1::WatchJobRequest watch;
    watch.set_name(job.name());
    const auto context = client.Context();
    const auto jobs = v1::JobService::NewStub(client.channel());
    const auto stream = jobs->WatchJob(context.get(), watch);
    while (stream->Read(&job)) {
    }
    return job;
  };
  const v1::Job spent = crawl(As("pete"));
  EXPECT_EQ(spent.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(spent.error_message(), HasSubstr("session_weight of tenant `alpha`"));
  EXPECT_THAT(crawl(As("paul")).error_message(), HasSubstr("the start page cannot be had"));
}

TEST_F(ProctordQuotasTest, StorageEndsWhatRunsAndRefusesTheNextEpisodeUntilSomethingIsDeleted) {
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
  EXPECT_TRUE(Comes([&] {  // Only what is judged can be deleted.
    deleted = trajectories->DeleteTrajectory(root.Context().get(), remove, &removed);
    return deleted.error_code() != StatusCode::FAILED_PRECONDITION;
  }));
  ASSERT_TRUE(deleted.ok()) << deleted.error_message();
  EXPECT_TRUE(Comes([&] { return anna.Start(session.name(), start).ok(); }));
}

TEST_F(ProctordQuotasTest, ARecordingStopsAtItsTenantsStorage) {
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

TEST_F(ProctordQuotasTest, VerbsOfAStreamAreCallsToo) {
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

TEST_F(ProctordQuotasTest, CallsAMinuteAreLimitedAtTheDoor) {
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

}  // namespace
}  // namespace proctor::server
