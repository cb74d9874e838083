#include "env/session_manager.h"

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "env/null/null_environment.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {
namespace {

class SessionManagerTest : public testing::Test {
 protected:
  SessionManagerTest() : fixture_(clock_) { fixture_.manager().Register("null", null_, 2); }

  static v1::CreateSessionRequest Request() {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    return request;
  }

  SimulatedClock clock_;
  NullEnvironment null_;
  SessionFixture fixture_;
};

TEST_F(SessionManagerTest, RefusesWithARetryHintWhenFull) {
  ASSERT_TRUE(fixture_.Create(Request()).ok());
  ASSERT_TRUE(fixture_.Create(Request()).ok());
  const auto third = fixture_.Create(Request());
  EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(RetryHint(third.status()).has_value());
}

TEST_F(SessionManagerTest, GivesAFreedSlotToWhoWaitsLongest) {
  const auto first = fixture_.Create(Request());
  ASSERT_TRUE(fixture_.Create(Request()).ok());
  v1::CreateSessionRequest patient = Request();
  *patient.mutable_max_wait() = ToProto(absl::Minutes(5));
  std::promise<absl::StatusOr<v1::Session>> a, b;
  fixture_.manager().Create(CallContext(), patient, [&](auto result) { a.set_value(std::move(result)); });
  fixture_.manager().Create(CallContext(), patient, [&](auto result) { b.set_value(std::move(result)); });
  ASSERT_TRUE(fixture_.Close(first->name()).ok());
  const auto granted = a.get_future().get();
  ASSERT_TRUE(granted.ok()) << granted.status();
  auto waiting = b.get_future();
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  fixture_.manager().StopAdmitting();
  EXPECT_EQ(waiting.get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SessionManagerTest, EndsAWaitThatIsCancelled) {
  ASSERT_TRUE(fixture_.Create(Request()).ok());
  ASSERT_TRUE(fixture_.Create(Request()).ok());
  v1::CreateSessionRequest patient = Request();
  *patient.mutable_max_wait() = ToProto(absl::Minutes(5));
  CallContext context;
  std::promise<absl::StatusOr<v1::Session>> answer;
  fixture_.manager().Create(context, patient, [&](auto result) { answer.set_value(std::move(result)); });
  context.cancel()->Cancel();
  EXPECT_EQ(answer.get_future().get().status().code(), absl::StatusCode::kCancelled);
}

// Its connection broke, it asked again over a new one, and only then was the break noticed.
TEST_F(SessionManagerTest, WhoRepeatsACallThatIsCancelledMayRepeatItAgain) {
  ASSERT_TRUE(fixture_.Create(Request()).ok());
  const auto second = fixture_.Create(Request());
  v1::CreateSessionRequest patient = Request();
  patient.set_request_id("r1");
  *patient.mutable_max_wait() = ToProto(absl::Minutes(5));
  CallContext broken;
  std::promise<absl::StatusOr<v1::Session>> first_answer, repeated_answer, again_answer;
  fixture_.manager().Create(broken, patient, [&](auto result) { first_answer.set_value(std::move(result)); });
  fixture_.manager().Create(CallContext(), patient, [&](auto result) { repeated_answer.set_value(std::move(result)); });
  broken.cancel()->Cancel();
  EXPECT_EQ(first_answer.get_future().get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(repeated_answer.get_future().get().status().code(), absl::StatusCode::kUnavailable);
  fixture_.manager().Create(CallContext(), patient, [&](auto result) { again_answer.set_value(std::move(result)); });
  ASSERT_TRUE(fixture_.Close(second->name()).ok());
  EXPECT_TRUE(again_answer.get_future().get().ok());
}

TEST_F(SessionManagerTest, GivesTheSameSessionForTheSameRequestId) {
  v1::CreateSessionRequest request = Request();
  request.set_request_id("r1");
  const auto first = fixture_.Create(request);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(fixture_.Create(request)->name(), first->name());
  (*request.mutable_client_tags())["a"] = "b";
  EXPECT_EQ(fixture_.Create(request).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fixture_.manager().open_sessions(), 1);
}

TEST_F(SessionManagerTest, ReapsASessionWhoseLeaseIsOver) {
  v1::CreateSessionRequest request = Request();
  *request.mutable_lease() = ToProto(absl::Seconds(10));
  const auto session = fixture_.Create(request);
  ASSERT_TRUE(session.ok());
  clock_.Advance(absl::Seconds(9));
  fixture_.manager().Tick();
  EXPECT_FALSE((*fixture_.manager().Find(session->name()))->closed());
  clock_.Advance(absl::Seconds(2));
  fixture_.manager().Tick();
  const auto closed = fixture_.Close(session->name());  // Waits for the reaping.
  EXPECT_EQ(closed->close_reason(), "lease expired");
  EXPECT_EQ(fixture_.manager().open_sessions(), 0);
}

TEST_F(SessionManagerTest, KeepAliveRenewsTheLease) {
  const auto session = fixture_.Create(Request());
  clock_.Advance(absl::Seconds(50));
  ASSERT_TRUE((*fixture_.manager().Find(session->name()))->KeepAlive().ok());
  clock_.Advance(absl::Seconds(50));
  fixture_.manager().Tick();
  EXPECT_FALSE((*fixture_.manager().Find(session->name()))->closed());
}

TEST_F(SessionManagerTest, RefusesLeasesAndWaitsOutOfRange) {
  v1::CreateSessionRequest request = Request();
  *request.mutable_lease() = ToProto(absl::Seconds(1));
  EXPECT_EQ(fixture_.Create(request).status().code(), absl::StatusCode::kInvalidArgument);
  request = Request();
  *request.mutable_max_wait() = ToProto(absl::Hours(1));
  EXPECT_EQ(fixture_.Create(request).status().code(), absl::StatusCode::kInvalidArgument);
  request = Request();
  request.set_environment("environments/moon");
  EXPECT_EQ(fixture_.Create(request).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SessionManagerTest, ListsNewestFirstAndClosedOnesOnlyIfAsked) {
  const auto first = fixture_.Create(Request());
  ASSERT_TRUE(fixture_.Close(first->name()).ok());
  const auto second = fixture_.Create(Request());
  EXPECT_EQ(fixture_.manager().List(false).size(), 1u);
  const auto all = fixture_.manager().List(true);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(fixture_.manager().DescribeEnvironment("environments/null")->open_sessions(), 1);
}

TEST_F(SessionManagerTest, RefusesMoreTagsAndSettingsThanItCouldRemember) {
  v1::CreateSessionRequest request = Request();
  (*request.mutable_client_tags())["a"] = std::string(10'000'000, 'x');
  EXPECT_EQ(fixture_.Create(request).status().code(), absl::StatusCode::kInvalidArgument);
  request = Request();
  request.mutable_settings()->mutable_null()->GetReflection()->MutableUnknownFields(request.mutable_settings()->mutable_null())
      ->AddLengthDelimited(1000, std::string(100'000, 'x'));
  EXPECT_EQ(fixture_.Create(request).status().code(), absl::StatusCode::kInvalidArgument);
  const auto session = fixture_.Create(Request());
  ASSERT_TRUE(session.ok());
  v1::StartEpisodeRequest start;
  start.set_session(session->name());
  start.mutable_inline_task()->set_goal("x");
  (*start.mutable_client_tags())["a"] = std::string(10'000, 'x');
  EXPECT_EQ(fixture_.Start(start).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fixture_.sink().record_count(), 0u);
}

class RememberedSessionsTest : public testing::Test {
 protected:
  explicit RememberedSessionsTest(SessionManagerOptions options = {.max_remembered = 3, .max_remembered_bytes = 1000})
      : fixture_(clock_, options) {
    fixture_.manager().Register("null", null_, 100);
  }
  std::string Open(const std::string& request_id = "", const std::string& tenant = "", size_t tag_bytes = 1) {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    request.set_request_id(request_id);
    (*request.mutable_client_tags())["a"] = std::string(tag_bytes, 'x');
    const auto session = Await<v1::Session>([&](Done<v1::Session> done) {
      fixture_.manager().Create(CallContext(), request, std::move(done), tenant);
    });
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? session->name() : "";
  }
  // Opens and closes one.
  std::string Life(const std::string& request_id = "", const std::string& tenant = "", size_t tag_bytes = 1) {
    const std::string name = Open(request_id, tenant, tag_bytes);
    EXPECT_TRUE(fixture_.Close(name).ok());
    clock_.Advance(absl::Milliseconds(1));
    return name;
  }
  bool Knows(const std::string& name) const { return fixture_.manager().Find(name).ok(); }

  SimulatedClock clock_;
  NullEnvironment null_;
  mutable SessionFixture fixture_;
};

TEST_F(RememberedSessionsTest, TheLongestClosedAreForgottenFirst) {
  const std::string open = Open();
  std::vector<std::string> lives;
  for (int i = 0; i < 5; ++i) lives.push_back(Life());
  const std::string other = Life("", "lab");
  fixture_.manager().Tick();
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(Knows(lives[i]), i >= 2) << i;
  EXPECT_TRUE(Knows(open));
  EXPECT_TRUE(Knows(other));
  EXPECT_EQ(fixture_.manager().Usage()[0].remembered, 4);
  EXPECT_EQ(fixture_.manager().Usage()[0].open, 1);
  clock_.Advance(absl::Hours(24) + absl::Seconds(1));
  ASSERT_TRUE((*fixture_.manager().Find(open))->KeepAlive().ok());
  fixture_.manager().Tick();
  EXPECT_EQ(fixture_.manager().Usage()[0].remembered, 0);
  EXPECT_TRUE(Knows(open));
}

TEST_F(RememberedSessionsTest, WhatClientsGaveThemIsBoundedToo) {
  const std::string first = Life("", "", 600);
  const std::string second = Life("", "", 600);
  fixture_.manager().Tick();
  EXPECT_FALSE(Knows(first));
  EXPECT_TRUE(Knows(second));
}

TEST_F(RememberedSessionsTest, ARequestIsRememberedAsLongAsItsSession) {
  const std::string kept = Life("kept");
  EXPECT_EQ(Open("kept"), kept);
  for (int i = 0; i < 3; ++i) Life();
  fixture_.manager().Tick();
  EXPECT_FALSE(Knows(kept));
  EXPECT_NE(Open("kept"), kept);
}

TEST_F(RememberedSessionsTest, AClosedSessionStillAnswersARetry) {
  const std::string session = Open();
  v1::StartEpisodeRequest start;
  start.set_session(session);
  start.mutable_inline_task()->set_goal("x");
  ASSERT_TRUE(fixture_.Start(start).ok());
  ASSERT_TRUE(fixture_.Close(session).ok());
  const auto closed = fixture_.Close(session);
  ASSERT_TRUE(closed.ok());
  EXPECT_EQ(closed->state(), v1::SESSION_STATE_CLOSED);
  EXPECT_EQ(closed->episode_count(), 1);
  EXPECT_EQ(closed->client_tags().at("a"), "x");
  v1::StepRequest step;
  step.set_session(session);
  step.mutable_action()->mutable_noop();
  EXPECT_EQ(fixture_.Step(step).status().code(), absl::StatusCode::kFailedPrecondition);
}

// Its worlds do not come back from Reset before they are let go, whatever the context says.
class StuckEnvironment final : public Environment {
 public:
  v1::Environment Describe() const override { return null_.Describe(); }
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& settings) const override {
    return null_.ResolveSettings(settings);
  }
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext&, const v1::EnvironmentSettings&) override {
    return std::make_unique<StuckWorld>(*this);
  }
  void AwaitReset() { began_.get_future().wait(); }
  void LetGo() { let_go_.set_value(); }

 private:
  class StuckWorld final : public World {
   public:
    explicit StuckWorld(StuckEnvironment& environment) : environment_(environment) {}
    absl::StatusOr<ResetResult> Reset(const CallContext&, const ResetSpec&, const v1::ObservationRequest&) override {
      environment_.began_.set_value();
      environment_.let_go_.get_future().wait();
      return absl::UnavailableError("stuck");
    }
    absl::StatusOr<ActResult> Act(const CallContext&, const v1::Action&, const v1::ObservationRequest&) override {
      return absl::UnavailableError("stuck");
    }
    absl::StatusOr<v1::Observation> Observe(const CallContext&, const v1::ObservationRequest&) override {
      return absl::UnavailableError("stuck");
    }
    std::vector<v1::Evidence> Collect(const CallContext&, const std::vector<v1::EvidenceRequest>&) override { return {}; }
    void EndEpisode() override {}

   private:
    StuckEnvironment& environment_;
  };

  NullEnvironment null_;
  std::promise<void> began_;
  std::promise<void> let_go_;
};

TEST(SessionManagerCloseTest, WhoClosesAfterNobodyWaitsHarmsNothing) {
  SimulatedClock clock;
  StuckEnvironment stuck;
  SessionFixture fixture(clock);
  fixture.manager().Register("null", stuck, 1);
  v1::CreateSessionRequest request;
  request.set_environment("environments/null");
  const auto session = fixture.Create(request);
  ASSERT_TRUE(session.ok()) << session.status();
  v1::StartEpisodeRequest start;
  start.set_session(session->name());
  start.mutable_inline_task()->set_goal("x");
  std::promise<absl::StatusOr<v1::EpisodeStart>> started;
  (*fixture.manager().Find(session->name()))->StartEpisode(CallContext(), start, [&](auto result) { started.set_value(std::move(result)); });
  stuck.AwaitReset();
  const absl::Status closed =
      fixture.manager().CloseAllAndWait(CallContext::WithTimeout(absl::Milliseconds(1)), "over", v1::END_REASON_SERVER_FAULT);
  EXPECT_TRUE(absl::IsDeadlineExceeded(closed)) << closed;
  stuck.LetGo();
  EXPECT_FALSE(started.get_future().get().ok());
  EXPECT_TRUE(fixture.manager().CloseAllAndWait(CallContext(), "over", v1::END_REASON_SERVER_FAULT).ok());
}

}  // namespace
}  // namespace proctor::env
