// Routes of several endpoints, capabilities, embeddings, budgets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "imaging/image.h"
#include "model/failure.h"
#include "tests/model/client_fixture.h"
#include "tests/model/scripted_server.h"

namespace proctor::model {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Two servers behind one route.
class ClientFailoverTest : public testing::Test {
 protected:
  ClientFailoverTest()
      : first_([this](const SeenRequest& request) { return first_script_(request); }),
        second_([](const SeenRequest& request) { return SayText(request, "second"); }) {
    Add("first", first_, v1::MODEL_SERVER_OPENAI).set_max_attempts(1);
    Add("second", second_, v1::MODEL_SERVER_ANTHROPIC);
    (*config_.mutable_routes())["both"].add_endpoints("first");
    (*config_.mutable_routes())["both"].add_endpoints("second");
  }
  v1::ModelEndpoint& Add(const std::string& name, const ScriptedServer& server, v1::ModelServer kind) {
    v1::ModelEndpoint& endpoint = (*config_.mutable_endpoints())[name];
    endpoint.set_server(kind);
    endpoint.set_base_url(server.base_url());
    endpoint.set_model(name + "-model");
    return endpoint;
  }
  ChatReply Run(ChatRequest request = Ask("x"), ChatOptions options = {.route = "both", .payer = {}}) {
    if (client_ == nullptr) client_ = fixture_.Create(config_);
    return Begin(*client_, CallContext(), std::move(request), std::move(options))->Get();
  }

  ScriptedServer::Script first_script_ = [](const SeenRequest& request) { return SayText(request, "first"); };
  ClientFixture fixture_;
  ScriptedServer first_;
  ScriptedServer second_;
  v1::ModelConfig config_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientFailoverTest, FirstEndpointAnswersWhileItCan) {
  EXPECT_EQ(Run().choices.at(0).text, "first");
  EXPECT_THAT(second_.requests(), IsEmpty());
}

TEST_F(ClientFailoverTest, WhatLiesWithTheEndpointGoesToTheNext) {
  const std::vector<std::pair<int, std::string>> failures = {{500, "server_error"},       {529, "overloaded_error"},
                                                             {401, "invalid_api_key"},    {404, "model_not_found"},
                                                             {429, "insufficient_quota"}, {429, "rate_limit_exceeded"}};
  size_t at = 0;
  first_script_ = [&](const SeenRequest& request) {
    return Refuse(request, failures[at].first, failures[at].second, "no");
  };
  config_.mutable_cache()->set_enabled(false);
  for (; at < failures.size(); ++at) {
    const ChatReply reply = Run();
    ASSERT_TRUE(ToStatus(reply.call).ok()) << ToStatus(reply.call);
    EXPECT_EQ(reply.choices.at(0).text, "second");
    EXPECT_EQ(reply.call.endpoint(), "second");
    EXPECT_EQ(reply.call.wire(), v1::MODEL_WIRE_ANTHROPIC_MESSAGES);
    EXPECT_EQ(reply.call.model(), "second-model-0001");
    EXPECT_EQ(reply.call.attempts(), 2);
    EXPECT_THAT(reply.call.fallbacks(), Contains(HasSubstr("endpoint: passed over first: MODEL_FAILURE_")));
  }
}

TEST_F(ClientFailoverTest, WhatLiesWithTheRequestDoesNot) {
  first_script_ = [&](const SeenRequest& request) {
    return Refuse(request, 400, "context_length_exceeded", "too long");
  };
  EXPECT_EQ(Run().call.failure(), v1::MODEL_FAILURE_CONTEXT_TOO_LONG);
  EXPECT_THAT(second_.requests(), IsEmpty());
}

TEST_F(ClientFailoverTest, LongWaitGoesToTheNext) {
  (*config_.mutable_endpoints())["first"].set_max_attempts(5);
  first_script_ = [&](const SeenRequest& request) {
    return Refuse(request, 429, "rate_limit_exceeded", "try again in 48s");
  };
  EXPECT_EQ(Run().choices.at(0).text, "second");
  EXPECT_EQ(first_.requests().size(), 1u);
  EXPECT_EQ(Run(Ask("another")).choices.at(0).text, "second");  // The first is still paused.
  EXPECT_EQ(first_.requests().size(), 1u);
}

TEST_F(ClientFailoverTest, FullEndpointIsPassedOverAfterTwoSeconds) {
  first_script_ = [](const SeenRequest&) {
    ScriptedReply silent;
    silent.silent = true;
    return silent;
  };
  (*config_.mutable_endpoints())["first"].set_max_in_flight(1);
  client_ = fixture_.Create(config_);
  const CallContext busy;
  const auto holds = Begin(*client_, busy, Ask("a"), {.route = "first", .payer = {}});
  ASSERT_TRUE(first_.WaitForRequests(1));
  const auto waits = Begin(*client_, CallContext(), Ask("b"), {.route = "both", .payer = {}});
  EXPECT_EQ(fixture_.timers().AwaitTimer(), absl::Seconds(2));
  fixture_.timers().Advance(absl::Seconds(2));
  EXPECT_EQ(waits->Get().choices.at(0).text, "second");
  EXPECT_THAT(waits->Get().call.fallbacks(), Contains(HasSubstr("passed over first: MODEL_FAILURE_RATE_LIMITED")));
  busy.cancel()->Cancel();
  EXPECT_EQ(holds->Get().call.failure(), v1::MODEL_FAILURE_CANCELLED);
}

TEST_F(ClientFailoverTest, ReplyOfTheNextIsKeptForTheNextTimeToo) {
  first_script_ = [&](const SeenRequest& request) { return Refuse(request, 401, "invalid_api_key", "no"); };
  const ChatReply asked = Run();
  client_ = nullptr;
  const ChatReply again = Run();
  EXPECT_EQ(second_.requests().size(), 1u);
  EXPECT_EQ(first_.requests().size(), 2u);
  EXPECT_FALSE(asked.call.cached());
  EXPECT_TRUE(again.call.cached());
  EXPECT_EQ(again.call.attempts(), 0);
  EXPECT_EQ(again.call.endpoint(), "second");
  EXPECT_EQ(again.choices.at(0).text, "second");
  EXPECT_THAT(again.call.fallbacks(), testing::ElementsAreArray(asked.call.fallbacks()));
}

TEST_F(ClientFailoverTest, LastReasonStandsIfAllFail) {
  first_script_ = [&](const SeenRequest& request) { return Refuse(request, 401, "invalid_api_key", "no"); };
  config_.mutable_endpoints()->at("second").set_base_url(first_.base_url());
  const ChatReply reply = Run();
  EXPECT_EQ(reply.call.failure(), v1::MODEL_FAILURE_UNAUTHENTICATED);
  EXPECT_EQ(reply.call.endpoint(), "second");
  EXPECT_THAT(reply.choices, IsEmpty());
}

TEST_F(ClientFailoverTest, EndpointWithoutTheCapabilityIsPassedOver) {
  ChatRequest request = Ask("look");
  request.messages[0].parts.push_back(
      ImagePart{.bytes = *imaging::Encode({.width_px = 1, .height_px = 1, .bgra = {1, 2, 3, 255}}, {}), .digest = ""});
  config_.mutable_endpoints()->at("first").mutable_capabilities()->set_images(false);
  EXPECT_EQ(Run(request).choices.at(0).text, "second");
  EXPECT_THAT(first_.requests(), IsEmpty());
  const ChatReply alone = Run(request, {.route = "first", .payer = {}});
  EXPECT_EQ(alone.call.failure(), v1::MODEL_FAILURE_NOT_CAPABLE);
  EXPECT_EQ(ToStatus(alone.call).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ClientFailoverTest, ServerIsAskedOnceWhetherItSeesAndOnlyIfThatMatters) {
  first_script_ = [&](const SeenRequest& request) {
    if (request.target != "/props") return SayText(request, "seen");
    ScriptedReply reply;
    reply.body = R"({"modalities":{"vision":true,"audio":false}})";
    return reply;
  };
  Add("first", first_, v1::MODEL_SERVER_LLAMA_CPP);
  Run(Ask("no picture"));
  EXPECT_EQ(first_.requests().size(), 1u);
  ChatRequest request = Ask("look");
  request.messages[0].parts.push_back(
      ImagePart{.bytes = *imaging::Encode({.width_px = 1, .height_px = 1, .bgra = {1, 2, 3, 255}}, {}), .digest = ""});
  request.bypass_cache = true;
  EXPECT_EQ(Run(request).choices.at(0).text, "seen");
  EXPECT_EQ(Run(request).choices.at(0).text, "seen");
  std::vector<std::string> targets;
  for (const SeenRequest& seen : first_.requests()) targets.push_back(seen.target);
  EXPECT_THAT(targets, ElementsAre("/v1/chat/completions", "/props", "/v1/chat/completions", "/v1/chat/completions"));
}

TEST_F(ClientFailoverTest, AzureTakesItsKeyAndVersionInItsOwnPlaces) {
  setenv("PROCTOR_TEST_AZURE_KEY", "azure-key-1", 1);
  v1::ModelEndpoint& endpoint = Add("first", first_, v1::MODEL_SERVER_AZURE);
  endpoint.set_key_env("PROCTOR_TEST_AZURE_KEY");
  endpoint.set_api_version("2030-01-01");
  EXPECT_EQ(Run().choices.at(0).text, "first");
  unsetenv("PROCTOR_TEST_AZURE_KEY");
  const SeenRequest seen = first_.requests().at(0);
  EXPECT_EQ(seen.target, "/v1/chat/completions?api-version=2030-01-01");
  EXPECT_EQ(seen.Header("api-key"), "azure-key-1");
  EXPECT_EQ(seen.Header("authorization"), "");
  EXPECT_THAT(seen.body, HasSubstr("max_completion_tokens"));
}

TEST_F(ClientFailoverTest, AnthropicTakesItsKeyInItsOwnHeader) {
  setenv("PROCTOR_TEST_ANTHROPIC_KEY", "anthropic-key-1", 1);
  config_.mutable_endpoints()->at("second").set_key_env("PROCTOR_TEST_ANTHROPIC_KEY");
  EXPECT_EQ(Run(Ask("x"), {.route = "second", .payer = {}}).choices.at(0).text, "second");
  unsetenv("PROCTOR_TEST_ANTHROPIC_KEY");
  EXPECT_EQ(second_.requests().at(0).Header("x-api-key"), "anthropic-key-1");
  EXPECT_EQ(second_.requests().at(0).Header("anthropic-version"), "2023-06-01");
  EXPECT_EQ(second_.requests().at(0).target, "/v1/messages");
}

TEST_F(ClientFailoverTest, EmbeddingsComeInTheOrderOfTheirInputs) {
  first_script_ = [](const SeenRequest& request) { return EmbedAll(request); };
  const auto client = fixture_.Create(config_);
  const EmbedReply reply = Embed(*client, {.model = "", .inputs = {"one", "seven"}}, "first");
  ASSERT_TRUE(ToStatus(reply.call).ok()) << ToStatus(reply.call);
  EXPECT_THAT(reply.vectors, ElementsAre(ElementsAre(3, 0, 1), ElementsAre(5, 1, 1)));
  EXPECT_EQ(reply.call.usage().input_tokens(), 7);
  EXPECT_EQ(first_.requests().at(0).target, "/v1/embeddings");
  const EmbedReply lacking = Embed(*client, {.model = "", .inputs = {"one"}}, "second");
  EXPECT_EQ(lacking.call.failure(), v1::MODEL_FAILURE_NOT_CAPABLE);
  EXPECT_EQ(Embed(*client, {.model = "", .inputs = {}}, "first").call.failure(), v1::MODEL_FAILURE_BAD_REQUEST);
}

TEST_F(ClientFailoverTest, SpentBudgetIsResourceExhaustedAndStaysSoAfterARestart) {
  (*config_.mutable_prices())["first-model"].set_output_usd(1000);  // 1,024 tokens may cost 1.024 dollars.
  config_.mutable_budgets()->set_evaluator_usd(1.03);
  config_.mutable_cache()->set_enabled(false);
  first_script_ = [](const SeenRequest& request) {
    return Say(request, {{.text = "yes"}}, {.input = 1, .output = 20});
  };
  const ChatOptions judge = {.route = "first", .payer = {.evaluator = "evaluators/judge", .job = ""}};
  const ChatReply paid = Run(Ask("x"), judge);
  ASSERT_TRUE(ToStatus(paid.call).ok()) << ToStatus(paid.call);
  EXPECT_DOUBLE_EQ(paid.call.usage().cost_usd(), 0.02);
  const ChatReply refused = Run(Ask("x"), judge);
  EXPECT_EQ(refused.call.failure(), v1::MODEL_FAILURE_BUDGET);
  EXPECT_EQ(ToStatus(refused.call).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(first_.requests().size(), 1u);
  EXPECT_DOUBLE_EQ(client_->budget().Spent("evaluator:evaluators/judge"), 0.02);
  client_ = nullptr;
  EXPECT_EQ(Run(Ask("x"), judge).call.failure(), v1::MODEL_FAILURE_BUDGET);
  EXPECT_TRUE(
      ToStatus(Run(Ask("x"), {.route = "first", .payer = {.evaluator = "evaluators/other", .job = ""}}).call).ok());
}

TEST_F(ClientFailoverTest, FaultsOfTheConfigurationAreNamed) {
  config_.mutable_endpoints()->at("first").set_base_url("gopher://x");
  const absl::Status fault = fixture_.TryCreate(config_).status();
  EXPECT_EQ(fault.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(fault.message()), HasSubstr("endpoints.first.base_url"));
  config_.mutable_endpoints()->at("first").set_base_url(first_.base_url());
  config_.mutable_endpoints()->at("first").set_key_env("PROCTOR_TEST_NO_SUCH_KEY");
  const absl::Status key = fixture_.TryCreate(config_).status();
  EXPECT_EQ(key.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(key.message()), HasSubstr("endpoints.first"));
}

}  // namespace
}  // namespace proctor::model
