#include "env/session.h"

#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "common/proto_time.h"
#include "common/status.h"
#include "env/null/null_environment.h"
#include "env/request_checks.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {
namespace {

// The null environment, noting how long its worlds may take to act; it can go blind.
class BudgetEnvironment final : public Environment {
 public:
  v1::Environment Describe() const override { return null_.Describe(); }
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(
      const v1::EnvironmentSettings& settings) const override {
    return null_.ResolveSettings(settings);
  }
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context,
                                              const v1::EnvironmentSettings& settings) override {
    auto world = null_.Open(context, settings);
    if (!world.ok()) return world.status();
    return std::make_unique<BudgetWorld>(*std::move(world), *this);
  }
  // From now on worlds cannot be looked at.
  void GoBlind() { blind_ = true; }
  // Done in the place of every action from now on, and before every look; a failure is the action's.
  void Meanwhile(std::function<absl::Status(const CallContext&)> work) { work_ = std::move(work); }
  absl::Duration budget() const { return budget_; }

 private:
  class BudgetWorld final : public World {
   public:
    BudgetWorld(std::unique_ptr<World> world, BudgetEnvironment& made_by) : world_(std::move(world)), made_by_(made_by) {}
    absl::StatusOr<ResetResult> Reset(const CallContext& context, const ResetSpec& spec,
                                      const v1::ObservationRequest& request) override {
      return world_->Reset(context, spec, request);
    }
    absl::StatusOr<ActResult> Act(const CallContext& context, const v1::Action& action,
                                  const v1::ObservationRequest& request) override {
      made_by_.budget_ = context.remaining();
      if (made_by_.work_ != nullptr) PROCTOR_RETURN_IF_ERROR(made_by_.work_(context));
      return world_->Act(context, action, request);
    }
    absl::StatusOr<v1::Observation> Observe(const CallContext& context,
                                            const v1::ObservationRequest& request) override {
      if (made_by_.work_ != nullptr) PROCTOR_RETURN_IF_ERROR(made_by_.work_(context));
      if (made_by_.blind_) return absl::UnavailableError("the screen is gone");
      return world_->Observe(context, request);
    }
    std::vector<v1::Evidence> Collect(const CallContext& context,
                                      const std::vector<v1::EvidenceRequest>& requests) override {
      return world_->Collect(context, requests);
    }
    void EndEpisode() override { world_->EndEpisode(); }

   private:
    const std::unique_ptr<World> world_;
    BudgetEnvironment& made_by_;
  };

  NullEnvironment null_;
  absl::Duration budget_;
  std::atomic<bool> blind_ = false;
  std::function<absl::Status(const CallContext&)> work_;
};

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
  // A session of the environment `budget_`.
  std::string OpenBudget() {
    fixture_.manager().Register("budget", budget_, 1);
    v1::CreateSessionRequest request;
    request.set_environment("environments/budget");
    const auto session = fixture_.Create(request);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? session->name() : "";
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
  BudgetEnvironment budget_;
  SessionFixture fixture_;
};

TEST_F(SessionTest, AStartTellsTheGoalAndItsRetryToo) {
  v1::StartEpisodeRequest request;
  request.set_session(Open());
  request.set_request_id("start");
  request.mutable_inline_task()->set_goal("do nothing");
  for (int i = 0; i < 2; ++i) {
    const auto started = fixture_.Start(request);
    ASSERT_TRUE(started.ok()) << started.status();
    EXPECT_EQ(started->goal(), "do nothing");
  }
}

// The thread that a look's answer comes on, where nothing else runs.
std::thread::id LookOn(SessionFixture& fixture, const std::string& session) {
  v1::ObserveRequest request;
  request.set_session(session);
  std::thread::id answered_on;
  const auto look = Await<v1::Observation>([&](Done<v1::Observation> done) {
    (*fixture.manager().Find(session))->Observe(CallContext(), request, [&answered_on, done](absl::StatusOr<v1::Observation> seen) {
      answered_on = std::this_thread::get_id();
      done(std::move(seen));
    });
  });
  EXPECT_TRUE(look.ok()) << look.status();
  return answered_on;
}

TEST_F(SessionTest, LooksWithinTheCallAtAWorldThatObservesAtOnce) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  EXPECT_EQ(LookOn(fixture_, session), std::this_thread::get_id());
}

TEST_F(SessionTest, LooksAtOtherWorldsOnThePool) {
  v1::NullSettings much_text;
  much_text.set_text_bytes(1 << 20);
  const std::string session = Open(much_text);
  ASSERT_TRUE(Start(session).ok());
  EXPECT_NE(LookOn(fixture_, session), std::this_thread::get_id());
}

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

// What the session keeps for a retry, in memory and in the store.
TEST_F(SessionTest, KeepsAnswersThatMadeNoStep) {
  for (const bool ticked : {true, false}) {
    const std::string session = Open();
    v1::Limits limits;
    *limits.mutable_max_duration() = ToProto(absl::Seconds(20));
    ASSERT_TRUE(Start(session, limits).ok());
    clock_.Advance(absl::Seconds(30));
    // Cut between verbs, or by the verb that comes too late.
    if (ticked) fixture_.manager().Tick();
    v1::StepRequest request = Click(session, 1);
    request.set_request_id("late");
    const auto told = fixture_.Step(request);
    ASSERT_TRUE(told.ok()) << told.status();
    const auto again = fixture_.Step(request);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_TRUE(again->truncated());
    EXPECT_EQ(again->episode().name(), told->episode().name());
    const auto kept = fixture_.sink().FindReplay(CallContext(), *ResourceId("sessions", session) + "/late");
    ASSERT_TRUE(kept.ok() && kept->has_value());
    v1::StepResponse stored;
    ASSERT_TRUE(stored.ParseFromString((*kept)->response));
    EXPECT_TRUE(stored.truncated());
    EXPECT_EQ(stored.episode().end_reason(), v1::END_REASON_TIME_LIMIT);
  }
}

TEST_F(SessionTest, KeepsTheEndingOfItsLastStepAndOfEndEpisode) {
  const std::string session = Open();
  const std::string id = *ResourceId("sessions", session);
  ASSERT_TRUE(Start(session).ok());
  v1::StepRequest answer;
  answer.set_session(session);
  answer.set_request_id("answer");
  answer.mutable_action()->mutable_answer()->set_text("42");
  ASSERT_TRUE(fixture_.Step(answer).ok());
  v1::StepResponse step;
  ASSERT_TRUE(step.ParseFromString((*fixture_.sink().FindReplay(CallContext(), id + "/answer"))->response));
  EXPECT_TRUE(step.terminated());
  EXPECT_EQ(step.episode().state(), v1::EPISODE_STATE_CLOSED);

  ASSERT_TRUE(Start(session).ok());
  v1::EndEpisodeRequest end;
  end.set_session(session);
  end.set_request_id("end");
  end.set_end(v1::CLIENT_END_DONE);
  const auto ended = fixture_.End(end);
  ASSERT_TRUE(ended.ok()) << ended.status();
  v1::Episode episode;
  ASSERT_TRUE(episode.ParseFromString((*fixture_.sink().FindReplay(CallContext(), id + "/end"))->response));
  EXPECT_EQ(episode.name(), ended->name());
  EXPECT_EQ(episode.end_reason(), v1::END_REASON_CLIENT_DONE);
}

TEST_F(SessionTest, AStepMayNotRunFarBeyondTheTimeLimit) {
  const std::string session = OpenBudget();
  v1::Limits limits;
  *limits.mutable_max_duration() = ToProto(absl::Seconds(60));
  ASSERT_TRUE(Start(session, limits).ok());
  clock_.Advance(absl::Seconds(50));
  ASSERT_TRUE(fixture_.Step(Click(session, 1)).ok());
  EXPECT_GT(budget_.budget(), absl::ZeroDuration());
  EXPECT_LE(budget_.budget(), absl::Seconds(10) + SessionCaps().overtime);
}

TEST_F(SessionTest, WhatIsStillAtWorkWhenTheTimeIsUpHasNotFailed) {
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

TEST_F(SessionTest, WaitingIsTheAgentsTime) {
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

TEST_F(SessionTest, ATextWithoutEndCostsAStep) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  v1::StepRequest request;
  request.set_session(session);
  request.mutable_agent_text()->set_dialect(v1::DIALECT_WEBARENA);
  std::string text = "```stop [42]```";
  // Characters of two bytes, of which one would be cut in half.
  while (text.size() <= kMaxAgentTextBytes) text += "\u00e9";
  request.mutable_agent_text()->set_text(text);
  const auto step = fixture_.Step(request);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_FALSE(step->has_episode());
  EXPECT_THAT(step->observation().action_error(), testing::HasSubstr("at most 65536"));
  const auto steps = fixture_.sink().record(start->episode().name()).steps;
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].agent_text().text(), text.substr(0, steps[0].agent_text().text().size()));
  EXPECT_GT(steps[0].agent_text().text().size(), kMaxAgentTextBytes - 2);
  EXPECT_LE(steps[0].agent_text().text().size(), kMaxAgentTextBytes);
  EXPECT_FALSE(steps[0].has_action());
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
  // Its record could not be closed either: the host sees to that.
  EXPECT_EQ(fixture_.host().not_closed_count(), 1u);
  EXPECT_EQ(fixture_.host().closed_count(), 0u);
}

TEST_F(SessionTest, AnEpisodeWhoseRecordIsFullEndsAsAtItsStepLimit) {
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
TEST_F(SessionTest, LookingAtAWorldThatFailedTellsOnceWhyTheEpisodeEnded) {
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

TEST_F(SessionTest, FractionsReachTheWorldAndTheRecordAsPoints) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  v1::StepRequest request;
  request.set_session(session);
  v1::Point& fraction = *request.mutable_action()->mutable_click()->mutable_target()->mutable_fraction();
  fraction.set_x(1);
  fraction.set_y(0.5);
  const auto step = fixture_.Step(request);
  ASSERT_TRUE(step.ok()) << step.status();
  EXPECT_EQ(step->action().click().target().point().x(), 639);
  const v1::Step recorded = fixture_.sink().record(start->episode().name()).steps.at(0);
  EXPECT_EQ(recorded.action().click().target().point().y(), 240);
  EXPECT_EQ(recorded.target_point().x(), 639);
}

TEST_F(SessionTest, RefusesOversizedAgentData) {
  const std::string session = Open();
  ASSERT_TRUE(Start(session).ok());
  v1::StepRequest request = Click(session, 1);
  request.mutable_agent_data()->set_raw_output(std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(fixture_.Step(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SessionTest, RedactsSecretsInRecordsAndAnswers) {
  EpisodeRun::Start start;
  start.episode_id = "e";
  v1::StartState& state = *start.task.mutable_start_state();
  state.set_storage_state_json("{\"cookies\":[\"hunter2\"]}");
  (*state.mutable_http_credentials())["https://a"].set_password("hunter2");
  state.set_start_url("https://me:hunter2@a/");
  (*state.mutable_base_urls())["__SHOP__"] = "https://me:hunter2@shop/";
  start.reset.base_urls["__SHOP__"] = "https://me:hunter2@shop/";
  const EpisodeRun run(std::move(start), {});
  for (const std::string& bytes : {run.header().SerializeAsString(), run.episode().SerializeAsString()}) {
    EXPECT_EQ(bytes.find("hunter2"), std::string::npos);
    EXPECT_NE(bytes.find("https://shop/"), std::string::npos);
  }
  EXPECT_NE(run.header().SerializeAsString().find("https://a"), std::string::npos);
  // The world still gets them.
  EXPECT_NE(run.task().start_state().storage_state_json().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace proctor::env
