// Health, readiness and metrics of the real server.
#include <grpcpp/completion_queue.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/proctord_fixture.h"
#include "tests/server/proctord_http.h"

namespace proctor::server {
namespace {

using testing::HasSubstr;

class ProctordMetricsTest : public ProctordTest {
 protected:
  void StartWithHttp() {
    std::ofstream(server_.config(), std::ios::app) << kHttpConfig;
    Start();
    if (!HasFatalFailure()) http_.emplace(server_);
  }

  net::FetchReply Get(const std::string& path) { return http_->Get(path); }
  std::map<std::string, MetricText> Scrape() { return http_->Scrape(); }

  std::optional<ProctordHttp> http_;
};

TEST_F(ProctordMetricsTest, StreamsInBothDirectionsAreCounted) {
  ASSERT_NO_FATAL_FAILURE(StartWithHttp());
  const std::string session = MakeSession();
  const auto count = [&](const char* name, const std::map<std::string, std::string>& labels) { return ValueOf(Scrape(), name, labels); };
  {
    ClientContext context;
    const auto stream = worlds_->Act(&context);
    v1::ActRequest request;
    request.mutable_attach()->set_session(session);
    v1::ActResponse response;
    ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
    EXPECT_EQ(count("proctor_rpcs_in_flight", {{"method", "EnvironmentService/Act"}}), 1);
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
  EXPECT_EQ(count("proctor_rpcs_in_flight", {{"method", "EnvironmentService/Act"}}), 0);
  EXPECT_EQ(count("proctor_rpcs_total", {{"method", "EnvironmentService/Act"}, {"code", "OK"}}), 1);
  {
    ClientContext context;
    const auto stream = rewards_->StreamRewards(&context);
    v1::StreamRewardsRequest request;
    request.set_consumer("consumers/none");
    request.set_credits(1);
    stream->Write(request);
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  }
  EXPECT_EQ(count("proctor_rpcs_total", {{"method", "RewardService/StreamRewards"}, {"code", "NOT_FOUND"}}), 1);
}

TEST_F(ProctordMetricsTest, AScriptedEpisodeIsCounted) {
  ASSERT_NO_FATAL_FAILURE(StartWithHttp());
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/readyz").body, "ready\n");
  MakeConsumer();
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  for (int i = 0; i < 3; ++i) Act(session, Click());
  EXPECT_EQ(Act(session, Answer("42")).episode().reward().status(), v1::REWARD_STATUS_VALID);
  v1::EndEpisodeRequest cancel;
  cancel.set_session(session);
  cancel.set_end(v1::CLIENT_END_CANCEL);
  const v1::Episode cancelled = StartEpisode(session, MakeTask());
  {
    ClientContext context;
    v1::Episode ended;
    ASSERT_TRUE(worlds_->EndEpisode(&context, cancel, &ended).ok());
    WaitEpisode(cancelled.name());
  }
  {
    ClientContext context;
    v1::StepRequest bad;
    bad.set_session("sessions/none");
    v1::StepResponse response;
    EXPECT_EQ(worlds_->Step(&context, bad, &response).error_code(), grpc::StatusCode::NOT_FOUND);
  }

  const auto metrics = Scrape();
  const auto rpc = [&](const char* method, const char* code) {
    return ValueOf(metrics, "proctor_rpcs_total", {{"method", method}, {"code", code}});
  };
  EXPECT_EQ(rpc("EnvironmentService/Step", "OK"), 4);
  EXPECT_EQ(rpc("EnvironmentService/Step", "NOT_FOUND"), 1);
  EXPECT_EQ(rpc("EnvironmentService/StartEpisode", "OK"), 2);
  EXPECT_EQ(ValueOf(metrics, "proctor_rpc_seconds_count", {{"method", "EnvironmentService/Step"}}), 5);
  EXPECT_EQ(ValueOf(metrics, "proctor_rpcs_in_flight", {{"method", "EnvironmentService/Step"}}), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_sessions_open", {{"environment", "null"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_sessions_max", {{"environment", "null"}}), 1000);
  for (const char* phase : {"queue", "record", "total"}) {
    EXPECT_EQ(ValueOf(metrics, "proctor_step_phase_seconds_count", {{"environment", "null"}, {"phase", phase}}), 4) << phase;
  }
  EXPECT_EQ(ValueOf(metrics, "proctor_episodes_total", {{"environment", "null"}, {"reason", "answered"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_episodes_total", {{"environment", "null"}, {"reason", "cancelled"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_verdicts_total", {{"evaluator", "evaluators/oracle"}, {"outcome", "success"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_rewards_total", {{"status", "valid"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_rewards_total", {{"status", "masked"}, {"reason", "client"}}), 1);
  EXPECT_EQ(ValueOf(metrics, "proctor_reward_log_end"), 2);
  EXPECT_EQ(ValueOf(metrics, "proctor_consumer_lag_records", {{"consumer", "trainer"}}), 2);
  EXPECT_GT(ValueOf(metrics, "proctor_consumer_lag_seconds", {{"consumer", "trainer"}}), 0);
  EXPECT_EQ(ValueOf(metrics, "proctor_consumer_connected", {{"consumer", "trainer"}}), 0);
  EXPECT_GE(ValueOf(metrics, "proctor_store_commit_seconds_count"), 8);
  EXPECT_GT(ValueOf(metrics, "proctor_store_bytes", {{"file", "database"}}), 0);
  EXPECT_GT(ValueOf(metrics, "proctor_store_free_bytes"), 0);
  EXPECT_GT(ValueOf(metrics, "proctor_pool_tasks_total", {{"pool", "rpc"}}), 8);
  EXPECT_EQ(ValueOf(metrics, "proctor_ready"), 1);
  EXPECT_TRUE(std::isnan(ValueOf(metrics, "proctor_browsers")));

  // Whoever waits for an episode is answered a moment before it is done with.
  EXPECT_TRUE(Comes([&] { return ValueOf(Scrape(), "proctor_episodes_pending") == 0; }));
  Read(2, /*acknowledge=*/true);
  EXPECT_EQ(ValueOf(Scrape(), "proctor_consumer_lag_records", {{"consumer", "trainer"}}), 0);
  EXPECT_EQ(ValueOf(Scrape(), "proctor_consumer_lag_seconds", {{"consumer", "trainer"}}), 0);
}

TEST_F(ProctordMetricsTest, WhatTheOperationsPageNamesIsTold) {
  std::ofstream(server_.config(), std::ios::app) << "traces: {directory: " << directory_.path() << "/traces}\n";
  ASSERT_NO_FATAL_FAILURE(StartWithHttp());
  const std::string session = MakeSession();
  StartEpisode(session, MakeTask());
  Act(session, Click());
  Act(session, Answer("42"));
  const auto metrics = Scrape();
  // Nothing fails here, and no browser, TLS or model is there: see MetricsTest.
  const std::set<std::string> elsewhere = {
      "proctor_browser_ends_total", "proctor_browser_messages_dropped_total", "proctor_browser_starts_total",
      "proctor_model_call_seconds", "proctor_model_calls_total", "proctor_model_cost_usd_total", "proctor_store_failures_total",
      "proctor_tls_certificate_expiry_timestamp_seconds"};
  std::ifstream file("docs/operations.md");
  const std::set<std::string> documented = MetricsOfTables(std::string(std::istreambuf_iterator<char>(file), {}));
  EXPECT_GE(documented.size(), 40u);
  for (const std::string& name : documented) EXPECT_TRUE(metrics.contains(name) || elsewhere.contains(name)) << name;
}

TEST_F(ProctordMetricsTest, ADrainingServerIsAliveButNotReady) {
  std::ofstream(server_.config(), std::ios::trunc) << "environments:\n"
                                                      "  web: {enabled: false}\n"
                                                      "  practice: {enabled: false}\n"
                                                      "shutdown_grace: 60s\n";
  ASSERT_NO_FATAL_FAILURE(StartWithHttp());
  v1::CreateSessionRequest request;
  request.set_environment("environments/null");
  request.mutable_settings()->mutable_null()->mutable_step_delay()->set_seconds(60);
  v1::Session session;
  {
    ClientContext context;
    ASSERT_TRUE(worlds_->CreateSession(&context, request, &session).ok());
  }
  StartEpisode(session.name(), MakeTask());
  // The drain waits for this step.
  v1::StepRequest step;
  step.set_session(session.name());
  *step.mutable_action() = Click();
  v1::StepResponse response;
  ClientContext context;
  grpc::CompletionQueue queue;
  auto slow = worlds_->AsyncStep(&context, step, &queue);
  grpc::Status status;
  slow->Finish(&response, &status, &slow);
  ASSERT_TRUE(Comes([&] { return ValueOf(Scrape(), "proctor_sessions_busy", {{"environment", "null"}}) == 1; }));
  server_.Signal(SIGTERM);
  net::FetchReply ready;
  EXPECT_TRUE(Comes([&] {
    ready = Get("/readyz");
    return ready.status != 200;
  }));
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("shutting down"));
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(ValueOf(Scrape(), "proctor_ready"), 0);
  server_.Kill();
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
}

TEST_F(ProctordMetricsTest, RefusedSessionsAreCounted) {
  std::ofstream(server_.config(), std::ios::trunc) << "environments:\n"
                                                      "  web: {enabled: false}\n"
                                                      "  practice: {enabled: false}\n"
                                                      "  \"null\": {max_sessions: 1}\n";
  ASSERT_NO_FATAL_FAILURE(StartWithHttp());
  MakeSession();
  v1::CreateSessionRequest request;
  request.set_environment("environments/null");
  v1::Session session;
  ClientContext context;
  EXPECT_EQ(worlds_->CreateSession(&context, request, &session).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ValueOf(Scrape(), "proctor_sessions_refused_total", {{"environment", "null"}}), 1);
}

TEST_F(ProctordMetricsTest, NothingListensUnlessToldTo) {
  ASSERT_NO_FATAL_FAILURE(Start());
  std::ifstream file(server_.data() + "/addresses.json");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(file), {}), HasSubstr("\"http\": \"\""));
}

TEST_F(ProctordMetricsTest, AnotherAddressThanLoopbackIsRefusedUnlessToldTwice) {
  std::vector<std::string> command = server_.Command();
  command.insert(command.end(), {"--http", "0.0.0.0:0", "--check-config"});
  std::string output;
  EXPECT_EQ(RunToEnd(command, &output), 2);
  EXPECT_THAT(output, HasSubstr("http.allow_remote"));
}

}  // namespace
}  // namespace proctor::server
