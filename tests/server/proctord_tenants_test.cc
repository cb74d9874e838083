// What tenants of a real server see of each other: nothing.
#include "proctor/v1/trajectory_service.grpc.pb.h"
#include "storage/sqlite_database.h"
#include "tests/server/tenants_fixture.h"

namespace proctor::server {
namespace {

using grpc::StatusCode;

class ProctordTenantsTest : public TenantsFixture {};

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

TEST_F(ProctordTenantsTest, HowManyEpisodesASessionHasIsNotToldToOtherTenants) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const Client anna = As("anna");
  const v1::Session session = anna.Create();
  for (int i = 0; i < 2; ++i) {
    v1::EpisodeStart start;
    ASSERT_TRUE(anna.Start(session.name(), start).ok());
    ASSERT_TRUE(anna.Step(session.name(), "42").ok());
  }
  v1::ListEpisodesRequest request;
  request.set_session(session.name());
  request.set_page_size(1);
  const auto list = [&](const char* name) {
    const Client client = As(name);
    v1::ListEpisodesResponse response;
    const grpc::Status status = client.worlds().ListEpisodes(client.Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  };
  for (const char* name : {"anna", "root", ""}) {
    EXPECT_EQ(list(name).episodes_size(), 1) << name;
    EXPECT_NE(list(name).next_page_token(), "") << name;
  }
  for (const char* name : {"ben", "carl"}) {
    EXPECT_EQ(list(name).episodes_size(), 0) << name;
    EXPECT_EQ(list(name).next_page_token(), "") << name;
  }
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

// Jobs begin by tenants in turn.
TEST_F(ProctordTenantsTest, ImportsAndExportsAreTheirCallersTenants) {
  ASSERT_NO_FATAL_FAILURE(Start());
  const Client olga = As("olga");
  const auto trajectories = v1::TrajectoryService::NewStub(olga.channel());
  v1::ExportTrajectoriesRequest wanted;
  wanted.set_folder("out");
  v1::Job exporting;
  ASSERT_TRUE(trajectories->ExportTrajectories(olga.Context().get(), wanted, &exporting).ok());
  v1::ImportTrajectoriesRequest given;
  given.set_folder("in");
  v1::Job importing;
  ASSERT_TRUE(trajectories->ImportTrajectories(olga.Context().get(), given, &importing).ok());
  EXPECT_EQ(server_.Stop(SIGTERM), 0);
  const auto database = storage::OpenSqliteDatabase({.directory = server_.data()});
  ASSERT_TRUE(database.ok()) << database.status();
  std::map<std::string, std::string> tenants;
  const absl::Status read = (*database)->Read(CallContext(), [&](storage::Transaction& transaction) -> absl::Status {
    const auto rows = transaction.Query("SELECT job, tenant FROM auth_jobs", {});
    if (!rows.ok()) return rows.status();
    for (const storage::Row& row : *rows) tenants[row.Text(0)] = row.Text(1);
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(tenants, (std::map<std::string, std::string>{{exporting.name(), "alpha"}, {importing.name(), "alpha"}}));
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

}  // namespace
}  // namespace proctor::server
