// The cache of replies, and identical requests at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "model/failure.h"
#include "tests/model/client_fixture.h"
#include "tests/model/scripted_server.h"

namespace proctor::model {
namespace {

class ClientCacheTest : public testing::Test {
 protected:
  void Serve(ScriptedServer::Script script, v1::ModelServer kind = v1::MODEL_SERVER_OPENAI) {
    server_ = std::make_unique<ScriptedServer>(std::move(script));
    v1::ModelEndpoint& endpoint = (*config_.mutable_endpoints())["main"];
    endpoint.set_server(kind);
    endpoint.set_base_url(server_->base_url());
    endpoint.set_model("m");
    endpoint.set_max_attempts(1);
    (*config_.mutable_prices())["m"].set_output_usd(1000);
    Restart();
  }
  void Restart() {
    client_ = nullptr;
    client_ = fixture_.Create(config_);
  }
  std::shared_ptr<Pending<ChatReply>> Start(ChatRequest request, const CallContext& context = CallContext()) {
    return Begin(*client_, context, std::move(request), {.route = "main", .payer = payer_});
  }
  ChatReply Run(ChatRequest request) { return Start(std::move(request))->Get(); }

  ClientFixture fixture_;
  std::unique_ptr<ScriptedServer> server_;
  v1::ModelConfig config_;
  Payer payer_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientCacheTest, ATenantIsToldOfWhatItPaysAndOfNothingElse) {
  Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  payer_.tenant = "lab";
  Run(Ask("x"));
  payer_.tenant = "other";
  EXPECT_TRUE(Run(Ask("x")).call.cached());
  payer_.tenant = "";
  Run(Ask("y"));
  EXPECT_THAT(fixture_.charged(), testing::ElementsAre(testing::Pair("lab", testing::DoubleEq(0.005))));
}

TEST_F(ClientCacheTest, ATenantPaysForWhatAnEndpointSaidAlsoWhereTheCallFails) {
  Serve([](const SeenRequest& request) { return Say(request, {}); });
  payer_.tenant = "lab";
  EXPECT_EQ(Run(Ask("x")).call.failure(), v1::MODEL_FAILURE_MALFORMED);
  EXPECT_THAT(fixture_.charged(), testing::ElementsAre(testing::Pair("lab", testing::DoubleEq(client_->budget().Spent("day")))));
}

TEST_F(ClientCacheTest, SameRequestIsAnsweredFromTheStoreAlsoAfterARestart) {
  Serve([](const SeenRequest& request) { return Say(request, {{.text = "yes", .log_prob = -0.1}}); });
  const ChatReply first = Run(Ask("x"));
  Restart();
  const ChatReply second = Run(Ask("x"));
  EXPECT_EQ(server_->requests().size(), 1u);
  EXPECT_FALSE(first.call.cached());
  EXPECT_TRUE(second.call.cached());
  EXPECT_EQ(second.call.attempts(), 0);
  EXPECT_EQ(second.call.raw_reply(), first.call.raw_reply());
  EXPECT_EQ(second.call.usage().cost_usd(), first.call.usage().cost_usd());
  EXPECT_EQ(second.choices.at(0).text, "yes");
  EXPECT_EQ(second.choices.at(0).tokens.size(), 1u);
  EXPECT_DOUBLE_EQ(client_->budget().Spent("day"), 0);  // Not loaded: nothing was reserved since the restart.
}

TEST_F(ClientCacheTest, OtherRequestsAndThoseThatSayItAreNot) {
  Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  Run(Ask("x"));
  Run(Ask("y"));
  ChatRequest bypass = Ask("x");
  bypass.bypass_cache = true;
  EXPECT_FALSE(Run(bypass).call.cached());
  ChatRequest streamed = Ask("x");
  streamed.stream = true;
  EXPECT_TRUE(Run(streamed).call.cached());
  EXPECT_EQ(server_->requests().size(), 3u);
}

TEST_F(ClientCacheTest, SeveralRequestsForOneAnswerAreKeptTogether) {
  std::atomic<int> count = 0;
  Serve([&](const SeenRequest& request) { return SayText(request, absl::StrCat("reply ", count++)); },
        v1::MODEL_SERVER_ANTHROPIC);
  ChatRequest request = Ask("x");
  request.sampling.set_n(3);
  const ChatReply first = Run(request);
  const ChatReply second = Run(request);
  EXPECT_EQ(count, 3);
  ASSERT_EQ(second.choices.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(second.choices[i].text, first.choices[i].text);
}

TEST_F(ClientCacheTest, FailuresAndUnusableRepliesAreNotKept) {
  std::atomic<int> count = 0;
  Serve([&](const SeenRequest& request) {
    switch (count++) {
      case 0:
        return Refuse(request, 400, "invalid_request_error", "no");
      case 1:
        return Say(request, {{.text = "ha", .finish_reason = "length"}});
      default:
        return SayText(request, "yes");
    }
  });
  EXPECT_EQ(Run(Ask("x")).call.failure(), v1::MODEL_FAILURE_BAD_REQUEST);
  EXPECT_EQ(Run(Ask("x")).choices.at(0).failure, v1::MODEL_FAILURE_TRUNCATED);
  EXPECT_EQ(Run(Ask("x")).choices.at(0).text, "yes");
  EXPECT_TRUE(Run(Ask("x")).call.cached());
  EXPECT_EQ(count, 3);
}

TEST_F(ClientCacheTest, WithoutADatabaseNothingIsKept) {
  fixture_.with_database = false;
  Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  EXPECT_EQ(Run(Ask("x")).choices.at(0).text, "yes");
  EXPECT_FALSE(Run(Ask("x")).call.cached());
  EXPECT_DOUBLE_EQ(client_->budget().Spent("day"), 0.01);
}

TEST_F(ClientCacheTest, SwitchedOffItKeepsNothing) {
  config_.mutable_cache()->set_enabled(false);
  Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  Run(Ask("x"));
  EXPECT_FALSE(Run(Ask("x")).call.cached());
}

// A server that answers when it is let.
class ClientSingleFlightTest : public ClientCacheTest {
 protected:
  void ServeHeld(int status = 200) {
    Serve([this, status](const SeenRequest& request) {
      while (!released_) std::this_thread::yield();
      return status == 200 ? SayText(request, "yes") : Refuse(request, status, "invalid_request_error", "no");
    });
  }
  std::atomic<bool> released_ = false;
};

TEST_F(ClientSingleFlightTest, IdenticalRequestsAtOnceAreSentOnce) {
  ServeHeld();
  std::vector<std::shared_ptr<Pending<ChatReply>>> replies;
  for (int i = 0; i < 20; ++i) replies.push_back(Start(Ask("x")));
  ASSERT_TRUE(server_->WaitForRequests(1));
  released_ = true;
  int cached = 0;
  for (const auto& reply : replies) {
    EXPECT_EQ(reply->Get().choices.at(0).text, "yes");
    cached += reply->Get().call.cached();
  }
  EXPECT_EQ(server_->requests().size(), 1u);
  EXPECT_EQ(cached, 19);
  EXPECT_DOUBLE_EQ(client_->budget().Spent("day"), 0.005);
}

TEST_F(ClientSingleFlightTest, FollowersShareTheLeadersFailure) {
  ServeHeld(400);
  const auto leader = Start(Ask("x"));
  ASSERT_TRUE(server_->WaitForRequests(1));
  const auto follower = Start(Ask("x"));
  released_ = true;
  EXPECT_EQ(leader->Get().call.failure(), v1::MODEL_FAILURE_BAD_REQUEST);
  EXPECT_EQ(follower->Get().call.failure(), v1::MODEL_FAILURE_BAD_REQUEST);
}

TEST_F(ClientSingleFlightTest, CancelledLeaderLeavesTheRequestToAFollower) {
  ServeHeld();
  const auto cancel = std::make_shared<CancelToken>();
  const auto leader = Start(Ask("x"), CallContext(absl::InfiniteFuture(), cancel));
  ASSERT_TRUE(server_->WaitForRequests(1));
  const auto follower = Start(Ask("x"));
  cancel->Cancel();
  EXPECT_EQ(leader->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
  released_ = true;
  EXPECT_EQ(follower->Get().choices.at(0).text, "yes");
  EXPECT_EQ(server_->requests().size(), 2u);
}

TEST_F(ClientSingleFlightTest, AFollowerWithMoreTimeAsksWhereTheLeaderHadTooLittle) {
  std::atomic<int> count = 0;
  Serve([&](const SeenRequest& request) {
    while (!released_) std::this_thread::yield();
    return count++ == 0 ? Refuse(request, 429, "rate_limit_exceeded", "Please try again in 20s.") : SayText(request, "yes");
  });
  (*config_.mutable_endpoints())["main"].set_max_attempts(2);
  Restart();
  const auto leader = Start(Ask("x"), CallContext::WithTimeout(absl::Seconds(10)));
  ASSERT_TRUE(server_->WaitForRequests(1));
  const auto follower = Start(Ask("x"), CallContext::WithTimeout(absl::Hours(1)));
  // Its deadline: it waits for the leader.
  ASSERT_LT(fixture_.timers().AwaitTimer(), absl::InfiniteDuration());
  released_ = true;
  EXPECT_EQ(leader->Get().call.failure(), v1::MODEL_FAILURE_RATE_LIMITED);
  while (!follower->ready() && fixture_.timers().AwaitTimer() > absl::Seconds(20)) std::this_thread::yield();
  fixture_.timers().Advance(absl::Seconds(20));
  ASSERT_EQ(follower->Get().choices.size(), 1u) << follower->Get().call.failure_detail();
  EXPECT_FALSE(follower->Get().call.cached());
  EXPECT_EQ(server_->requests().size(), 2u);
}

TEST_F(ClientSingleFlightTest, CancelledFollowerDisturbsNobody) {
  ServeHeld();
  const auto leader = Start(Ask("x"));
  ASSERT_TRUE(server_->WaitForRequests(1));
  const auto cancel = std::make_shared<CancelToken>();
  const auto follower = Start(Ask("x"), CallContext(absl::InfiniteFuture(), cancel));
  cancel->Cancel();
  EXPECT_EQ(follower->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
  released_ = true;
  EXPECT_EQ(leader->Get().choices.at(0).text, "yes");
}

}  // namespace
}  // namespace proctor::model
