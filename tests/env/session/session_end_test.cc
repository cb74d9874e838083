// How a session's episodes end, and whose time they took.
#include <future>

#include "common/proto_time.h"
#include "env/session.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/session/null_sessions.h"

namespace proctor::env {
namespace {

class SessionEndTest : public NullSessionTest {};

TEST_F(SessionEndTest, CutsAtTheTimeLimitEvenIfNobodyActs) {
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

TEST_F(SessionEndTest, CollectingEvidenceIsNobodysTime) {
  const std::string session = OpenBudget();
  v1::Limits limits;
  *limits.mutable_max_duration() = ToProto(absl::Seconds(20));
  ASSERT_TRUE(Start(session, limits).ok());
  budget_.BeforeCollecting([this](const CallContext&) { clock_.Advance(absl::Seconds(40)); });
  clock_.Advance(absl::Seconds(30));
  fixture_.manager().Tick();
  const auto told = fixture_.Step(Click(session, 1));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->episode().end_reason(), v1::END_REASON_TIME_LIMIT);
  EXPECT_EQ(told->episode().agent_seconds(), 30);
  EXPECT_EQ(told->episode().server_seconds(), 0);
}

TEST_F(SessionEndTest, ALeaseDoesNotEndWhileAnEpisodeIsCutAtItsTimeLimit) {
  const std::string session = OpenBudget();
  v1::Limits limits;
  *limits.mutable_max_duration() = ToProto(absl::Seconds(20));
  ASSERT_TRUE(Start(session, limits).ok());
  std::promise<void> collecting;
  std::promise<void> may_go_on;
  budget_.BeforeCollecting([&](const CallContext&) {
    collecting.set_value();
    may_go_on.get_future().wait();
  });
  clock_.Advance(absl::Seconds(30));
  fixture_.manager().Tick();
  collecting.get_future().wait();
  // A drain waits for it, too.
  EXPECT_TRUE((*fixture_.manager().Find(session))->busy());
  clock_.Advance(absl::Hours(1));
  fixture_.manager().Tick();
  may_go_on.set_value();
  const auto told = fixture_.Step(Click(session, 1));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->episode().end_reason(), v1::END_REASON_TIME_LIMIT);
  const auto ending = fixture_.sink().record(told->episode().name()).ending;
  ASSERT_TRUE(ending.has_value());
  ASSERT_EQ(ending->evidence_size(), 1);
  EXPECT_EQ(ending->evidence(0).error(), "");
}

TEST_F(SessionEndTest, SilenceBeforeAClosedSessionIsTheAgentsTime) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  clock_.Advance(absl::Seconds(30));
  ASSERT_TRUE(fixture_.Close(session).ok());
  const v1::Episode episode = fixture_.sink().record(start->episode().name()).episode;
  EXPECT_EQ(episode.end_reason(), v1::END_REASON_CANCELLED);
  EXPECT_EQ(episode.agent_seconds(), 30);
  EXPECT_EQ(episode.server_seconds(), 0);
}

TEST_F(SessionEndTest, AStepMayNotRunFarBeyondTheTimeLimit) {
  const std::string session = OpenBudget();
  v1::Limits limits;
  *limits.mutable_max_duration() = ToProto(absl::Seconds(60));
  ASSERT_TRUE(Start(session, limits).ok());
  clock_.Advance(absl::Seconds(50));
  ASSERT_TRUE(fixture_.Step(Click(session, 1)).ok());
  EXPECT_GT(budget_.budget(), absl::ZeroDuration());
  EXPECT_LE(budget_.budget(), absl::Seconds(10) + SessionCaps().overtime);
}

TEST_F(SessionEndTest, WhatIsStillAtWorkWhenTheTimeIsUpHasNotFailed) {
  SessionCaps caps;
  caps.overtime = absl::Milliseconds(50);
  SessionFixture fixture(clock_, {}, caps);
  fixture.manager().Register("budget", budget_, 1);
  v1::CreateSessionRequest create;
  create.set_environment("environments/budget");
  const auto session = fixture.Create(create);
  ASSERT_TRUE(session.ok()) << session.status();
  budget_.Meanwhile([this](const CallContext& context) -> absl::Status {
    clock_.Advance(absl::Seconds(2));
    while (context.Check("the action").ok()) absl::SleepFor(absl::Milliseconds(10));
    return absl::UnavailableError("the screen does not answer");
  });
  v1::StartEpisodeRequest start;
  start.set_session(session->name());
  start.mutable_inline_task()->set_goal("do nothing");
  *start.mutable_limits()->mutable_max_duration() = ToProto(absl::Seconds(1));
  ASSERT_TRUE(fixture.Start(start).ok());
  const auto step = fixture.Step(Click(session->name(), 1));
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_TRUE(step->truncated());
  EXPECT_EQ(step->episode().end_reason(), v1::END_REASON_TIME_LIMIT) << step->episode().end_message();
  // One that fails before is a fault.
  *start.mutable_limits()->mutable_max_duration() = ToProto(absl::Minutes(1));
  budget_.Meanwhile([](const CallContext&) { return absl::DeadlineExceededError("the screen does not answer"); });
  ASSERT_TRUE(fixture.Start(start).ok());
  const auto failed = fixture.Step(Click(session->name(), 1));
  ASSERT_TRUE(failed.ok()) << failed.status();
  EXPECT_EQ(failed->episode().end_reason(), v1::END_REASON_WORLD_FAULT);
}

TEST_F(SessionEndTest, WaitingIsTheAgentsTime) {
  const std::string session = OpenBudget();
  ASSERT_TRUE(Start(session).ok());
  budget_.Meanwhile([this](const CallContext&) {
    clock_.Advance(absl::Seconds(5));
    return absl::OkStatus();
  });
  v1::StepRequest wait;
  wait.set_session(session);
  wait.mutable_action()->mutable_wait();
  ASSERT_TRUE(fixture_.Step(wait).ok());
  v1::StepRequest answer;
  answer.set_session(session);
  answer.mutable_action()->mutable_answer();
  const auto end = fixture_.Step(answer);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->episode().agent_seconds(), 1);
  EXPECT_EQ(end->episode().server_seconds(), 4);
}

TEST_F(SessionEndTest, AStepThatCannotBeRecordedInterruptsAsServerFault) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  fixture_.sink().set_fail(true);
  const auto step = fixture_.Step(Click(session, 1));
  ASSERT_TRUE(step.ok());
  EXPECT_TRUE(step->interrupted());
  EXPECT_EQ(step->episode().end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(step->episode().step_count(), 0);
  // Its record could not be closed either: the host sees to that.
  EXPECT_EQ(fixture_.host().not_closed_count(), 1u);
  EXPECT_EQ(fixture_.host().closed_count(), 0u);
}

TEST_F(SessionEndTest, AnEndThatCannotBeRecordedIsAFaultOfTheServer) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  fixture_.sink().FailToFinish();
  v1::StepRequest answer;
  answer.set_session(session);
  answer.set_request_id("answer");
  answer.mutable_action()->mutable_answer()->set_text("42");
  // The second is a retry.
  for (int i = 0; i < 2; ++i) {
    const auto step = fixture_.Step(answer);
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_FALSE(step->terminated());
    EXPECT_TRUE(step->interrupted());
    EXPECT_EQ(step->episode().end_kind(), v1::END_KIND_INTERRUPTED);
    EXPECT_EQ(step->episode().end_reason(), v1::END_REASON_SERVER_FAULT);
    EXPECT_EQ(step->episode().end_message(), "its end could not be recorded: disk on fire");
    EXPECT_EQ(step->episode().step_count(), 1);
  }
  ASSERT_TRUE(Start(session).ok());
  v1::EndEpisodeRequest end;
  end.set_session(session);
  end.set_end(v1::CLIENT_END_DONE);
  const auto ended = fixture_.End(end);
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->end_reason(), v1::END_REASON_SERVER_FAULT);
  EXPECT_EQ(fixture_.host().not_closed_count(), 2u);
  EXPECT_THAT(ended_.reasons(), testing::ElementsAre(v1::END_REASON_SERVER_FAULT, v1::END_REASON_SERVER_FAULT));
}

TEST_F(SessionEndTest, AnEpisodeWhoseRecordIsFullEndsAsAtItsStepLimit) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  fixture_.sink().FillUp();
  const auto step = fixture_.Step(Click(session, 1));
  ASSERT_TRUE(step.ok());
  EXPECT_TRUE(step->truncated());
  EXPECT_EQ(step->episode().end_reason(), v1::END_REASON_STEP_LIMIT);
  EXPECT_THAT(step->episode().end_message(), testing::HasSubstr("observe less with each step"));
  EXPECT_EQ(fixture_.host().closed_count(), 1u);
}

// ABORTED: a client that tries UNAVAILABLE again would only hear that no episode is open.
TEST_F(SessionEndTest, LookingAtAWorldThatFailedTellsOnceWhyTheEpisodeEnded) {
  const std::string session = OpenBudget();
  ASSERT_TRUE(Start(session).ok());
  budget_.GoBlind();
  const auto seen = Await<v1::Observation>([&](Done<v1::Observation> done) {
    v1::ObserveRequest request;
    request.set_session(session);
    (*fixture_.manager().Find(session))->Observe(CallContext(), request, std::move(done));
  });
  EXPECT_EQ(seen.status().code(), absl::StatusCode::kAborted) << seen.status();
  EXPECT_THAT(std::string(seen.status().message()), testing::HasSubstr("the screen is gone"));
  const auto ended = Await<v1::Episode>([&](Done<v1::Episode> done) {
    v1::EndEpisodeRequest request;
    request.set_session(session);
    (*fixture_.manager().Find(session))->EndEpisode(CallContext(), request, std::move(done));
  });
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->end_reason(), v1::END_REASON_WORLD_FAULT);
}

}  // namespace
}  // namespace proctor::env
