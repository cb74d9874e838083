#include "model/fit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "model/images.h"
#include "model/wires.h"

namespace proctor::model {
namespace {

template <typename Kind>
int CountParts(const ChatRequest& request) {
  int count = 0;
  for (const Message& message : request.messages) {
    for (const Part& part : message.parts) count += std::holds_alternative<Kind>(part);
  }
  return count;
}

Failure Bad(std::string_view what) { return Fail(v1::MODEL_FAILURE_BAD_REQUEST, what); }

Failure CheckSampling(const v1::Sampling& sampling) {
  if (sampling.n() < 0 || sampling.n() > 128) return Bad("n must be 1 to 128");
  if (sampling.has_temperature() && !(sampling.temperature() >= 0 && sampling.temperature() <= 2)) {
    return Bad("temperature must be 0 to 2");
  }
  if (sampling.has_top_p() && !(sampling.top_p() > 0 && sampling.top_p() <= 1)) return Bad("top_p must be in (0, 1]");
  if (sampling.max_tokens() < 0) return Bad("max_tokens must not be negative");
  if (sampling.stop_size() > 4) return Bad("there can be at most 4 stop texts");
  for (const std::string& stop : sampling.stop()) {
    if (stop.empty()) return Bad("a stop text must not be empty");
  }
  if (sampling.top_logprobs() < 0 || sampling.top_logprobs() > 20) return Bad("top_logprobs must be 0 to 20");
  if (sampling.json_schema().empty()) return {};
  const absl::StatusOr<Json> schema = ParseJson(sampling.json_schema());
  return schema.ok() && schema->is_object() ? Failure() : Bad("json_schema must be a JSON object");
}

int64_t EstimateInput(const ChatRequest& request) {
  int64_t tokens = static_cast<int64_t>(request.sampling.json_schema().size()) / 4;
  for (const Message& message : request.messages) {
    tokens += 4;
    for (const Part& part : message.parts) {
      if (const auto* text = std::get_if<TextPart>(&part)) tokens += static_cast<int64_t>(text->text.size()) / 4 + 1;
      if (std::holds_alternative<ImagePart>(part)) tokens += 1000;
      if (const auto* audio = std::get_if<AudioPart>(&part))
        tokens += static_cast<int64_t>(audio->bytes.size()) / 10 + 1;
    }
  }
  return tokens;
}

// Where the last user's message ends, so that nothing in the prompt comes after it.
void PutSchemaIntoWords(ChatRequest& request) {
  const std::string words =
      absl::StrCat("Reply with one JSON object and nothing else, no code fence. It must fit this JSON schema:\n",
                   request.sampling.json_schema());
  const auto last = std::find_if(request.messages.rbegin(), request.messages.rend(),
                                 [](const Message& message) { return message.role == Role::kUser; });
  if (last != request.messages.rend()) {
    last->parts.push_back(TextPart{words});
  } else {
    request.messages.push_back({.role = Role::kUser, .parts = {TextPart{words}}});
  }
  request.sampling.clear_json_schema();
}

Failure CheckCapable(const ChatRequest& request, const EndpointSettings& endpoint, const Capabilities& capabilities) {
  const auto lacks = [&](const std::string& what) {
    return Fail(v1::MODEL_FAILURE_NOT_CAPABLE, absl::StrCat("endpoint ", endpoint.name, " ", what));
  };
  const int images = CountParts<ImagePart>(request);
  if (images > 0 && !capabilities.images) return lacks("takes no images");
  if (images > endpoint.max_images) return lacks(absl::StrCat("takes ", endpoint.max_images, " images, not ", images));
  if (HasAudio(request) && !capabilities.audio) return lacks("takes no audio");
  if (request.sampling.top_logprobs() > 0 && !capabilities.logprobs) return lacks("gives no log-probabilities");
  return {};
}

void FitSampling(const EndpointSettings& endpoint, const Capabilities& capabilities, FittedRequest& fitted) {
  v1::Sampling& sampling = fitted.request.sampling;
  if (sampling.has_seed() && !capabilities.seed) {
    fitted.fallbacks.push_back("seed: not sent");
    sampling.clear_seed();
  }
  if (sampling.n() > 1 && !capabilities.n) {
    fitted.requests = sampling.n();
    fitted.fallbacks.push_back(absl::StrCat("n: ", sampling.n(), " requests instead of one",
                                            sampling.has_seed() ? ", each with its own seed" : ""));
    sampling.set_n(1);
  }
  if (!sampling.json_schema().empty() && !capabilities.json_schema) {
    fitted.fallbacks.push_back("json_schema: asked for in words");
    PutSchemaIntoWords(fitted.request);
  }
  if (fitted.request.stream && !capabilities.stream) {
    fitted.fallbacks.push_back("stream: the reply in one piece");
    fitted.request.stream = false;
  }
  if (endpoint.wire == v1::MODEL_WIRE_ANTHROPIC_MESSAGES && sampling.temperature() > 1) {
    fitted.fallbacks.push_back(absl::StrCat("temperature: 1 instead of ", sampling.temperature()));
    sampling.set_temperature(1);
  }
}

}  // namespace

bool HasImages(const ChatRequest& request) { return CountParts<ImagePart>(request) > 0; }
bool HasAudio(const ChatRequest& request) { return CountParts<AudioPart>(request) > 0; }

Failure CheckRequest(const ChatRequest& request) {
  bool content = false;
  for (const Message& message : request.messages) {
    for (const Part& part : message.parts) {
      const auto* text = std::get_if<TextPart>(&part);
      if (text == nullptr && message.role != Role::kUser) return Bad("pictures and sound stand in user messages only");
      content = content || (message.role != Role::kSystem && (text == nullptr || !text->text.empty()));
    }
  }
  if (!content) return Bad("the request has no message with content");
  return CheckSampling(request.sampling);
}

Failure FitRequest(const ChatRequest& request, const EndpointSettings& endpoint, const Capabilities& capabilities,
                   FittedRequest& fitted) {
  if (Failure failure = CheckCapable(request, endpoint, capabilities); !failure.ok()) return failure;
  fitted = {.request = request, .requests = 1, .fallbacks = {}};
  if (fitted.request.model.empty()) fitted.request.model = endpoint.model;
  FitSampling(endpoint, capabilities, fitted);
  for (Message& message : fitted.request.messages) {
    for (Part& part : message.parts) {
      auto* image = std::get_if<ImagePart>(&part);
      if (image == nullptr) continue;
      ++fitted.images;
      absl::StatusOr<std::string> small = FitImage(image->bytes, endpoint.image_limits);
      if (!small.ok()) return Bad(absl::StrCat("image ", fitted.images, ": ", small.status().message()));
      image->bytes = *std::move(small);
    }
  }
  fitted.input_tokens = EstimateInput(fitted.request);
  const v1::Sampling& sampling = fitted.request.sampling;
  fitted.output_tokens =
      int64_t{std::max(1, sampling.n())} * (sampling.max_tokens() > 0 ? sampling.max_tokens() : kDefaultMaxTokens);
  return {};
}

}  // namespace proctor::model
