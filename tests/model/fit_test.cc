#include "model/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "imaging/image.h"
#include "model/images.h"

namespace proctor::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Noise, which no encoding makes small.
std::string Picture(int width_px, int height_px, imaging::Format format = imaging::Format::kPng) {
  imaging::Image image = {.width_px = width_px, .height_px = height_px, .bgra = {}};
  uint32_t state = 1;
  for (int i = 0; i < width_px * height_px * 4; ++i) {
    state = state * 1664525 + 1013904223;
    image.bgra.push_back(i % 4 == 3 ? 255 : static_cast<uint8_t>(state >> 24));
  }
  return *imaging::Encode(image, {.format = format});
}

TEST(FitImageTest, PictureThatFitsStaysByteForByte) {
  for (const auto format : {imaging::Format::kPng, imaging::Format::kJpeg, imaging::Format::kWebp}) {
    const std::string picture = Picture(100, 50, format);
    EXPECT_EQ(*FitImage(picture, {.max_side_px = 100}), picture);
  }
}

TEST(FitImageTest, LongSideIsScaledAndProportionsStay) {
  const auto info = imaging::Probe(*FitImage(Picture(50, 400), {.max_side_px = 200}));
  EXPECT_EQ(info->width_px, 25);
  EXPECT_EQ(info->height_px, 200);
  EXPECT_EQ(info->format, imaging::Format::kPng);
  const auto thin = imaging::Probe(*FitImage(Picture(1, 900), {.max_side_px = 64}));
  EXPECT_EQ(thin->width_px, 1);
}

TEST(FitImageTest, TooManyBytesBecomeAJpegThatFits) {
  const auto fitted = FitImage(Picture(300, 300), {.max_side_px = 2048, .max_bytes = 20000});
  ASSERT_TRUE(fitted.ok()) << fitted.status();
  EXPECT_LE(fitted->size(), 20000u);
  EXPECT_EQ(imaging::Probe(*fitted)->format, imaging::Format::kJpeg);
}

TEST(FitImageTest, RefusesWhatIsNoPictureOrFitsAtNoSize) {
  EXPECT_EQ(FitImage("nonsense", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FitImage("", {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FitImage(Picture(300, 300), {.max_bytes = 10}).status().code(), absl::StatusCode::kResourceExhausted);
}

ChatRequest WithText() {
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .parts = {TextPart{"text"}}}};
  return request;
}

ChatRequest WithPictures(int count) {
  ChatRequest request = WithText();
  for (int i = 0; i < count; ++i) request.messages[0].parts.push_back(ImagePart{.bytes = Picture(4, 4), .digest = ""});
  return request;
}

EndpointSettings Settings() {
  EndpointSettings settings;
  settings.name = "e";
  settings.model = "endpoint-model";
  settings.max_images = 2;
  return settings;
}

TEST(CheckRequestTest, RefusesWhatNoServerCouldTake) {
  const std::vector<std::function<void(ChatRequest&)>> cases = {
      [](ChatRequest& r) { r.messages.clear(); },
      [](ChatRequest& r) { r.messages[0].parts.clear(); },
      [](ChatRequest& r) { r.messages[0].parts = {TextPart{""}}; },
      [](ChatRequest& r) { r.messages[0].role = Role::kSystem; },
      [](ChatRequest& r) { r.messages[0] = {.role = Role::kAssistant, .parts = {ImagePart{}}}; },
      [](ChatRequest& r) { r.sampling.set_n(129); },
      [](ChatRequest& r) { r.sampling.set_n(-1); },
      [](ChatRequest& r) { r.sampling.set_temperature(2.5); },
      [](ChatRequest& r) { r.sampling.set_temperature(std::nan("")); },
      [](ChatRequest& r) { r.sampling.set_top_p(0); },
      [](ChatRequest& r) { r.sampling.set_max_tokens(-1); },
      [](ChatRequest& r) { r.sampling.set_top_logprobs(21); },
      [](ChatRequest& r) { r.sampling.set_json_schema("{"); },
      [](ChatRequest& r) { r.sampling.set_json_schema("[]"); },
      [](ChatRequest& r) { r.sampling.add_stop(""); },
      [](ChatRequest& r) {
        for (int i = 0; i < 5; ++i) r.sampling.add_stop("x");
      },
  };
  EXPECT_TRUE(CheckRequest(WithText()).ok());
  for (size_t i = 0; i < cases.size(); ++i) {
    ChatRequest request = WithText();
    cases[i](request);
    EXPECT_EQ(CheckRequest(request).kind, v1::MODEL_FAILURE_BAD_REQUEST) << i;
  }
}

TEST(FitRequestTest, LackingMediaAndLogprobsAreRefused) {
  FittedRequest fitted;
  const Failure images = FitRequest(WithPictures(1), Settings(), {}, fitted);
  EXPECT_EQ(images.kind, v1::MODEL_FAILURE_NOT_CAPABLE);
  EXPECT_THAT(images.detail, HasSubstr("endpoint e takes no images"));
  EXPECT_EQ(FitRequest(WithPictures(3), Settings(), {.images = true}, fitted).kind, v1::MODEL_FAILURE_NOT_CAPABLE);
  ChatRequest audio = WithText();
  audio.messages[0].parts.push_back(AudioPart{.bytes = "x", .format = "wav"});
  EXPECT_EQ(FitRequest(audio, Settings(), {.images = true}, fitted).kind, v1::MODEL_FAILURE_NOT_CAPABLE);
  ChatRequest logprobs = WithText();
  logprobs.sampling.set_top_logprobs(5);
  EXPECT_EQ(FitRequest(logprobs, Settings(), {}, fitted).kind, v1::MODEL_FAILURE_NOT_CAPABLE);
  EXPECT_TRUE(FitRequest(logprobs, Settings(), {.logprobs = true}, fitted).ok());
}

TEST(FitRequestTest, OtherLacksHaveDeclaredFallbacks) {
  ChatRequest request = WithText();
  request.sampling.set_n(3);
  request.sampling.set_seed(7);
  request.sampling.set_json_schema("{\"type\":\"object\"}");
  request.stream = true;
  FittedRequest fitted;
  ASSERT_TRUE(FitRequest(request, Settings(), {}, fitted).ok());
  EXPECT_THAT(fitted.fallbacks, ElementsAre("seed: not sent", "n: 3 requests instead of one",
                                            "json_schema: asked for in words", "stream: the reply in one piece"));
  EXPECT_EQ(fitted.requests, 3);
  EXPECT_EQ(fitted.request.sampling.n(), 1);
  EXPECT_FALSE(fitted.request.sampling.has_seed());
  EXPECT_FALSE(fitted.request.stream);
  EXPECT_THAT(std::get<TextPart>(fitted.request.messages[0].parts.back()).text, HasSubstr("{\"type\":\"object\"}"));
  EXPECT_TRUE(fitted.request.sampling.json_schema().empty());
  ASSERT_TRUE(
      FitRequest(request, Settings(), {.n = true, .seed = true, .json_schema = true, .stream = true}, fitted).ok());
  EXPECT_THAT(fitted.fallbacks, IsEmpty());
  EXPECT_EQ(fitted.requests, 1);
}

TEST(FitRequestTest, RequestsThatStandForChoicesHaveTheirOwnSeeds) {
  ChatRequest request = WithText();
  request.sampling.set_n(2);
  request.sampling.set_seed(7);
  FittedRequest fitted;
  ASSERT_TRUE(FitRequest(request, Settings(), {.seed = true}, fitted).ok());
  EXPECT_THAT(fitted.fallbacks, ElementsAre("n: 2 requests instead of one, each with its own seed"));
  EXPECT_EQ(fitted.request.sampling.seed(), 7);
}

TEST(FitRequestTest, ModelIsTheRequestsOrTheEndpoints) {
  FittedRequest fitted;
  ChatRequest request = WithText();
  ASSERT_TRUE(FitRequest(request, Settings(), {}, fitted).ok());
  EXPECT_EQ(fitted.request.model, "endpoint-model");
  request.model = "other";
  ASSERT_TRUE(FitRequest(request, Settings(), {}, fitted).ok());
  EXPECT_EQ(fitted.request.model, "other");
}

TEST(FitRequestTest, PicturesAreScaledAndBrokenOnesNamed) {
  EndpointSettings settings = Settings();
  settings.image_limits.max_side_px = 64;
  ChatRequest request = WithText();
  request.messages[0].parts.push_back(ImagePart{.bytes = Picture(128, 64), .digest = "d"});
  FittedRequest fitted;
  ASSERT_TRUE(FitRequest(request, settings, {.images = true}, fitted).ok());
  const auto& image = std::get<ImagePart>(fitted.request.messages[0].parts[1]);
  EXPECT_EQ(imaging::Probe(image.bytes)->width_px, 64);
  EXPECT_EQ(image.digest, "d");
  EXPECT_EQ(fitted.images, 1);
  EXPECT_GT(fitted.input_tokens, 1000);
  request.messages[0].parts.push_back(ImagePart{.bytes = "broken", .digest = ""});
  const Failure failure = FitRequest(request, settings, {.images = true}, fitted);
  EXPECT_EQ(failure.kind, v1::MODEL_FAILURE_BAD_REQUEST);
  EXPECT_THAT(failure.detail, HasSubstr("image 2"));
}

TEST(FitRequestTest, AnthropicTakesNoTemperatureAboveOne) {
  EndpointSettings settings = Settings();
  settings.wire = v1::MODEL_WIRE_ANTHROPIC_MESSAGES;
  ChatRequest request = WithText();
  request.sampling.set_temperature(1.5);
  FittedRequest fitted;
  ASSERT_TRUE(FitRequest(request, settings, {}, fitted).ok());
  EXPECT_EQ(fitted.request.sampling.temperature(), 1);
  EXPECT_THAT(fitted.fallbacks, ElementsAre("temperature: 1 instead of 1.5"));
}

}  // namespace
}  // namespace proctor::model
