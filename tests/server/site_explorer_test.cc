// A crawl's world in a place of sessions, on the null environment.
#include "server/site_explorer.h"

#include <atomic>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "common/proto_time.h"
#include "env/null/null_environment.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::server {
namespace {

// Counts the worlds that are open.
class CountingEnvironment final : public env::Environment {
 public:
  v1::Environment Describe() const override { return null_.Describe(); }
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& asked) const override {
    return null_.ResolveSettings(asked);
  }
  absl::StatusOr<std::unique_ptr<env::World>> Open(const CallContext& context, const v1::EnvironmentSettings& settings) override {
    auto world = null_.Open(context, settings);
    if (!world.ok()) return world.status();
    return std::make_unique<CountedWorld>(*std::move(world), open_);
  }
  int open() const { return open_; }

 private:
  class CountedWorld final : public env::World {
   public:
    CountedWorld(std::unique_ptr<env::World> world, std::atomic<int>& open) : world_(std::move(world)), open_(open) { ++open_; }
    ~CountedWorld() override { --open_; }
    absl::StatusOr<env::ResetResult> Reset(const CallContext& context, const env::ResetSpec& spec,
                                           const v1::ObservationRequest& request) override {
      return world_->Reset(context, spec, request);
    }
    absl::StatusOr<env::ActResult> Act(const CallContext& context, const v1::Action& action,
                                       const v1::ObservationRequest& request) override {
      return world_->Act(context, action, request);
    }
    absl::StatusOr<v1::Observation> Observe(const CallContext& context, const v1::ObservationRequest& request) override {
      return world_->Observe(context, request);
    }
    std::vector<v1::Evidence> Collect(const CallContext& context, const std::vector<v1::EvidenceRequest>& requests) override {
      return world_->Collect(context, requests);
    }
    void EndEpisode() override { world_->EndEpisode(); }

   private:
    const std::unique_ptr<env::World> world_;
    std::atomic<int>& open_;
  };

  env::NullEnvironment null_;
  std::atomic<int> open_ = 0;
};

class WorldExplorerTest : public testing::Test {
 protected:
  WorldExplorerTest() : fixture_(clock_) { fixture_.manager().Register("counted", environment_, 2); }

  ExplorerHome Home() { return {.sessions = fixture_.manager(), .environment = environment_, .environment_id = "counted", .tenant = ""}; }
  std::future<absl::StatusOr<v1::Session>> AskForSession() {
    v1::CreateSessionRequest request;
    request.set_environment("environments/counted");
    *request.mutable_max_wait() = ToProto(absl::Minutes(5));
    auto answer = std::make_shared<std::promise<absl::StatusOr<v1::Session>>>();
    fixture_.manager().Create(CallContext(), request, [answer](auto result) { answer->set_value(std::move(result)); });
    return answer->get_future();
  }
  int Exploring() { return fixture_.manager().Usage().at(0).exploring; }
  static bool Resets(WorldExplorer& explorer) { return explorer.Reset(CallContext(), v1::Task(), {}).ok(); }

  SimulatedClock clock_;
  CountingEnvironment environment_;
  env::SessionFixture fixture_;
};

TEST_F(WorldExplorerTest, OpensNothingWithoutAPlace) {
  WorldExplorer explorer(Home());
  EXPECT_EQ(explorer.Open(CallContext()).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(explorer.Reset(CallContext(), v1::Task(), {}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(environment_.open(), 0);
}

TEST_F(WorldExplorerTest, AWorldIsInAPlaceUntilTheExplorerIsGone) {
  {
    WorldExplorer explorer(Home());
    ASSERT_TRUE(explorer.Acquire(CallContext()).ok());
    EXPECT_TRUE(Resets(explorer));
    EXPECT_EQ(environment_.open(), 1);
    EXPECT_EQ(Exploring(), 1);
    // Of two places: the other one is for sessions.
    WorldExplorer other(Home());
    EXPECT_FALSE(other.TryAcquire());
  }
  EXPECT_EQ(environment_.open(), 0);
  EXPECT_EQ(Exploring(), 0);
}

TEST_F(WorldExplorerTest, MakesRoomForASessionBetweenTwoPages) {
  WorldExplorer explorer(Home());
  ASSERT_TRUE(explorer.Acquire(CallContext()).ok());
  EXPECT_TRUE(Resets(explorer));
  ASSERT_TRUE(AskForSession().get().ok());
  auto waits = AskForSession();
  EXPECT_TRUE(Resets(explorer));  // In the middle of its work.
  EXPECT_EQ(Exploring(), 1);
  auto acquired = std::async(std::launch::async, [&] { return explorer.Acquire(CallContext()); });
  const auto session = waits.get();
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(environment_.open(), 2);
  ASSERT_TRUE(fixture_.Close(session->name()).ok());
  ASSERT_TRUE(acquired.get().ok());
  EXPECT_TRUE(Resets(explorer));
  EXPECT_EQ(environment_.open(), 2);
}

TEST_F(WorldExplorerTest, AHelperMakesRoomAndGoesOnLater) {
  WorldExplorer explorer(Home());
  ASSERT_TRUE(explorer.TryAcquire());
  EXPECT_TRUE(Resets(explorer));
  const auto first = AskForSession().get();
  auto waits = AskForSession();
  EXPECT_FALSE(explorer.TryAcquire());
  EXPECT_EQ(Exploring(), 0);
  ASSERT_TRUE(waits.get().ok());
  EXPECT_FALSE(explorer.TryAcquire());
  ASSERT_TRUE(fixture_.Close(first->name()).ok());
  EXPECT_TRUE(explorer.TryAcquire());
  EXPECT_TRUE(Resets(explorer));
}

TEST_F(WorldExplorerTest, OneThatRestsHasNothing) {
  WorldExplorer explorer(Home());
  ASSERT_TRUE(explorer.Acquire(CallContext()).ok());
  EXPECT_TRUE(Resets(explorer));
  explorer.Rest();
  EXPECT_EQ(environment_.open(), 0);
  EXPECT_EQ(Exploring(), 0);
  v1::Action action;
  action.mutable_noop();
  EXPECT_EQ(explorer.Act(CallContext(), action, {}).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(explorer.Acquire(CallContext()).ok());
  EXPECT_TRUE(Resets(explorer));
}

}  // namespace
}  // namespace proctor::server
