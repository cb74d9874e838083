#include "model/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace proctor::model {
namespace {

EndpointSettings At(v1::ModelServer server, const std::string& base_url) {
  v1::ModelEndpoint endpoint;
  endpoint.set_server(server);
  endpoint.set_base_url(base_url);
  endpoint.set_model("m\"1");
  return ResolveEndpoint("e", endpoint);
}

TEST(KnownCapabilitiesTest, UnknownServerIsTakenToHaveNothing) {
  const Capabilities known = KnownCapabilities(v1::MODEL_SERVER_UNSPECIFIED, {});
  EXPECT_FALSE(known.images || known.audio || known.n || known.seed || known.logprobs || known.json_schema ||
               known.stream || known.embeddings || known.ask_images);
}

TEST(KnownCapabilitiesTest, ConfigurationOverridesTheServersKind) {
  v1::ModelCapabilities configured;
  configured.set_images(true);
  configured.set_n(false);
  const Capabilities known = KnownCapabilities(v1::MODEL_SERVER_VLLM, configured);
  EXPECT_TRUE(known.images);
  EXPECT_FALSE(known.n);
  EXPECT_TRUE(known.logprobs);
}

TEST(KnownCapabilitiesTest, WhatIsConfiguredIsNotAsked) {
  v1::ModelCapabilities configured;
  configured.set_images(false);
  const Capabilities known = KnownCapabilities(v1::MODEL_SERVER_LLAMA_CPP, configured);
  EXPECT_FALSE(known.ask_images);
  EXPECT_TRUE(known.ask_audio);
}

TEST(CapabilityQuestionTest, IsAskedBesideTheBaseUrl) {
  EXPECT_EQ(CapabilityQuestion(At(v1::MODEL_SERVER_LLAMA_CPP, "http://h:1/v1/"))->url, "http://h:1/props");
  const auto ollama = CapabilityQuestion(At(v1::MODEL_SERVER_OLLAMA, "http://h:1/v1"));
  EXPECT_EQ(ollama->url, "http://h:1/api/show");
  EXPECT_EQ(ollama->body, R"({"model":"m\"1"})");
  EXPECT_FALSE(CapabilityQuestion(At(v1::MODEL_SERVER_OPENAI, "http://h:1/v1")).has_value());
}

TEST(ReadCapabilityAnswerTest, ReadsWhatLlamaCppAndOllamaSay) {
  Capabilities llama = KnownCapabilities(v1::MODEL_SERVER_LLAMA_CPP, {});
  EXPECT_TRUE(
      ReadCapabilityAnswer(v1::MODEL_SERVER_LLAMA_CPP, R"({"modalities":{"vision":true,"audio":false}})", llama));
  EXPECT_TRUE(llama.images);
  EXPECT_FALSE(llama.audio);
  EXPECT_FALSE(llama.ask_images);
  Capabilities ollama = KnownCapabilities(v1::MODEL_SERVER_OLLAMA, {});
  EXPECT_TRUE(ReadCapabilityAnswer(v1::MODEL_SERVER_OLLAMA, R"({"capabilities":["completion","vision"]})", ollama));
  EXPECT_TRUE(ollama.images);
}

TEST(ReadCapabilityAnswerTest, NothingSaidChangesNothing) {
  for (const char* body :
       {"", "{}", "[]", "null", "{\"modalities\":7}", "{\"capabilities\"", "{\"modalities\":null}"}) {
    Capabilities llama = KnownCapabilities(v1::MODEL_SERVER_LLAMA_CPP, {});
    EXPECT_FALSE(ReadCapabilityAnswer(v1::MODEL_SERVER_LLAMA_CPP, body, llama)) << body;
    EXPECT_TRUE(llama.ask_images);
  }
}

}  // namespace
}  // namespace proctor::model
