// Retries, limits and the breaker, in simulated time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "model/failure.h"
#include "tests/model/client_fixture.h"
#include "tests/model/scripted_server.h"

namespace proctor::model {
namespace {

using testing::HasSubstr;

class ClientLimitsTest : public testing::Test {
 protected:
  void Serve(ScriptedServer::Script script) { server_ = std::make_unique<ScriptedServer>(std::move(script)); }
  v1::ModelEndpoint& endpoint() {
    v1::ModelEndpoint& endpoint = (*config_.mutable_endpoints())["main"];
    endpoint.set_base_url(server_->base_url());
    endpoint.set_model("m");
    config_.mutable_cache()->set_enabled(false);
    return endpoint;
  }
  std::shared_ptr<Pending<ChatReply>> Start(const std::string& text = "x", const CallContext& context = CallContext()) {
    if (client_ == nullptr) client_ = fixture_.Create(config_);
    return Begin(*client_, context, Ask(text), {.route = "main", .payer = {}});
  }

  ClientFixture fixture_;
  std::unique_ptr<ScriptedServer> server_;
  v1::ModelConfig config_;
  std::unique_ptr<Client> client_;
};

// Fails `failures` times, then says yes.
ScriptedServer::Script FailsFirst(int failures, std::function<ScriptedReply(const SeenRequest&)> failure) {
  auto count = std::make_shared<std::atomic<int>>(0);
  return [=](const SeenRequest& request) { return (*count)++ < failures ? failure(request) : SayText(request, "yes"); };
}

TEST_F(ClientLimitsTest, TransientFailuresAreRetriedWithGrowingWaits) {
  Serve(FailsFirst(3, [](const SeenRequest& request) { return Refuse(request, 500, "server_error", "oops"); }));
  endpoint();
  const auto reply = Start();
  for (const absl::Duration wait : {absl::Milliseconds(500), absl::Seconds(1), absl::Seconds(2)}) {
    EXPECT_EQ(fixture_.timers().AwaitTimer(), wait);
    fixture_.timers().Advance(wait);
  }
  EXPECT_EQ(reply->Get().choices.at(0).text, "yes");
  EXPECT_EQ(reply->Get().call.attempts(), 4);
  EXPECT_EQ(absl::Milliseconds(3500), absl::Seconds(reply->Get().call.latency().seconds()) +
                                          absl::Nanoseconds(reply->Get().call.latency().nanos()));
}

TEST_F(ClientLimitsTest, AttemptsEndAtTheirNumberWithTheLastReason) {
  Serve([](const SeenRequest& request) { return Refuse(request, 529, "overloaded_error", "Overloaded"); });
  endpoint().set_max_attempts(2);
  const auto reply = Start();
  fixture_.timers().AwaitTimer();
  fixture_.timers().Advance(absl::Seconds(1));
  EXPECT_EQ(reply->Get().call.failure(), v1::MODEL_FAILURE_OVERLOADED);
  EXPECT_EQ(reply->Get().call.attempts(), 2);
  EXPECT_EQ(reply->Get().call.http_status(), 529);
  EXPECT_THAT(reply->Get().call.raw_reply(), HasSubstr("Overloaded"));
}

TEST_F(ClientLimitsTest, WaitsAsLongAsTheServerAsks) {
  Serve(FailsFirst(1, [](const SeenRequest& request) {
    ScriptedReply reply = Refuse(request, 429, "rate_limit_exceeded", "slow down");
    reply.headers.emplace_back("Retry-After", "7");
    return reply;
  }));
  endpoint();
  const auto reply = Start();
  ASSERT_LT(fixture_.timers().AwaitTimer(), absl::InfiniteDuration());
  fixture_.timers().Advance(absl::Milliseconds(6900));
  EXPECT_EQ(server_->requests().size(), 1u);
  fixture_.timers().Advance(absl::Seconds(1));
  EXPECT_EQ(reply->Get().choices.at(0).text, "yes");
}

TEST_F(ClientLimitsTest, OthersWaitToo) {
  Serve(FailsFirst(1, [](const SeenRequest& request) {
    return Refuse(request, 429, "rate_limit_exceeded", "Please try again in 20s.");
  }));
  endpoint();
  const auto first = Start("a");
  ASSERT_LT(fixture_.timers().AwaitTimer(), absl::InfiniteDuration());
  const auto second = Start("b");
  while (fixture_.timers().pending() < 2) std::this_thread::yield();
  EXPECT_EQ(server_->requests().size(), 1u);
  fixture_.timers().Advance(absl::Seconds(20));
  EXPECT_EQ(second->Get().choices.at(0).text, "yes");
  fixture_.timers().Advance(absl::Seconds(1));
  EXPECT_EQ(first->Get().choices.at(0).text, "yes");
}

TEST_F(ClientLimitsTest, WaitBeyondTheDeadlineIsNotBegun) {
  Serve([](const SeenRequest& request) {
    return Refuse(request, 429, "rate_limit_exceeded", "Please try again in 20s.");
  });
  endpoint();
  const auto reply = Start("x", CallContext::WithTimeout(absl::Seconds(10)));
  EXPECT_EQ(reply->Get().call.failure(), v1::MODEL_FAILURE_RATE_LIMITED);
  EXPECT_THAT(reply->Get().call.failure_detail(), HasSubstr("asks to wait 20s"));
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(ClientLimitsTest, RepliesThatAreCutOffOrGarbageAreRetried) {
  Serve(FailsFirst(2, [count = std::make_shared<std::atomic<int>>(0)](const SeenRequest& request) {
    ScriptedReply reply = SayText(request, "no");
    if ((*count)++ == 0)
      reply.cut_after = 20;
    else
      reply.body = "garbage";
    return reply;
  }));
  endpoint();
  const auto reply = Start();
  for (int i = 0; i < 2; ++i) {
    ASSERT_LT(fixture_.timers().AwaitTimer(), absl::InfiniteDuration());
    fixture_.timers().Advance(absl::Seconds(1));
  }
  EXPECT_EQ(reply->Get().choices.at(0).text, "yes");
}

TEST_F(ClientLimitsTest, NoMoreRequestsAMinuteThanConfigured) {
  Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  endpoint().set_requests_per_minute(2);
  std::vector<std::shared_ptr<Pending<ChatReply>>> replies;
  for (int i = 0; i < 5; ++i) replies.push_back(Start(absl::StrCat(i)));
  ASSERT_TRUE(server_->WaitForRequests(2));
  fixture_.timers().AwaitTimer();
  fixture_.timers().Advance(absl::Seconds(59));
  EXPECT_EQ(server_->requests().size(), 2u);
  fixture_.timers().Advance(absl::Seconds(1));
  ASSERT_TRUE(server_->WaitForRequests(4));
  fixture_.timers().AwaitTimer();
  fixture_.timers().Advance(absl::Minutes(1));
  for (const auto& reply : replies) EXPECT_EQ(reply->Get().choices.at(0).text, "yes");
}

TEST_F(ClientLimitsTest, NoMoreTokensAMinuteThanConfigured) {
  Serve([](const SeenRequest& request) { return Say(request, {{.text = "yes"}}, {.input = 500, .output = 400}); });
  endpoint().set_tokens_per_minute(1500);
  const auto first = Start("a");
  EXPECT_EQ(first->Get().choices.at(0).text, "yes");  // 900 as reported; 1,024 and a little were estimated.
  const auto second = Start("b");
  ASSERT_LT(fixture_.timers().AwaitTimer(), absl::InfiniteDuration());
  EXPECT_EQ(server_->requests().size(), 1u);
  fixture_.timers().Advance(absl::Minutes(1));
  EXPECT_EQ(second->Get().choices.at(0).text, "yes");
}

TEST_F(ClientLimitsTest, NoMoreRequestsAtOnceThanConfigured) {
  Serve([](const SeenRequest& request) {
    ScriptedReply reply = SayText(request, "yes");
    reply.delay = absl::Milliseconds(5);
    return reply;
  });
  endpoint().set_max_in_flight(3);
  std::vector<std::shared_ptr<Pending<ChatReply>>> replies;
  for (int i = 0; i < 30; ++i) replies.push_back(Start(absl::StrCat(i)));
  for (const auto& reply : replies) EXPECT_EQ(reply->Get().choices.at(0).text, "yes");
  EXPECT_LE(server_->most_at_once(), 3);
}

TEST_F(ClientLimitsTest, BreakerLeavesAFailingServerAloneAndComesBack) {
  Serve(FailsFirst(2, [](const SeenRequest& request) { return Refuse(request, 500, "server_error", "oops"); }));
  endpoint().set_max_attempts(1);
  endpoint().mutable_breaker()->set_failures(2);
  endpoint().mutable_breaker()->mutable_cool_down()->set_seconds(30);
  EXPECT_EQ(Start()->Get().call.failure(), v1::MODEL_FAILURE_SERVER);
  EXPECT_EQ(Start()->Get().call.failure(), v1::MODEL_FAILURE_SERVER);
  const ChatReply refused = Start()->Get();
  EXPECT_EQ(refused.call.failure(), v1::MODEL_FAILURE_UNREACHABLE);
  EXPECT_THAT(refused.call.failure_detail(), HasSubstr("left alone"));
  EXPECT_EQ(refused.call.attempts(), 0);
  EXPECT_EQ(server_->requests().size(), 2u);
  fixture_.timers().Advance(absl::Seconds(30));
  EXPECT_EQ(Start()->Get().choices.at(0).text, "yes");
}

TEST_F(ClientLimitsTest, AttemptThatTakesTooLongIsAbandonedAndRetried) {
  Serve(FailsFirst(1, [](const SeenRequest&) {
    ScriptedReply silent;
    silent.silent = true;
    return silent;
  }));
  endpoint().mutable_attempt_timeout()->set_nanos(100000000);
  const auto reply = Start();
  ASSERT_LT(fixture_.timers().AwaitTimer(), absl::InfiniteDuration());
  fixture_.timers().Advance(absl::Seconds(1));
  EXPECT_EQ(reply->Get().choices.at(0).text, "yes");
  EXPECT_EQ(reply->Get().call.attempts(), 2);
}

}  // namespace
}  // namespace proctor::model
