#include "env/session.h"

#include <future>
#include <thread>

#include "common/proto_time.h"
#include "env/request_checks.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/session/null_sessions.h"
#include "trajectory/record_form.h"

namespace proctor::env {
namespace {

class SessionTest : public NullSessionTest {};

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

// Two texts are more than a session keeps in memory.
TEST_F(SessionTest, AnswersRetriesFromTheStoreOnceLargeAnswersCame) {
  v1::NullSettings settings;
  settings.set_text_bytes(600'000);
  const std::string session = Open(settings);
  v1::StartEpisodeRequest start;
  start.set_session(session);
  start.set_request_id("start");
  start.mutable_inline_task()->set_goal("do nothing");
  start.mutable_observation()->add_parts(v1::OBSERVATION_PART_TEXT);
  v1::StepRequest step = Click(session, 1);
  step.set_request_id("step");
  step.mutable_observation()->add_parts(v1::OBSERVATION_PART_TEXT);
  v1::EndEpisodeRequest end;
  end.set_session(session);
  end.set_request_id("end");
  end.set_end(v1::CLIENT_END_DONE);
  const auto started = fixture_.Start(start);
  ASSERT_TRUE(started.ok()) << started.status();
  const auto stepped = fixture_.Step(step);
  ASSERT_TRUE(stepped.ok()) << stepped.status();
  ASSERT_TRUE(fixture_.End(end).ok());
  v1::StartEpisodeRequest next = start;
  next.set_request_id("next start");
  ASSERT_TRUE(fixture_.Start(next).ok());
  v1::StepRequest next_step = step;
  next_step.set_request_id("next step");
  ASSERT_TRUE(fixture_.Step(next_step).ok());

  const int lookups = fixture_.sink().lookups();
  const auto started_again = fixture_.Start(start);
  ASSERT_TRUE(started_again.ok()) << started_again.status();
  EXPECT_EQ(started_again->episode().name(), started->episode().name());
  EXPECT_TRUE(started_again->observation().text().text() == started->observation().text().text());
  const auto stepped_again = fixture_.Step(step);
  ASSERT_TRUE(stepped_again.ok()) << stepped_again.status();
  EXPECT_EQ(stepped_again->step_index(), 0);
  EXPECT_FALSE(stepped_again->has_episode());
  EXPECT_TRUE(stepped_again->observation().text().text() == stepped->observation().text().text());
  const auto ended_again = fixture_.End(end);
  ASSERT_TRUE(ended_again.ok()) << ended_again.status();
  EXPECT_EQ(ended_again->name(), started->episode().name());
  EXPECT_EQ(ended_again->end_reason(), v1::END_REASON_CLIENT_DONE);
  EXPECT_EQ(fixture_.sink().lookups(), lookups + 3);
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

TEST_F(SessionTest, AThoughtIsCutToWhatARecordHasRoomFor) {
  const std::string session = Open();
  const auto start = Start(session);
  ASSERT_TRUE(start.ok()) << start.status();
  v1::StepRequest request;
  request.set_session(session);
  request.mutable_agent_text()->set_dialect(v1::DIALECT_WEBVOYAGER);
  request.mutable_agent_text()->set_text("Thought: the first one.\nAction: Click [1]");
  // A thought costs two bytes more than it has.
  const struct {
    size_t room;
    std::string thought;
  } cases[] = {{0, ""}, {1, ""}, {7, "the f"}, {15, "the first one"}, {16, "the first one."}};
  for (const auto& each : cases) {
    // The other field costs four bytes more than it has.
    request.mutable_agent_data()->set_raw_output(std::string((1 << 20) - each.room - 4, 'x'));
    ASSERT_EQ(request.agent_data().ByteSizeLong(), (1 << 20) - each.room);
    const auto step = fixture_.Step(request);
    ASSERT_TRUE(step.ok()) << step.status();
    EXPECT_TRUE(step->action().has_click());
    const v1::Step recorded = fixture_.sink().record(start->episode().name()).steps.back();
    EXPECT_EQ(recorded.agent_data().thought(), each.thought) << each.room;
    EXPECT_TRUE(trajectory::CheckStep(recorded).ok()) << each.room;
  }
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
