// Requests as they go over the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "common/json.h"
#include "model/wire.h"

namespace proctor::model {
namespace {

using testing::HasSubstr;

constexpr v1::ModelWire kOpenAi = v1::MODEL_WIRE_OPENAI_CHAT;
constexpr v1::ModelWire kAnthropic = v1::MODEL_WIRE_ANTHROPIC_MESSAGES;

ChatRequest Everything() {
  ChatRequest request;
  request.model = "m";
  request.messages = {
      {.role = Role::kSystem, .parts = {TextPart{"You judge."}}},
      {.role = Role::kUser, .parts = {TextPart{"Look:"}, ImagePart{.bytes = "\x89PNG", .digest = ""}}},
      {.role = Role::kAssistant, .parts = {TextPart{"Seen."}}},
      {.role = Role::kUser, .parts = {TextPart{"Well?"}}},
  };
  request.sampling.set_n(2);
  request.sampling.set_temperature(0.25);
  request.sampling.set_top_p(0.5);
  request.sampling.set_seed(7);
  request.sampling.set_max_tokens(50);
  request.sampling.add_stop("END");
  request.sampling.set_json_schema(R"({"type":"object"})");
  request.stream = true;
  return request;
}

void ExpectEncoded(const std::string& encoded, const std::string& expected) {
  const auto got = ParseJson(encoded), wanted = ParseJson(expected);
  ASSERT_TRUE(got.ok() && wanted.ok());
  EXPECT_EQ(DumpJson(*got), DumpJson(*wanted));
}

TEST(EncodeChatTest, OpenAiWireHasEverythingInItsPlace) {
  ChatRequest request = Everything();
  request.sampling.set_top_logprobs(5);
  ExpectEncoded(EncodeChat(kOpenAi, {.seed_offset = 1}, request), R"({
    "model": "m", "n": 2, "temperature": 0.25, "top_p": 0.5, "seed": 8, "max_tokens": 50, "stop": ["END"],
    "logprobs": true, "top_logprobs": 5, "stream": true, "stream_options": {"include_usage": true},
    "response_format": {"type": "json_schema",
                        "json_schema": {"name": "reply", "strict": true, "schema": {"type": "object"}}},
    "messages": [
      {"role": "system", "content": "You judge."},
      {"role": "user", "content": [{"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}]},
      {"role": "assistant", "content": "Seen."},
      {"role": "user", "content": "Well?"}]})");
}

TEST(EncodeChatTest, TheLargestSeedIsFollowedByTheSmallest) {
  ChatRequest request = Everything();
  request.sampling.set_seed(std::numeric_limits<int64_t>::max());
  EXPECT_THAT(EncodeChat(kOpenAi, {.seed_offset = 0}, request), HasSubstr(R"("seed":9223372036854775807,)"));
  EXPECT_THAT(EncodeChat(kOpenAi, {.seed_offset = 1}, request), HasSubstr(R"("seed":-9223372036854775808,)"));
}

TEST(EncodeChatTest, AnthropicWireHasEverythingInItsPlace) {
  ExpectEncoded(EncodeChat(kAnthropic, {}, Everything()), R"({
    "model": "m", "system": "You judge.", "temperature": 0.25, "top_p": 0.5, "max_tokens": 50,
    "stop_sequences": ["END"], "stream": true,
    "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    "messages": [
      {"role": "user", "content": [{"type": "text", "text": "Look:"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}}]},
      {"role": "assistant", "content": [{"type": "text", "text": "Seen."}]},
      {"role": "user", "content": [{"type": "text", "text": "Well?"}]}]})");
}

TEST(EncodeChatTest, WhatIsNotSetIsNotSent) {
  ChatRequest request;
  request.model = "m";
  request.messages = {{.role = Role::kUser, .parts = {TextPart{"x"}}}};
  ExpectEncoded(EncodeChat(kOpenAi, {.max_completion_tokens = true}, request),
                R"({"model": "m", "max_completion_tokens": 1024, "messages": [{"role": "user", "content": "x"}]})");
  ExpectEncoded(EncodeChat(kAnthropic, {}, request), R"({"model": "m", "max_tokens": 1024,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]})");
}

TEST(EncodeChatTest, SoundGoesAsInputAudio) {
  ChatRequest request;
  request.model = "m";
  request.messages = {{.role = Role::kUser, .parts = {TextPart{"x"}, AudioPart{.bytes = "RIFF", .format = "wav"}}}};
  ExpectEncoded(EncodeChat(kOpenAi, {}, request), R"({"model": "m", "max_tokens": 1024, "messages": [{"role": "user",
    "content": [{"type": "text", "text": "x"}, {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}]}]})");
}

TEST(EncodeChatTest, PicturesAreNamedByWhatTheyAre) {
  for (const auto& [bytes, type] : {std::pair<std::string, std::string>{"\xFF\xD8\xFF\xE0", "image/jpeg"},
                                    {"RIFF1234WEBPVP8 ", "image/webp"},
                                    {"\x89PNG\r\n", "image/png"}}) {
    ChatRequest request;
    request.messages = {{.role = Role::kUser, .parts = {ImagePart{.bytes = bytes, .digest = ""}}}};
    EXPECT_NE(EncodeChat(kOpenAi, {}, request).find("data:" + type + ";base64,"), std::string::npos) << type;
  }
}

TEST(EncodeEmbedTest, HasModelAndInputs) {
  ExpectEncoded(EncodeEmbed({.model = "e", .inputs = {"a", "b"}}),
                R"({"model": "e", "input": ["a", "b"], "encoding_format": "float"})");
}

}  // namespace
}  // namespace proctor::model
