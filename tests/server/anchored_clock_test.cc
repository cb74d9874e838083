#include "server/anchored_clock.h"

#include "common/proto_time.h"
#include "env/null/null_environment.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::server {
namespace {

class AnchoredClockTest : public testing::Test {
 protected:
  // Time passes, on both clocks.
  void Pass(absl::Duration time) {
    wall_.Advance(time);
    elapsed_ += time;
  }

  SimulatedClock wall_;
  absl::Duration elapsed_ = absl::Hours(7);
  AnchoredClock clock_{wall_, [this] { return elapsed_; }};
};

TEST_F(AnchoredClockTest, GoesOnWithTheTimeThatPassesWhateverTheWallClockIsSetTo) {
  const absl::Time start = wall_.Now();
  EXPECT_EQ(clock_.Now(), start);
  Pass(absl::Seconds(5));
  EXPECT_EQ(clock_.Now(), start + absl::Seconds(5));
  wall_.Advance(absl::Hours(3));
  EXPECT_EQ(clock_.Now(), start + absl::Seconds(5));
  wall_.Advance(-absl::Hours(6));
  Pass(absl::Seconds(1));
  EXPECT_EQ(clock_.Now(), start + absl::Seconds(6));
}

TEST_F(AnchoredClockTest, TakesTheWallClockOverWhenToldTo) {
  wall_.Advance(absl::Hours(3));
  clock_.Anchor();
  EXPECT_EQ(clock_.Now(), wall_.Now());
  Pass(absl::Seconds(5));
  EXPECT_EQ(clock_.Now(), wall_.Now());
}

TEST_F(AnchoredClockTest, SteadyNeverGoesBack) {
  const auto steady = AnchoredClock::Steady();
  absl::Duration last = steady();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = steady();
    EXPECT_GE(now, last);
    last = now;
  }
}

class SetClockTest : public AnchoredClockTest {
 protected:
  SetClockTest() { fixture_.manager().Register("null", environment_, 4); }

  std::string Open(absl::Duration lease) {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    *request.mutable_lease() = ToProto(lease);
    const auto session = fixture_.Create(request);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? session->name() : "";
  }
  bool Closed(const std::string& session) { return (*fixture_.manager().Find(session))->closed(); }

  env::NullEnvironment environment_;
  env::SessionFixture fixture_{clock_};
};

TEST_F(SetClockTest, ALeaseDoesNotEndBecauseTheWallClockIsSetForward) {
  const std::string session = Open(absl::Seconds(60));
  Pass(absl::Seconds(30));
  wall_.Advance(absl::Hours(3));
  fixture_.manager().Tick();
  EXPECT_FALSE(Closed(session));
  EXPECT_TRUE((*fixture_.manager().Find(session))->KeepAlive().ok());
}

TEST_F(SetClockTest, ALeaseEndsThoughTheWallClockIsSetBack) {
  const std::string session = Open(absl::Seconds(60));
  wall_.Advance(-absl::Hours(3));
  Pass(absl::Seconds(61));
  fixture_.manager().Tick();
  EXPECT_EQ(fixture_.Close(session)->close_reason(), "lease expired");
}

TEST_F(SetClockTest, AnEpisodesTimeIsNotOverBecauseTheWallClockIsSetForward) {
  const std::string session = Open(absl::Hours(1));
  v1::StartEpisodeRequest start;
  start.set_session(session);
  start.mutable_inline_task()->set_goal("Click.");
  *start.mutable_limits()->mutable_max_duration() = ToProto(absl::Minutes(10));
  ASSERT_TRUE(fixture_.Start(start).ok());
  wall_.Advance(absl::Hours(3));
  fixture_.manager().Tick();
  v1::StepRequest step;
  step.set_session(session);
  step.mutable_action()->mutable_click()->mutable_target()->set_mark(1);
  const auto response = fixture_.Step(step);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_FALSE(response->truncated());
  EXPECT_FALSE(response->has_episode());
}

}  // namespace
}  // namespace proctor::server
