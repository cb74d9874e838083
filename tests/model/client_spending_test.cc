// What budgets pay where a server does not say what it took, and whether another attempt is paid for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/failure.h"
#include "tests/model/client_fixture.h"
#include "tests/model/scripted_server.h"

namespace proctor::model {
namespace {

using testing::Contains;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// Replies cost 1,000 dollars a million tokens, and have 1,024 of them at most; prompts are free.
constexpr double kMost = 1.024;

class ClientSpendingTest : public testing::Test {
 protected:
  v1::ModelEndpoint& Serve(ScriptedServer::Script script) {
    server_ = std::make_unique<ScriptedServer>(std::move(script));
    v1::ModelEndpoint& endpoint = (*config_.mutable_endpoints())["main"];
    endpoint.set_server(v1::MODEL_SERVER_OPENAI);
    endpoint.set_base_url(server_->base_url());
    endpoint.set_model("m");
    endpoint.set_max_attempts(1);
    (*config_.mutable_prices())["m"].set_output_usd(1000);
    config_.mutable_cache()->set_enabled(false);
    return endpoint;
  }
  // After "main" in the route "both".
  void ServeNext(ScriptedServer::Script script, double output_usd) {
    next_ = std::make_unique<ScriptedServer>(std::move(script));
    v1::ModelEndpoint& endpoint = (*config_.mutable_endpoints())["next"];
    endpoint.set_server(v1::MODEL_SERVER_OPENAI);
    endpoint.set_base_url(next_->base_url());
    endpoint.set_model("next");
    (*config_.mutable_prices())["next"].set_output_usd(output_usd);
    (*config_.mutable_routes())["both"].add_endpoints("main");
    (*config_.mutable_routes())["both"].add_endpoints("next");
  }
  std::shared_ptr<Pending<ChatReply>> Start(ChatRequest request = Ask("x"), const std::string& route = "main") {
    client_ = fixture_.Create(config_);
    return Begin(*client_, CallContext(), std::move(request), {.route = route, .payer = {.evaluator = "", .job = "", .tenant = "lab"}});
  }
  // Nothing is made up for the record of the call.
  void ExpectEstimated(const ChatReply& reply, double usd) {
    EXPECT_DOUBLE_EQ(client_->budget().Spent("day"), usd);
    EXPECT_THAT(fixture_.charged(), ElementsAre(Pair("lab", DoubleEq(usd))));
    EXPECT_EQ(reply.call.usage().ByteSizeLong(), 0u) << reply.call.usage().ShortDebugString();
  }

  ClientFixture fixture_;
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<ScriptedServer> next_;
  v1::ModelConfig config_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientSpendingTest, AnAttemptThatTimedOutCostsTheEstimate) {
  Serve([](const SeenRequest&) {
    ScriptedReply silent;
    silent.silent = true;
    return silent;
  }).mutable_attempt_timeout()->set_nanos(500'000'000);
  const ChatReply reply = Start()->Get();
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_TIMEOUT);
  ExpectEstimated(reply, kMost);
}

TEST_F(ClientSpendingTest, ARequestThatWasCancelledAfterItWasSentCostsTheEstimate) {
  Serve([](const SeenRequest&) {
    ScriptedReply silent;
    silent.silent = true;
    return silent;
  });
  client_ = fixture_.Create(config_);
  const CallContext context;
  const auto call = Begin(*client_, context, Ask("x"), {.route = "main", .payer = {.evaluator = "", .job = "", .tenant = "lab"}});
  ASSERT_TRUE(server_->WaitForRequests(1));
  context.cancel()->Cancel();
  EXPECT_EQ(call->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
  ExpectEstimated(call->Get(), kMost);
}

TEST_F(ClientSpendingTest, AStreamThatBrokeCostsTheEstimate) {
  Serve([](const SeenRequest& request) {
    ScriptedReply reply = SayText(request, "a text of some length");
    reply.cut_after = reply.body.size() / 2;
    return reply;
  });
  ChatRequest request = Ask("x");
  request.stream = true;
  const ChatReply reply = Start(std::move(request))->Get();
  EXPECT_NE(reply.call.failure(), v1::MODEL_FAILURE_UNSPECIFIED);
  ExpectEstimated(reply, kMost);
}

TEST_F(ClientSpendingTest, AReplyWithoutUsageCostsWhatItsTextComesTo) {
  Serve([](const SeenRequest&) {
    ScriptedReply reply;
    reply.body = absl::StrCat(R"({"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":")",
                              std::string(396, 'x'), R"("}}]})");
    return reply;
  });
  const ChatReply reply = Start()->Get();
  EXPECT_EQ(reply.choices.size(), 1u) << reply.call.failure_detail();
  ExpectEstimated(reply, 0.1);
}

TEST_F(ClientSpendingTest, WhatNeverReachedAServerCostsNothing) {
  Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  server_ = nullptr;
  EXPECT_EQ(Start()->Get().call.failure(), v1::MODEL_FAILURE_UNREACHABLE);
  EXPECT_EQ(client_->budget().Spent("day"), 0);
  EXPECT_THAT(fixture_.charged(), IsEmpty());
}

TEST_F(ClientSpendingTest, WhatTimedOutBeforeItWasSentCostsNothing) {
  v1::ModelEndpoint& endpoint = Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  // It waits for a request, the client for TLS.
  endpoint.set_base_url(absl::StrCat("https://127.0.0.1:", server_->port(), "/v1"));
  endpoint.mutable_attempt_timeout()->set_nanos(100'000'000);
  EXPECT_EQ(Start()->Get().call.failure(), v1::MODEL_FAILURE_TIMEOUT);
  EXPECT_EQ(client_->budget().Spent("day"), 0);
  EXPECT_THAT(fixture_.charged(), IsEmpty());
}

TEST_F(ClientSpendingTest, ARequestThatGotNoReplyCostsTheEstimate) {
  Serve([](const SeenRequest&) {
    ScriptedReply none;
    none.hang_up = true;
    return none;
  });
  const ChatReply reply = Start()->Get();
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_UNREACHABLE);
  ExpectEstimated(reply, kMost);
}

TEST_F(ClientSpendingTest, ARefusalThatBrokeOffCostsNothing) {
  Serve([](const SeenRequest& request) {
    ScriptedReply reply = Refuse(request, 503, "busy", "later");
    reply.cut_after = 1;
    return reply;
  });
  EXPECT_NE(Start()->Get().call.failure(), v1::MODEL_FAILURE_UNSPECIFIED);
  EXPECT_EQ(client_->budget().Spent("day"), 0);
}

TEST_F(ClientSpendingTest, AnEndpointThatCostsNothingIsAskedWhereAnotherAttemptCannotBePaid) {
  Serve([](const SeenRequest& request) { return Say(request, {}, {.input = 1, .output = 1000}); }).set_max_attempts(4);
  ServeNext([](const SeenRequest& request) { return SayText(request, "yes"); }, 0);
  config_.mutable_budgets()->set_day_usd(1.5);
  const ChatReply reply = Start(Ask("x"), "both")->Get();
  EXPECT_EQ(reply.choices.size(), 1u) << reply.call.failure_detail();
  EXPECT_EQ(reply.call.endpoint(), "next");
  EXPECT_THAT(reply.call.fallbacks(), Contains("endpoint: passed over main: MODEL_FAILURE_BUDGET"));
  EXPECT_EQ(server_->requests().size(), 1u);
  EXPECT_DOUBLE_EQ(client_->budget().Spent("day"), 1);
}

TEST_F(ClientSpendingTest, TheNextEndpointIsNotAskedWhereItCannotBePaidEither) {
  Serve([](const SeenRequest& request) { return Say(request, {}, {.input = 1, .output = 1000}); }).set_max_attempts(4);
  ServeNext([](const SeenRequest& request) { return SayText(request, "yes"); }, 1000);
  config_.mutable_budgets()->set_day_usd(1.5);
  EXPECT_EQ(Start(Ask("x"), "both")->Get().call.failure(), v1::MODEL_FAILURE_BUDGET);
  EXPECT_THAT(next_->requests(), IsEmpty());
}

TEST_F(ClientSpendingTest, AnotherAttemptIsNotMadeWhereTheLastHasSpentTheBudget) {
  Serve([](const SeenRequest& request) { return Say(request, {}, {.input = 1, .output = 1000}); }).set_max_attempts(4);
  config_.mutable_budgets()->set_day_usd(1.5);
  const ChatReply reply = Start()->Get();
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_BUDGET);
  EXPECT_THAT(reply.call.failure_detail(), HasSubstr("after MODEL_FAILURE_MALFORMED"));
  EXPECT_EQ(server_->requests().size(), 1u);
  EXPECT_DOUBLE_EQ(client_->budget().Spent("day"), 1);
}

TEST_F(ClientSpendingTest, CallsForWhichRunningOnesLeaveNoRoomWaitForTheirEnd) {
  Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  config_.mutable_budgets()->set_day_usd(1.1);  // Each may cost 1.024 dollars, and costs 0.005.
  client_ = fixture_.Create(config_);
  std::vector<std::shared_ptr<Pending<ChatReply>>> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(Begin(*client_, CallContext(), Ask(absl::StrCat("x", i)), {.route = "main", .payer = {}}));
  for (const auto& call : calls) EXPECT_EQ(call->Get().choices.size(), 1u) << call->Get().call.failure_detail();
  EXPECT_EQ(server_->requests().size(), 8u);
  EXPECT_DOUBLE_EQ(client_->budget().Spent("day"), 0.04);
}

TEST_F(ClientSpendingTest, ACallThatWaitsForRoomEndsWhenItIsCancelled) {
  Serve([](const SeenRequest&) {
    ScriptedReply silent;
    silent.silent = true;
    return silent;
  });
  config_.mutable_budgets()->set_day_usd(1.1);
  client_ = fixture_.Create(config_);
  const auto first = Begin(*client_, CallContext(), Ask("first"), {.route = "main", .payer = {}});
  ASSERT_TRUE(server_->WaitForRequests(1));
  const CallContext cancelled;
  const auto second = Begin(*client_, cancelled, Ask("second"), {.route = "main", .payer = {}});
  cancelled.cancel()->Cancel();
  EXPECT_EQ(second->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
  const auto third = Begin(*client_, CallContext(), Ask("third"), {.route = "main", .payer = {}});
  client_ = nullptr;  // Cancels what is under way, and what waits.
  EXPECT_EQ(third->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
  EXPECT_EQ(first->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(ClientSpendingTest, AnAttemptThatCostNothingIsMadeAgainWithinTheBudgetOfOne) {
  const auto refused = std::make_shared<std::atomic<bool>>(false);
  Serve([refused](const SeenRequest& request) {
    return refused->exchange(true) ? SayText(request, "yes") : Refuse(request, 503, "busy", "later");
  }).set_max_attempts(2);
  config_.mutable_budgets()->set_day_usd(1.03);
  const auto reply = Start();
  ASSERT_LT(fixture_.timers().AwaitTimer(), absl::InfiniteDuration());
  fixture_.timers().Advance(absl::Seconds(1));
  EXPECT_EQ(reply->Get().choices.size(), 1u) << reply->Get().call.failure_detail();
  EXPECT_DOUBLE_EQ(client_->budget().Spent("day"), 0.005);
}

}  // namespace
}  // namespace proctor::model
