// Sessions for tests of their verbs.
#ifndef PROCTOR_TESTS_ENV_SESSION_NULL_SESSIONS_H_
#define PROCTOR_TESTS_ENV_SESSION_NULL_SESSIONS_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "common/status.h"
#include "env/null/null_environment.h"
#include "env/session.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {

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
  // Done before evidence is collected, from now on.
  void BeforeCollecting(std::function<void(const CallContext&)> work) { collect_ = std::move(work); }
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
      if (made_by_.collect_ != nullptr) made_by_.collect_(context);
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
  std::function<void(const CallContext&)> collect_;
};

// How episodes ended.
class EndReasons final : public SessionObserver {
 public:
  void StepRecorded(const StepReport&) override {}
  void EpisodeEnded(const std::string&, v1::EndReason reason) override {
    MutexLock lock(mutex_);
    reasons_.push_back(reason);
  }
  std::vector<v1::EndReason> reasons() const {
    MutexLock lock(mutex_);
    return reasons_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<v1::EndReason> reasons_ ABSL_GUARDED_BY(mutex_);
};

// Sessions of the null environment, on a simulated clock.
class NullSessionTest : public testing::Test {
 protected:
  NullSessionTest() : fixture_(clock_, {}, {}, &ended_) { fixture_.manager().Register("null", null_, 4); }

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
  EndReasons ended_;
  SessionFixture fixture_;
};

}  // namespace proctor::env

#endif  // PROCTOR_TESTS_ENV_SESSION_NULL_SESSIONS_H_
