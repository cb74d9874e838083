// What the audit log of a real server tells of calls.
#include <sys/stat.h>

#include "common/json.h"
#include "gmock/gmock.h"
#include "proctor/v1/reward_service.grpc.pb.h"
#include "tests/server/tenants_fixture.h"

namespace proctor::server {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

class ProctordAuditTest : public TenantsFixture {};

TEST_F(ProctordAuditTest, AFloodOfStrangersLeavesTheAuditLogToOthers) {
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

TEST_F(ProctordAuditTest, TheAuditLogTellsWhoDidWhat) {
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

TEST_F(ProctordAuditTest, AStreamsVerbsAreInTheAuditLogWithoutStepsIfTheyAreLeftOut) {
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

TEST_F(ProctordAuditTest, AStreamOfRewardsIsInTheAuditLog) {
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

}  // namespace
}  // namespace proctor::server
