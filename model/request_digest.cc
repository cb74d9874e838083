#include "model/request_digest.h"

#include <algorithm>

#include "common/ids.h"
#include "common/json.h"
#include "common/strings.h"
#include "model/wires.h"

namespace proctor::model {
namespace {

constexpr int kForm = 1;

Json CanonicalPart(const Part& part) {
  if (const auto* text = std::get_if<TextPart>(&part)) return {{"text", SanitizeUtf8(text->text)}};
  if (const auto* image = std::get_if<ImagePart>(&part)) {
    return {{"image", image->digest.empty() ? Sha256Hex(image->bytes) : image->digest}};
  }
  const auto& audio = std::get<AudioPart>(part);
  return {{"audio", Sha256Hex(audio.bytes)}, {"format", SanitizeUtf8(audio.format)}};
}

Json CanonicalSampling(const v1::Sampling& sampling) {
  Json json = {{"n", std::max(1, sampling.n())},
               {"max_tokens", sampling.max_tokens() > 0 ? sampling.max_tokens() : kDefaultMaxTokens},
               {"top_logprobs", sampling.top_logprobs()}};
  if (sampling.has_temperature()) json["temperature"] = sampling.temperature();
  if (sampling.has_top_p()) json["top_p"] = sampling.top_p();
  if (sampling.has_seed()) json["seed"] = sampling.seed();
  if (!sampling.json_schema().empty()) json["json_schema"] = SanitizeUtf8(sampling.json_schema());
  for (const std::string& stop : sampling.stop()) json["stop"].push_back(SanitizeUtf8(stop));
  return json;
}

}  // namespace

// Members of Json are sorted by name and numbers written in one way: its text is canonical.
std::string RequestDigest(const ChatRequest& request) {
  Json json = {{"form", kForm},
               {"model", SanitizeUtf8(request.model)},
               {"messages", Json::array()},
               {"sampling", CanonicalSampling(request.sampling)}};
  for (const Message& message : request.messages) {
    Json parts = Json::array();
    for (const Part& part : message.parts) parts.push_back(CanonicalPart(part));
    json["messages"].push_back({{"role", static_cast<int>(message.role)}, {"parts", std::move(parts)}});
  }
  return Sha256Hex(DumpJson(json));
}

std::string RequestDigest(const EmbedRequest& request) {
  Json json = {{"form", kForm}, {"model", SanitizeUtf8(request.model)}, {"inputs", Json::array()}};
  for (const std::string& input : request.inputs) json["inputs"].push_back(SanitizeUtf8(input));
  return Sha256Hex(DumpJson(json));
}

}  // namespace proctor::model
