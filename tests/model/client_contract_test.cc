// What every wire must do alike: the suite runs once for each, against a scripted server that speaks it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/ids.h"
#include "imaging/image.h"
#include "model/failure.h"
#include "model/wire.h"
#include "tests/model/client_fixture.h"
#include "tests/model/scripted_server.h"

namespace proctor::model {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct WireCase {
  const char* name;
  v1::ModelServer server;
  v1::ModelWire wire;
  // Several choices from one request.
  bool n;
};

class ClientContractTest : public testing::TestWithParam<WireCase> {
 protected:
  void Serve(ScriptedServer::Script script) {
    server_ = std::make_unique<ScriptedServer>(std::move(script));
    client_ = fixture_.Create(Config());
  }
  v1::ModelConfig Config() {
    v1::ModelConfig config;
    v1::ModelEndpoint& endpoint = (*config.mutable_endpoints())["main"];
    endpoint.set_server(GetParam().server);
    endpoint.set_base_url(server_->base_url());
    endpoint.set_model("test-model");
    endpoint.mutable_capabilities()->set_images(true);
    v1::ModelPrice& price = (*config.mutable_prices())["test-model"];
    price.set_input_usd(2);
    price.set_output_usd(10);
    price.set_cached_input_usd(1);
    return config;
  }
  ChatReply Run(ChatRequest request) { return Chat(*client_, std::move(request), "main"); }

  ClientFixture fixture_;
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_P(ClientContractTest, GivesTextUsageAndCost) {
  Serve([](const SeenRequest& request) {
    return Say(request, {{.text = "Status: success", .reasoning = "it did"}},
               {.input = 1000, .output = 50, .cached = 400});
  });
  const ChatReply reply = Run(Ask("Did it work?"));
  ASSERT_TRUE(ToStatus(reply.call).ok()) << ToStatus(reply.call);
  ASSERT_EQ(reply.choices.size(), 1u);
  EXPECT_EQ(reply.choices[0].text, "Status: success");
  EXPECT_EQ(reply.choices[0].reasoning, "it did");
  EXPECT_EQ(reply.call.endpoint(), "main");
  EXPECT_EQ(reply.call.wire(), GetParam().wire);
  EXPECT_EQ(reply.call.model(), "test-model-0001");
  EXPECT_EQ(reply.call.attempts(), 1);
  EXPECT_EQ(reply.call.http_status(), 200);
  EXPECT_FALSE(reply.call.cached());
  EXPECT_EQ(reply.call.usage().input_tokens(), 1000);
  EXPECT_EQ(reply.call.usage().cached_input_tokens(), 400);
  EXPECT_DOUBLE_EQ(reply.call.usage().cost_usd(), (600 * 2 + 400 * 1 + 50 * 10) / 1e6);
  EXPECT_TRUE(IsDigest(reply.call.request_digest()));
}

TEST_P(ClientContractTest, SendsSystemPromptTextAndImages) {
  Serve([](const SeenRequest& request) { return SayText(request, "ok"); });
  const std::string png = *imaging::Encode({.width_px = 2, .height_px = 1, .bgra = std::vector<uint8_t>(8, 255)}, {});
  ChatRequest request = Ask("Look.");
  request.messages.insert(request.messages.begin(), {.role = Role::kSystem, .parts = {TextPart{"You judge."}}});
  request.messages.back().parts.push_back(ImagePart{.bytes = png, .digest = ""});
  request.messages.back().parts.push_back(ImagePart{.bytes = png, .digest = ""});
  const ChatReply reply = Run(request);
  ASSERT_TRUE(ToStatus(reply.call).ok()) << ToStatus(reply.call);
  EXPECT_EQ(reply.call.images(), 2);
  const SeenRequest seen = server_->requests().at(0);
  EXPECT_EQ(seen.wire, GetParam().wire);
  EXPECT_EQ(seen.model, "test-model");
  EXPECT_EQ(seen.system, "You judge.");
  EXPECT_EQ(seen.text, "Look.");
  EXPECT_THAT(seen.images, ElementsAre(png, png));
}

TEST_P(ClientContractTest, StreamGivesTheSameReply) {
  Serve(
      [](const SeenRequest& request) { return Say(request, {{.text = "Grüße\nfrom afar", .reasoning = "why not"}}); });
  ChatRequest whole = Ask("x");
  whole.bypass_cache = true;
  ChatRequest streamed = whole;
  streamed.stream = true;
  const ChatReply first = Run(whole);
  const ChatReply second = Run(streamed);
  EXPECT_TRUE(server_->requests().at(1).stream);
  EXPECT_FALSE(first.call.streamed());
  EXPECT_TRUE(second.call.streamed());
  EXPECT_EQ(second.choices.at(0).text, first.choices.at(0).text);
  EXPECT_EQ(second.choices.at(0).reasoning, "why not");
  EXPECT_EQ(second.call.usage().output_tokens(), first.call.usage().output_tokens());
  EXPECT_EQ(second.call.request_digest(), first.call.request_digest());
}

TEST_P(ClientContractTest, SeveralChoicesComeFromOneOrFromSeveralRequests) {
  Serve([](const SeenRequest& request) { return SayText(request, "yes"); });
  ChatRequest request = Ask("x");
  request.sampling.set_n(3);
  const ChatReply reply = Run(request);
  ASSERT_TRUE(ToStatus(reply.call).ok()) << ToStatus(reply.call);
  EXPECT_EQ(reply.choices.size(), 3u);
  EXPECT_EQ(server_->requests().size(), GetParam().n ? 1u : 3u);
  EXPECT_EQ(reply.call.attempts(), GetParam().n ? 1 : 3);
  EXPECT_EQ(reply.call.usage().input_tokens(), GetParam().n ? 10 : 30);
  if (!GetParam().n) {
    EXPECT_THAT(reply.call.fallbacks(), Contains("n: 3 requests instead of one"));
  }
  const ChatReply again = DecodeCall(reply.call);
  EXPECT_EQ(again.choices.size(), 3u);
  EXPECT_EQ(again.call.SerializeAsString(), reply.call.SerializeAsString());
}

TEST_P(ClientContractTest, RefusalTruncationAndEmptyRepliesHaveTheirReasons) {
  ScriptedChoice choice;
  Serve([&](const SeenRequest& request) { return Say(request, {choice}); });
  const auto reason = [&](ScriptedChoice next) {
    choice = std::move(next);
    ChatRequest request = Ask("x");
    request.bypass_cache = true;
    const ChatReply reply = Run(request);
    EXPECT_TRUE(ToStatus(reply.call).ok());
    return reply.choices.at(0).failure;
  };
  EXPECT_EQ(reason({.text = "", .refusal = "No."}), v1::MODEL_FAILURE_REFUSAL);
  EXPECT_EQ(reason({.text = "half", .finish_reason = "length"}), v1::MODEL_FAILURE_TRUNCATED);
  EXPECT_EQ(reason({.text = ""}), v1::MODEL_FAILURE_EMPTY);
  EXPECT_EQ(reason({.text = "fine"}), v1::MODEL_FAILURE_UNSPECIFIED);
}

TEST_P(ClientContractTest, ErrorsHaveTheirReasonsAndAreNotRepeated) {
  const std::vector<std::tuple<int, std::string, std::string, v1::ModelFailure>> cases = {
      {401, "authentication_error", "wrong key", v1::MODEL_FAILURE_UNAUTHENTICATED},
      {404, "not_found_error", "no such model", v1::MODEL_FAILURE_NO_SUCH_MODEL},
      {400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", v1::MODEL_FAILURE_CONTEXT_TOO_LONG},
      {400, "invalid_request_error", "what is this", v1::MODEL_FAILURE_BAD_REQUEST},
      {402, "billing_error", "no money", v1::MODEL_FAILURE_QUOTA},
  };
  size_t at = 0;
  Serve([&](const SeenRequest& request) {
    const auto& [status, type, message, failure] = cases[at];
    return Refuse(request, status, type, message);
  });
  for (; at < cases.size(); ++at) {
    const ChatReply reply = Run(Ask("x"));
    EXPECT_EQ(reply.call.failure(), std::get<3>(cases[at])) << reply.call.failure_detail();
    EXPECT_EQ(reply.call.attempts(), 1);
    EXPECT_THAT(reply.choices, IsEmpty());
    EXPECT_THAT(reply.call.raw_reply(), HasSubstr(std::get<2>(cases[at])));
  }
}

TEST_P(ClientContractTest, SchemaIsSentAsTheWireHasIt) {
  Serve([](const SeenRequest& request) { return SayText(request, "{\"ok\":true}"); });
  ChatRequest request = Ask("x");
  request.sampling.set_json_schema(R"({"type":"object","properties":{"ok":{"type":"boolean"}}})");
  const ChatReply reply = Run(request);
  ASSERT_TRUE(ToStatus(reply.call).ok()) << ToStatus(reply.call);
  EXPECT_THAT(reply.call.fallbacks(), IsEmpty());
  EXPECT_THAT(server_->requests().at(0).body, HasSubstr("json_schema"));
  EXPECT_EQ(server_->requests().at(0).text, "x");
}

TEST_P(ClientContractTest, StopAndLengthAreSentAsTheWireHasThem) {
  Serve([](const SeenRequest& request) { return SayText(request, "ok"); });
  ChatRequest request = Ask("x");
  request.sampling.add_stop("END");
  request.sampling.set_temperature(0.5);
  request.sampling.set_top_p(0.9);
  Run(request);
  const bool anthropic = GetParam().wire == v1::MODEL_WIRE_ANTHROPIC_MESSAGES;
  const std::string body = server_->requests().at(0).body;
  EXPECT_THAT(body, HasSubstr(anthropic ? "\"stop_sequences\":[\"END\"]" : "\"stop\":[\"END\"]"));
  EXPECT_THAT(body, HasSubstr(":1024"));
  EXPECT_THAT(body, HasSubstr("\"temperature\":0.5"));
  EXPECT_THAT(body, HasSubstr("\"top_p\":0.9"));
}

TEST_P(ClientContractTest, NoTextOfAnyKindBreaksTheRequest) {
  Serve([](const SeenRequest& request) { return SayText(request, "ok"); });
  const ChatReply reply = Run(Ask(std::string("quote \" slash \\ nul \0 bad \xFF\xC3 \xE2\x82\xAC", 33)));
  ASSERT_TRUE(ToStatus(reply.call).ok()) << ToStatus(reply.call);
  EXPECT_EQ(server_->requests().at(0).text,
            std::string("quote \" slash \\ nul \0 bad \xEF\xBF\xBD\xEF\xBF\xBD \xE2\x82\xAC", 37));
}

INSTANTIATE_TEST_SUITE_P(
    Wires, ClientContractTest,
    testing::Values(WireCase{"OpenAi", v1::MODEL_SERVER_OPENAI, v1::MODEL_WIRE_OPENAI_CHAT, true},
                    WireCase{"Vllm", v1::MODEL_SERVER_VLLM, v1::MODEL_WIRE_OPENAI_CHAT, true},
                    WireCase{"LlamaCpp", v1::MODEL_SERVER_LLAMA_CPP, v1::MODEL_WIRE_OPENAI_CHAT, false},
                    WireCase{"Ollama", v1::MODEL_SERVER_OLLAMA, v1::MODEL_WIRE_OPENAI_CHAT, false},
                    WireCase{"Anthropic", v1::MODEL_SERVER_ANTHROPIC, v1::MODEL_WIRE_ANTHROPIC_MESSAGES, false}),
    [](const testing::TestParamInfo<WireCase>& info) { return info.param.name; });

}  // namespace
}  // namespace proctor::model
