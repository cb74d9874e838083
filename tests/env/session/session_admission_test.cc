// Sessions among tenants: whose quota counts them, and who comes first where there are too few.
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "env/null/null_environment.h"
#include "env/session_manager.h"
#include "gtest/gtest.h"
#include "tests/env/fakes.h"

namespace proctor::env {
namespace {

// One that opens nothing.
class BrokenEnvironment final : public Environment {
 public:
  v1::Environment Describe() const override { return null_.Describe(); }
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& asked) const override {
    return null_.ResolveSettings(asked);
  }
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext&, const v1::EnvironmentSettings&) override {
    return absl::UnavailableError("broken");
  }

 private:
  NullEnvironment null_;
};

// Counts nobody, and does something before that.
class BusyAdmission final : public Admission {
 public:
  explicit BusyAdmission(std::function<void()> work) : work_(std::move(work)) {}
  absl::Status Take(const std::string&, const std::string&) override {
    if (work_ != nullptr) std::exchange(work_, nullptr)();
    return absl::OkStatus();
  }
  bool TryTake(const std::string&, const std::string&) override { return true; }
  void GiveBack(const std::string&, const std::string&) override {}
  double Share(const std::string&) const override { return 1; }

 private:
  std::function<void()> work_;
};

class SessionAdmissionTest : public testing::Test {
 protected:
  using Answer = std::future<absl::StatusOr<v1::Session>>;

  void Open(int max_sessions, int quota, int max_waiters = 256) {
    admission_ = std::make_unique<FakeAdmission>(quota);
    SessionManagerOptions options;
    options.admission = admission_.get();
    options.max_waiters = max_waiters;
    fixture_ = std::make_unique<SessionFixture>(clock_, options);
    fixture_->manager().Register("null", null_, max_sessions);
    fixture_->manager().Register("broken", broken_, max_sessions);
  }
  static v1::CreateSessionRequest Request(absl::Duration max_wait = absl::ZeroDuration()) {
    v1::CreateSessionRequest request;
    request.set_environment("environments/null");
    *request.mutable_max_wait() = ToProto(max_wait);
    return request;
  }
  Answer Ask(const std::string& tenant, v1::CreateSessionRequest request) {
    auto answer = std::make_shared<std::promise<absl::StatusOr<v1::Session>>>();
    fixture_->manager().Create(CallContext(), std::move(request), [answer](auto result) { answer->set_value(std::move(result)); }, tenant);
    return answer->get_future();
  }
  v1::Session Have(const std::string& tenant) {
    auto session = Ask(tenant, Request()).get();
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? *session : v1::Session();
  }
  Answer Wait(const std::string& tenant) { return Ask(tenant, Request(absl::Minutes(5))); }
  static bool Answered(const Answer& answer) { return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

  SimulatedClock clock_;
  NullEnvironment null_;
  BrokenEnvironment broken_;
  std::unique_ptr<FakeAdmission> admission_;
  std::unique_ptr<SessionFixture> fixture_;
};

TEST_F(SessionAdmissionTest, ASessionsIdEndsWithItsTenant) {
  Open(4, 4);
  EXPECT_TRUE(Have("lab").name().ends_with(".lab"));
  EXPECT_EQ(Have("").name().find('.'), std::string::npos);
}

TEST_F(SessionAdmissionTest, CountsASessionUntilItIsClosed) {
  Open(4, 1);
  const v1::Session session = Have("lab");
  EXPECT_EQ(Ask("lab", Request()).get().status().message(), "quota");
  EXPECT_EQ(admission_->counted("lab"), 1);
  ASSERT_TRUE(fixture_->Close(session.name()).ok());
  EXPECT_EQ(admission_->counted("lab"), 0);
  Have("lab");
}

TEST_F(SessionAdmissionTest, GivesBackWhatNeverCameToBe) {
  Open(1, 4);
  v1::CreateSessionRequest broken = Request();
  broken.set_environment("environments/broken");
  EXPECT_FALSE(Ask("lab", broken).get().ok());
  EXPECT_EQ(admission_->counted("lab"), 0);
  Have("lab");
  EXPECT_FALSE(Ask("lab", Request()).get().ok());  // Full.
  EXPECT_EQ(admission_->counted("lab"), 1);
  Answer waiting = Wait("lab");
  EXPECT_EQ(admission_->counted("lab"), 2);
  fixture_->manager().StopAdmitting();
  EXPECT_FALSE(waiting.get().ok());
  EXPECT_EQ(admission_->counted("lab"), 1);
}

TEST_F(SessionAdmissionTest, ARefusedRequestMayBeTriedAgainUnderTheSameId) {
  Open(4, 1);
  const v1::Session first = Have("lab");
  v1::CreateSessionRequest request = Request();
  request.set_request_id("r");
  EXPECT_FALSE(Ask("lab", request).get().ok());
  ASSERT_TRUE(fixture_->Close(first.name()).ok());
  EXPECT_TRUE(Ask("lab", request).get().ok());
}

TEST_F(SessionAdmissionTest, WhoRepeatsACallWhileItIsAdmittedIsNotToldThatItsOwnWasCancelled) {
  v1::CreateSessionRequest patient = Request(absl::Minutes(5));
  patient.set_request_id("r");
  std::promise<absl::StatusOr<v1::Session>> first, repeated;
  SessionManagerOptions options;
  BusyAdmission admission([&] {
    fixture_->manager().Create(CallContext(), patient, [&](auto result) { repeated.set_value(std::move(result)); }, "lab");
  });
  options.admission = &admission;
  fixture_ = std::make_unique<SessionFixture>(clock_, options);
  fixture_->manager().Register("null", null_, /*max_sessions=*/0);
  const CallContext broken;
  fixture_->manager().Create(broken, patient, [&](auto result) { first.set_value(std::move(result)); }, "lab");
  broken.cancel()->Cancel();
  EXPECT_EQ(first.get_future().get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(repeated.get_future().get().status().code(), absl::StatusCode::kUnavailable);
  fixture_.reset();
}

TEST_F(SessionAdmissionTest, ARequestIdIsATenantsOwn) {
  Open(4, 4);
  v1::CreateSessionRequest request = Request();
  request.set_request_id("r");
  const auto lab = Ask("lab", request).get();
  const auto other = Ask("other", request).get();
  ASSERT_TRUE(lab.ok() && other.ok());
  EXPECT_NE(lab->name(), other->name());
  EXPECT_EQ(Ask("lab", request).get()->name(), lab->name());
}

TEST_F(SessionAdmissionTest, AFreedSessionGoesToTheTenantThatHasFewest) {
  Open(3, 10);
  const v1::Session a1 = Have("a");
  const v1::Session a2 = Have("a");
  const v1::Session b1 = Have("b");
  Answer a3 = Wait("a");
  Answer b2 = Wait("b");
  Answer c1 = Wait("c");
  ASSERT_TRUE(fixture_->Close(a1.name()).ok());
  EXPECT_TRUE(c1.get().ok());  // Last to come, but has none.
  // a and b have one each: a came first.
  ASSERT_TRUE(fixture_->Close(b1.name()).ok());
  EXPECT_TRUE(b2.get().ok());  // b had none then.
  EXPECT_FALSE(Answered(a3));
  ASSERT_TRUE(fixture_->Close(a2.name()).ok());
  EXPECT_TRUE(a3.get().ok());
}

TEST_F(SessionAdmissionTest, AShareCountsForItsSize) {
  Open(3, 10);
  Have("heavy");
  const v1::Session light = Have("light");
  const v1::Session freed = Have("other");
  Answer light_waits = Wait("light");
  Answer heavy_waits = Wait("heavy");
  ASSERT_TRUE(fixture_->Close(freed.name()).ok());
  EXPECT_TRUE(heavy_waits.get().ok());  // 1 of 2 is less than 1 of 1.
  EXPECT_FALSE(Answered(light_waits));
  ASSERT_TRUE(fixture_->Close(light.name()).ok());
  EXPECT_TRUE(light_waits.get().ok());
}

TEST_F(SessionAdmissionTest, ACrowdOfOneTenantLeavesAPlaceToWaitForOthers) {
  Open(1, 10, /*max_waiters=*/3);
  const v1::Session held = Have("crowd");
  Answer first = Wait("crowd");
  Answer second = Wait("crowd");
  Answer third = Wait("crowd");
  EXPECT_FALSE(Wait("crowd").get().ok());
  Answer other = Wait("other");
  const auto evicted = third.get();
  EXPECT_EQ(evicted.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(RetryHint(evicted.status()).has_value());
  EXPECT_EQ(admission_->counted("crowd"), 3);
  // Two and one now: a second one would not have fewer.
  EXPECT_FALSE(Wait("other").get().ok());
  ASSERT_TRUE(fixture_->Close(held.name()).ok());
  EXPECT_TRUE(first.get().ok());  // Nobody has any: who came first.
  EXPECT_FALSE(Answered(second));
  EXPECT_FALSE(Answered(other));
}

}  // namespace
}  // namespace proctor::env
