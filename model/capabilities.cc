#include "model/capabilities.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/strings.h"
#include "model/wire_json.h"

namespace proctor::model {
namespace {

Capabilities OfServer(v1::ModelServer server) {
  switch (server) {
    case v1::MODEL_SERVER_OPENAI:
    case v1::MODEL_SERVER_AZURE:
      return {.images = true,
              .audio = true,
              .n = true,
              .seed = true,
              .logprobs = true,
              .json_schema = true,
              .stream = true,
              .embeddings = true,
              .max_completion_tokens = true};
    case v1::MODEL_SERVER_VLLM:
    case v1::MODEL_SERVER_SGLANG:
      return {.n = true, .seed = true, .logprobs = true, .json_schema = true, .stream = true, .embeddings = true};
    case v1::MODEL_SERVER_LLAMA_CPP:
      return {.seed = true,
              .logprobs = true,
              .json_schema = true,
              .stream = true,
              .embeddings = true,
              .ask_images = true,
              .ask_audio = true};
    case v1::MODEL_SERVER_OLLAMA:
      return {.seed = true, .json_schema = true, .stream = true, .embeddings = true, .ask_images = true};
    case v1::MODEL_SERVER_OPENROUTER:
      return {.seed = true, .stream = true};
    case v1::MODEL_SERVER_GEMINI:
      return {.images = true, .n = true, .json_schema = true, .stream = true, .embeddings = true};
    case v1::MODEL_SERVER_ANTHROPIC:
      return {.images = true, .json_schema = true, .stream = true};
    default:
      return {};
  }
}

// The server's root: what it says of itself lies beside `/v1`, not below it.
std::string Root(const EndpointSettings& endpoint) {
  return std::string(absl::StripSuffix(absl::StripSuffix(endpoint.base_url, "/"), "/v1"));
}

}  // namespace

Capabilities KnownCapabilities(v1::ModelServer server, const v1::ModelCapabilities& configured) {
  Capabilities known = OfServer(server);
  const auto set = [](bool has, bool value, bool& target) {
    if (has) target = value;
  };
  set(configured.has_images(), configured.images(), known.images);
  set(configured.has_audio(), configured.audio(), known.audio);
  set(configured.has_n(), configured.n(), known.n);
  set(configured.has_seed(), configured.seed(), known.seed);
  set(configured.has_logprobs(), configured.logprobs(), known.logprobs);
  set(configured.has_json_schema(), configured.json_schema(), known.json_schema);
  set(configured.has_stream(), configured.stream(), known.stream);
  set(configured.has_embeddings(), configured.embeddings(), known.embeddings);
  set(configured.has_max_completion_tokens(), configured.max_completion_tokens(), known.max_completion_tokens);
  known.ask_images = known.ask_images && !configured.has_images();
  known.ask_audio = known.ask_audio && !configured.has_audio();
  return known;
}

std::optional<net::FetchRequest> CapabilityQuestion(const EndpointSettings& endpoint) {
  net::FetchRequest request;
  request.max_reply_bytes = 4 << 20;
  if (endpoint.server == v1::MODEL_SERVER_LLAMA_CPP) {
    request.url = absl::StrCat(Root(endpoint), "/props");
    return request;
  }
  if (endpoint.server == v1::MODEL_SERVER_OLLAMA) {
    request.url = absl::StrCat(Root(endpoint), "/api/show");
    request.method = "POST";
    request.headers = {{"content-type", "application/json"}};
    request.body = DumpJson({{"model", SanitizeUtf8(endpoint.model)}});
    return request;
  }
  return std::nullopt;
}

bool ReadCapabilityAnswer(v1::ModelServer server, std::string_view body, Capabilities& capabilities) {
  const absl::StatusOr<Json> answer = ParseJson(body);
  if (!answer.ok() || !answer->is_object()) return false;
  bool images = false, audio = false;
  if (server == v1::MODEL_SERVER_LLAMA_CPP) {
    const Json* modalities = Member(*answer, "modalities");
    if (modalities == nullptr || !modalities->is_object()) return false;
    images = JsonBoolOr(*modalities, "vision");
    audio = JsonBoolOr(*modalities, "audio");
  } else {
    if (Member(*answer, "capabilities") == nullptr) return false;
    for (const Json& capability : Array(*answer, "capabilities")) images = images || capability == "vision";
  }
  if (capabilities.ask_images) capabilities.images = images;
  if (capabilities.ask_audio) capabilities.audio = audio;
  capabilities.ask_images = capabilities.ask_audio = false;
  return true;
}

}  // namespace proctor::model
