// What goes wrong on the way: broken connections, garbage, cut and split bodies, deadlines, cancellation, keys in
// replies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "model/failure.h"
#include "tests/model/client_fixture.h"
#include "tests/model/scripted_server.h"

namespace proctor::model {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::ModelConfig ConfigFor(const std::string& base_url, int max_attempts,
                          v1::ModelServer server = v1::MODEL_SERVER_OPENAI) {
  v1::ModelConfig config;
  v1::ModelEndpoint& endpoint = (*config.mutable_endpoints())["main"];
  endpoint.set_server(server);
  endpoint.set_base_url(base_url);
  endpoint.set_model("m");
  endpoint.set_max_attempts(max_attempts);
  endpoint.mutable_breaker()->set_failures(1000);
  config.mutable_cache()->set_enabled(false);
  return config;
}

// One attempt, one reply of that kind.
ChatReply OneCall(const ScriptedServer::Script& script, ChatRequest request = Ask("x")) {
  ClientFixture fixture;
  const ScriptedServer server(script);
  const auto client = fixture.Create(ConfigFor(server.base_url(), 1));
  return Chat(*client, std::move(request), "main");
}

TEST(ClientFaultsTest, GarbageInPlaceOfHttpIsUnreachable) {
  const ChatReply reply = OneCall([](const SeenRequest&) {
    ScriptedReply garbage;
    garbage.raw = "\x16\x03\x01 nonsense\r\n\r\n";
    return garbage;
  });
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_UNREACHABLE) << reply.call.failure_detail();
  EXPECT_EQ(reply.call.http_status(), 0);
}

TEST(ClientFaultsTest, GarbageInPlaceOfJsonIsMalformedAndKept) {
  const ChatReply reply = OneCall([](const SeenRequest&) {
    ScriptedReply garbage;
    garbage.body = std::string("\x00\xFF{]", 4);
    return garbage;
  });
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_MALFORMED);
  EXPECT_EQ(reply.call.raw_reply(), std::string("\x00\xFF{]", 4));
}

TEST(ClientFaultsTest, ClosedConnectionIsUnreachable) {
  const ChatReply reply = OneCall([](const SeenRequest&) {
    ScriptedReply none;
    none.hang_up = true;
    return none;
  });
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_UNREACHABLE);
}

TEST(ClientFaultsTest, NobodyListensIsUnreachable) {
  uint16_t port = 0;
  {
    const ScriptedServer gone([](const SeenRequest& request) { return SayText(request, "x"); });
    port = gone.port();
  }
  ClientFixture fixture;
  const auto client = fixture.Create(ConfigFor(absl::StrCat("http://127.0.0.1:", port, "/v1"), 1));
  const ChatReply reply = Chat(*client, Ask("x"), "main");
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_UNREACHABLE);
  EXPECT_EQ(ToStatus(reply.call).code(), absl::StatusCode::kUnavailable);
}

class ClientCutTest : public testing::TestWithParam<std::tuple<v1::ModelServer, bool, size_t>> {};

// A chunked body that is cut off at any byte is the right reply, if all of it had come, or a broken connection; nothing
// else.
TEST_P(ClientCutTest, ChunkedBodyCutAtAnyByteIsWholeOrBroken) {
  const auto [kind, stream, chunk] = GetParam();
  std::atomic<size_t> cut_after = 0;
  ClientFixture fixture;
  const ScriptedServer server([&, size = chunk](const SeenRequest& request) {
    ScriptedReply reply = Say(request, {{.text = "yes, äh"}});
    reply.chunk_bytes = size;
    reply.cut_after = cut_after;
    return reply;
  });
  const auto client = fixture.Create(ConfigFor(server.base_url(), 1, kind));
  ChatRequest request = Ask("x");
  request.stream = stream;
  size_t whole = 0, broken = 0;
  // Every byte near the end, where it matters; every seventh before.
  const ChatReply complete = [&] {
    cut_after = 1 << 20;
    return Chat(*client, request, "main");
  }();
  ASSERT_TRUE(ToStatus(complete.call).ok()) << ToStatus(complete.call);
  const size_t size = complete.call.raw_reply().size();
  const size_t framed = size + (size + chunk - 1) / chunk * 6 + 5;
  for (size_t cut = 0; cut < framed; cut += cut + 120 < framed ? 7 : 1) {
    cut_after = cut;
    const ChatReply reply = Chat(*client, request, "main");
    if (ToStatus(reply.call).ok()) {
      EXPECT_EQ(reply.choices.at(0).text, "yes, äh") << cut;
      ++whole;
    } else {
      EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_UNREACHABLE) << cut << " " << reply.call.failure_detail();
      ++broken;
    }
  }
  EXPECT_GT(whole, 0u);
  EXPECT_GT(broken, 20u);
}

INSTANTIATE_TEST_SUITE_P(Wires, ClientCutTest,
                         testing::Combine(testing::Values(v1::MODEL_SERVER_OPENAI, v1::MODEL_SERVER_ANTHROPIC),
                                          testing::Bool(), testing::Values(size_t{64})));

TEST(ClientFaultsTest, StreamInChunksOfAnySizeIsTheSame) {
  std::atomic<size_t> chunk = 1;
  ClientFixture fixture;
  const ScriptedServer server([&](const SeenRequest& request) {
    ScriptedReply reply = Say(request, {{.text = "Grüße"}, {.text = "second"}});
    reply.chunk_bytes = chunk;
    return reply;
  });
  const auto client = fixture.Create(ConfigFor(server.base_url(), 1));
  ChatRequest request = Ask("x");
  request.stream = true;
  request.sampling.set_n(2);
  for (const size_t size : {1, 2, 3, 5, 17, 64, 4096}) {
    chunk = size;
    const ChatReply reply = Chat(*client, request, "main");
    ASSERT_EQ(reply.choices.size(), 2u) << size << " " << reply.call.failure_detail();
    EXPECT_EQ(reply.choices[0].text, "Grüße");
    EXPECT_EQ(reply.choices[1].text, "second");
  }
}

TEST(ClientFaultsTest, FewerChoicesThanAskedForAreMalformed) {
  ChatRequest request = Ask("x");
  request.sampling.set_n(3);
  const ChatReply reply = OneCall(
      [](const SeenRequest& seen) {
        return Say(seen, {{.text = "a"}, {.text = "b"}});
      },
      request);
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_MALFORMED);
  EXPECT_THAT(reply.call.failure_detail(), HasSubstr("2 choices instead of 3"));
}

TEST(ClientFaultsTest, DeadlineEndsASilentServerAndClosesItsConnection) {
  ClientFixture fixture(TimeKind::kReal);
  const ScriptedServer server([](const SeenRequest&) {
    ScriptedReply silent;
    silent.silent = true;
    return silent;
  });
  const auto client = fixture.Create(ConfigFor(server.base_url(), 4));
  const auto reply =
      Begin(*client, CallContext::WithTimeout(absl::Milliseconds(100)), Ask("x"), {.route = "main", .payer = {}});
  EXPECT_EQ(reply->Get().call.failure(), v1::MODEL_FAILURE_TIMEOUT);
  EXPECT_EQ(ToStatus(reply->Get().call).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(server.WaitForConnections(0));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST(ClientFaultsTest, CancellationReachesTheSocket) {
  ClientFixture fixture;
  const ScriptedServer server([](const SeenRequest&) {
    ScriptedReply silent;
    silent.silent = true;
    return silent;
  });
  const auto client = fixture.Create(ConfigFor(server.base_url(), 4));
  const auto cancel = std::make_shared<CancelToken>();
  const auto reply =
      Begin(*client, CallContext(absl::InfiniteFuture(), cancel), Ask("x"), {.route = "main", .payer = {}});
  ASSERT_TRUE(server.WaitForRequests(1));
  cancel->Cancel();
  EXPECT_EQ(reply->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
  EXPECT_TRUE(server.WaitForConnections(0));
}

TEST(ClientFaultsTest, CancellationEndsTheWaitForAnotherAttempt) {
  ClientFixture fixture;
  const ScriptedServer server([](const SeenRequest& request) { return Refuse(request, 503, "busy", "later"); });
  const auto client = fixture.Create(ConfigFor(server.base_url(), 4));
  const auto cancel = std::make_shared<CancelToken>();
  const auto reply =
      Begin(*client, CallContext(absl::InfiniteFuture(), cancel), Ask("x"), {.route = "main", .payer = {}});
  ASSERT_LT(fixture.timers().AwaitTimer(), absl::InfiniteDuration());
  cancel->Cancel();
  EXPECT_EQ(reply->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
  EXPECT_EQ(fixture.timers().pending(), 0u);
}

TEST(ClientFaultsTest, EndOfTheClientEndsItsCalls) {
  ClientFixture fixture;
  const ScriptedServer server([](const SeenRequest&) {
    ScriptedReply silent;
    silent.silent = true;
    return silent;
  });
  auto client = fixture.Create(ConfigFor(server.base_url(), 4));
  const auto reply = Begin(*client, CallContext(), Ask("x"), {.route = "main", .payer = {}});
  ASSERT_TRUE(server.WaitForRequests(1));
  client.reset();
  ASSERT_TRUE(reply->ready());
  EXPECT_EQ(reply->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
}

TEST(ClientFaultsTest, KeyIsSentButStandsNowhereInTheRecord) {
  const std::string key = "sk-secret/with\"odd+chars-0123456789";
  setenv("PROCTOR_TEST_MODEL_KEY", key.c_str(), 1);
  ClientFixture fixture;
  const ScriptedServer server([&](const SeenRequest& request) {
    return Refuse(request, 401, "invalid_api_key",
                  absl::StrCat("Incorrect API key provided: ", key, ", sent as Bearer ", key));
  });
  v1::ModelConfig config = ConfigFor(server.base_url(), 1);
  (*config.mutable_endpoints())["main"].set_key_env("PROCTOR_TEST_MODEL_KEY");
  const auto client = fixture.Create(config);
  const ChatReply reply = Chat(*client, Ask("x"), "main");
  unsetenv("PROCTOR_TEST_MODEL_KEY");
  EXPECT_EQ(server.requests().at(0).Header("authorization"), "Bearer " + key);
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_UNAUTHENTICATED);
  EXPECT_THAT(reply.call.failure_detail(), HasSubstr("[key]"));
  EXPECT_THAT(reply.call.DebugString(), Not(HasSubstr("0123456789")));
}

TEST(ClientFaultsTest, CallsThatCannotBeMadeAreRefusedWithTheirReason) {
  ClientFixture fixture;
  const ScriptedServer server([](const SeenRequest& request) { return SayText(request, "x"); });
  const auto client = fixture.Create(ConfigFor(server.base_url(), 1));
  EXPECT_EQ(Chat(*client, Ask("x"), "nowhere").call.failure(), v1::MODEL_FAILURE_BAD_REQUEST);
  EXPECT_EQ(Chat(*client, ChatRequest(), "main").call.failure(), v1::MODEL_FAILURE_BAD_REQUEST);
  EXPECT_EQ(server.requests().size(), 0u);
}

TEST(ClientFaultsTest, DoneRunsOnceForEachOfHundredsOfCalls) {
  ClientFixture fixture;
  const ScriptedServer server([](const SeenRequest& request) {
    ScriptedReply reply = SayText(request, request.text);
    reply.delay = absl::Milliseconds(20);
    return reply;
  });
  v1::ModelConfig config = ConfigFor(server.base_url(), 1);
  (*config.mutable_endpoints())["main"].set_max_in_flight(200);
  const auto client = fixture.Create(config);
  std::vector<std::shared_ptr<Pending<ChatReply>>> replies;
  for (int i = 0; i < 400; ++i) {
    replies.push_back(Begin(*client, CallContext(), Ask(absl::StrCat(i)), {.route = "main", .payer = {}}));
  }
  for (int i = 0; i < 400; ++i) {
    const ChatReply reply = replies[static_cast<size_t>(i)]->Get();
    ASSERT_TRUE(ToStatus(reply.call).ok()) << ToStatus(reply.call);
    EXPECT_EQ(reply.choices.at(0).text, absl::StrCat(i));
  }
  for (const auto& reply : replies) EXPECT_EQ(reply->times(), 1);
  EXPECT_LE(server.most_at_once(), 200);
}

}  // namespace
}  // namespace proctor::model
