#include "env/session.h"

#include <future>

#include "common/proto_time.h"
#include "env/null/null_environment.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {
namespace {

class SessionTest : public testing::Test {
 protected:
  SessionTest() : fixture_(clock_) { fixture_.manager().Register("null", null_, 4); }

  std::string Open(const v1::NullSettings& settings = {}) {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    *request.mutable_settings()->mutable_null() = settings;
    const auto session = fixture_.Create(request);
    EXPECT_TRUE(session.ok()) << session.status();
    return session->name();
  }
  absl::StatusOr<v1::EpisodeStart> Start(const std::string& session, const v1::Limits& limits = {}) {
    v1::StartEpisodeRequest request;
    request.set_session(session);
    request.mutable_inline_task()->set_goal("do nothing");
    *request.mutable_limits() = limits;
    return fixture_.Start(request);
  }
  static v1::StepRequest Click(const std::string& session, int mark) {
    v1::StepRequest request;
    request.set_session(session);
    request.mutable_action()->mutable_click()->mutable_target()->set_mark(mark);
    return request;
  }

  SimulatedClock clock_;
  NullEnvironment null_;
  SessionFixture fixture_;
};

TEST_F(SessionTest, CutsAtTheTimeLimitEvenIfNobodyActs) {
  const std::string session = Open();
  v1::Limits limits;
  *limits.mutable_max_duration() = ToProto(absl::Seconds(20));
  const auto start = Start(session, limits);
  ASSERT_TRUE(start.ok()) << start.status();
  clock_.Advance(absl::Seconds(30));
  fixture_.manager().Tick();
  const auto told = fixture_.Step(Click(session, 1));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_TRUE(told->truncated());
  EXPECT_EQ(told->episode().end_reason(), v1::END_REASON_TIME_LIMIT);
  EXPECT_EQ(told->episode().agent_seconds(), 30);
  EXPECT_EQ(told->episode().server_seconds(), 0);
  EXPECT_EQ(fixture_.sink().record(start->episode().name()).steps.size(), 0u);
  EXPECT_EQ(fixture_.Step(Click(session, 1)).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SessionTest, TakesTheSmallerLimit) {
  const std::string session = Open();
  v1::Limits limits;
  limits.set_max_steps(1000);
  EXPECT_EQ(Start(session, limits)->episode().limits().max_steps(), 30);
}

TEST_F(SessionTest, WaitsWithoutHoldingAThreadAndIsInterruptedByClose) {
  // Four pool threads, four sessions that wait for half a minute each: the pool still answers.
  std::vector<std::string> sessions;
  std::vector<std::future<absl::StatusOr<v1::StepResponse>>> answers;
  for (int i = 0; i < 4; ++i) {
    sessions.push_back(Open());
    ASSERT_TRUE(Start(sessions.back()).ok());
    v1::StepRequest request;
    request.set_session(sessions.back());
    *request.mutable_action()->mutable_wait()->mutable_duration() = ToProto(absl::Seconds(30));
    auto promise = std::make_shared<std::promise<absl::StatusOr<v1::StepResponse>>>();
    answers.push_back(promise->get_future());
    (*fixture_.manager().Find(sessions.back()))
        ->Step(CallContext(), request, [promise](auto result) { promise->set_value(std::move(result)); });
  }
  const absl::Time begin = absl::Now();
  for (const std::string& session : sessions) ASSERT_TRUE(fixture_.Close(session).ok());
  for (auto& answer : answers) {
    const auto step = answer.get();
    ASSERT_TRUE(step.ok());
    EXPECT_TRUE(step->interrupted());
    EXPECT_EQ(step->episode().end_reason(), v1::END_REASON_CANCELLED);
  }
  EXPECT_LT(absl::Now() - begin, absl::Seconds(20));
}

TEST_F(SessionTest, AStepUnderWayIsLife) {
  v1::NullSettings settings;
  *settings.mutable_step_delay() = ToProto(absl::Milliseconds(300));
  const std::string session = Open(settings);
  ASSERT_TRUE(Start(session).ok());
  auto promise = std::make_shared<std::promise<absl::StatusOr<v1::StepResponse>>>();
  (*fixture_.manager().Find(session))
      ->Step(CallContext(), Click(session, 1), [promise](auto result) { promise->set_value(result); });
  clock_.Advance(absl::Minutes(5));
  fixture_.manager().Tick();
  EXPECT_TRUE(promise->get_future().get()->action().has_click());
  EXPECT_FALSE((*fixture_.manager().Find(session))->closed());
}

TEST_F(SessionTest, ACancelledCallDoesNotBeginAndABegunStepIsNotTorn) {
  const std::string session = Open();
  const auto start = Start(session);
  CallContext cancelled;
  cancelled.cancel()->Cancel();
  const auto step = Await<v1::StepResponse>([&](Done<v1::StepResponse> done) {
    (*fixture_.manager().Find(session))->Step(cancelled, Click(session, 1), std::move(done));
  });
  EXPECT_EQ(step.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(fixture_.sink().record(start->episode().name()).steps.size(), 0u);
}

TEST_F(SessionTest, AStepThatCannotBeRecordedInterruptsAsServerFault) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  fixture_.sink().set_fail(true);
  const auto step = fixture_.Step(Click(session, 1));
  ASSERT_TRUE(step.ok());
  EXPECT_TRUE(step->interrupted());
  EXPECT_EQ(step->episode().end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(step->episode().step_count(), 0);
}

TEST_F(SessionTest, GivesTheGroupPlaceBackWhenAnEpisodeCannotStart) {
  const std::string session = Open();
  v1::StartEpisodeRequest request;
  request.set_session(session);
  request.mutable_inline_task()->set_environment("environments/other");
  EXPECT_EQ(fixture_.Start(request).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fixture_.host().abandoned_count(), 1u);
  EXPECT_TRUE(Start(session).ok());
}

TEST_F(SessionTest, ParsesDialectsAndRecordsTheThought) {
  const std::string session = Open();
  const auto start = Start(session);
  v1::StepRequest request;
  request.set_session(session);
  request.mutable_agent_text()->set_dialect(v1::DIALECT_WEBVOYAGER);
  request.mutable_agent_text()->set_text("Thought: the first one.\nAction: Click [1]");
  const auto step = fixture_.Step(request);
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->action().click().target().mark(), 1);
  request.mutable_agent_text()->set_text("gibberish");
  const auto bad = fixture_.Step(request);
  ASSERT_TRUE(bad.ok());
  EXPECT_FALSE(bad->observation().action_error().empty());
  EXPECT_EQ(bad->step_index(), 1);
  const auto record = fixture_.sink().record(start->episode().name());
  ASSERT_EQ(record.steps.size(), 2u);
  EXPECT_EQ(record.steps[0].agent_data().thought(), "the first one.");
  EXPECT_FALSE(record.steps[1].has_action());
}

TEST_F(SessionTest, RefusesOversizedAgentData) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  v1::StepRequest request = Click(session, 1);
  request.mutable_agent_data()->set_raw_output(std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(fixture_.Step(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SessionTest, RedactsSecretsInRecords) {
  v1::Task task;
  task.mutable_start_state()->set_storage_state_json("{\"cookies\":[\"hunter2\"]}");
  (*task.mutable_start_state()->mutable_http_credentials())["https://a"].set_password("hunter2");
  const std::string bytes = Redacted(task).SerializeAsString();
  EXPECT_EQ(bytes.find("hunter2"), std::string::npos);
  EXPECT_NE(bytes.find("https://a"), std::string::npos);
}

}  // namespace
}  // namespace proctor::env
