#include "env/session_manager.h"

#include <future>

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

}  // namespace
}  // namespace proctor::env
