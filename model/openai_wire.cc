#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "model/sse.h"
#include "model/wire_json.h"
#include "model/wires.h"

namespace proctor::model {
namespace {

Json EncodePart(const Part& part) {
  if (const auto* text = std::get_if<TextPart>(&part)) {
    return {{"type", "text"}, {"text", SanitizeUtf8(text->text)}};
  }
  if (const auto* image = std::get_if<ImagePart>(&part)) {
    const std::string url = absl::StrCat("data:", ToAbsl(MediaType(image->bytes)), ";base64,", Base64(image->bytes));
    return {{"type", "image_url"}, {"image_url", {{"url", url}}}};
  }
  const auto& audio = std::get<AudioPart>(part);
  return {{"type", "input_audio"},
          {"input_audio", {{"data", Base64(audio.bytes)}, {"format", SanitizeUtf8(audio.format)}}}};
}

const char* RoleName(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kAssistant:
      return "assistant";
    case Role::kUser:
      break;
  }
  return "user";
}

// Text alone goes as a string: the form that every server takes.
Json EncodeMessage(const Message& message) {
  Json encoded = {{"role", RoleName(message.role)}};
  const bool plain = std::all_of(message.parts.begin(), message.parts.end(),
                                 [](const Part& part) { return std::holds_alternative<TextPart>(part); });
  if (plain && message.parts.size() <= 1) {
    encoded["content"] = message.parts.empty() ? "" : SanitizeUtf8(std::get<TextPart>(message.parts[0]).text);
    return encoded;
  }
  Json parts = Json::array();
  for (const Part& part : message.parts) parts.push_back(EncodePart(part));
  encoded["content"] = std::move(parts);
  return encoded;
}

// Any seed is allowed: the largest is followed by the smallest.
int64_t SeedOf(int64_t seed, int64_t offset) {
  return static_cast<int64_t>(static_cast<uint64_t>(seed) + static_cast<uint64_t>(offset));
}

void EncodeSampling(const WireDialect& dialect, const v1::Sampling& sampling, Json& body) {
  if (sampling.n() > 1) body["n"] = sampling.n();
  if (sampling.has_temperature()) body["temperature"] = sampling.temperature();
  if (sampling.has_top_p()) body["top_p"] = sampling.top_p();
  if (sampling.has_seed()) body["seed"] = SeedOf(sampling.seed(), dialect.seed_offset);
  body[dialect.max_completion_tokens ? "max_completion_tokens" : "max_tokens"] =
      sampling.max_tokens() > 0 ? sampling.max_tokens() : kDefaultMaxTokens;
  for (const std::string& stop : sampling.stop()) body["stop"].push_back(SanitizeUtf8(stop));
  if (sampling.top_logprobs() > 0) {
    body["logprobs"] = true;
    body["top_logprobs"] = sampling.top_logprobs();
  }
  if (sampling.json_schema().empty()) return;
  if (absl::StatusOr<Json> schema = ParseJson(sampling.json_schema()); schema.ok()) {
    body["response_format"] = {{"type", "json_schema"},
                               {"json_schema", {{"name", "reply"}, {"strict", true}, {"schema", *std::move(schema)}}}};
  }
}

TokenLogProb ReadToken(const Json& token) {
  return {.token = JsonStringOr(token, "token"), .log_prob = std::min(0.0, JsonNumberOr(token, "logprob"))};
}

// `content` or, of a refusal, `refusal`; either may be null.
void ReadLogProbs(const Json& choice, GrowingChoice& growing) {
  const Json* logprobs = Member(choice, "logprobs");
  if (logprobs == nullptr) return;
  for (const char* key : {"content", "refusal"}) {
    for (const Json& token : Array(*logprobs, key)) {
      GeneratedToken& generated = growing.tokens.emplace_back();
      generated.chosen = ReadToken(token);
      for (const Json& other : Array(token, "top_logprobs")) {
        generated.alternatives.push_back(ReadToken(other));
      }
    }
  }
}

void ReadUsage(const Json& chunk, ReplyBuilder& reply) {
  const Json* usage = Member(chunk, "usage");
  if (usage == nullptr || !usage->is_object()) return;
  reply.usage().set_input_tokens(Count(*usage, "prompt_tokens"));
  reply.usage().set_output_tokens(Count(*usage, "completion_tokens"));
  if (const Json* details = Member(*usage, "prompt_tokens_details")) {
    reply.usage().set_cached_input_tokens(Count(*details, "cached_tokens"));
  }
}

// An `error` beside or instead of `choices`, or a flat one.
const Json* FindError(const Json& chunk) {
  const Json* error = Member(chunk, "error");
  if (error != nullptr && !error->is_null()) return error;
  if (JsonStringOr(chunk, "object") == "error") return &chunk;
  return nullptr;
}

Failure ReadError(const Json& error) {
  if (error.is_string()) return ClassifyErrorText(200, "", "", error.get<std::string>());
  return ClassifyErrorText(200, Text(error, "type"), Text(error, "code"), Text(error, "message"));
}

// `source` is a choice's `message`, or the `delta` of a stream.
void ReadMessage(const Json& source, GrowingChoice& growing) {
  growing.text += ContentText(source, "content");
  growing.refusal += JsonStringOr(source, "refusal");
  growing.reasoning += JsonStringOr(source, "reasoning_content");
  if (!source.contains("reasoning_content")) growing.reasoning += JsonStringOr(source, "reasoning");
  growing.has_tools = growing.has_tools || !Array(source, "tool_calls").empty();
}

void ReadChoice(const Json& choice, int64_t position, const char* source, ReplyBuilder& reply) {
  if (!choice.is_object()) return;
  const Json* index = Member(choice, "index");
  const bool numbered = index != nullptr && index->is_number_integer();
  GrowingChoice* growing = reply.At(numbered ? index->get<int64_t>() : position);
  if (growing == nullptr) {
    reply.SetFailure(Fail(v1::MODEL_FAILURE_MALFORMED, "a choice's index is out of range"));
    return;
  }
  if (const Json* error = FindError(choice)) reply.SetFailure(ReadError(*error));
  if (const Json* message = Member(choice, source); message != nullptr && message->is_object()) {
    ReadMessage(*message, *growing);
  }
  ReadLogProbs(choice, *growing);
  const std::string reason = JsonStringOr(choice, "finish_reason");
  if (reason.empty()) return;
  growing->finish_reason = reason;
  growing->ended = true;
}

void ReadChoices(const Json& chunk, const char* source, ReplyBuilder& reply) {
  int64_t position = 0;
  for (const Json& choice : Array(chunk, "choices")) ReadChoice(choice, position++, source, reply);
}

}  // namespace

std::string EncodeOpenAiChat(const WireDialect& dialect, const ChatRequest& request) {
  Json body = {{"model", SanitizeUtf8(request.model)}, {"messages", Json::array()}};
  for (const Message& message : request.messages) body["messages"].push_back(EncodeMessage(message));
  EncodeSampling(dialect, request.sampling, body);
  if (request.stream) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
  return DumpJson(body);
}

void DecodeOpenAiReply(std::string_view raw, ReplyBuilder& reply) {
  const absl::StatusOr<Json> body = ParseJson(raw);
  if (!body.ok() || !body->is_object()) {
    reply.SetFailure(
        Fail(v1::MODEL_FAILURE_MALFORMED, absl::StrCat("the reply of ", raw.size(), " bytes is no JSON object")));
    return;
  }
  reply.SetModel(JsonStringOr(*body, "model"));
  ReadUsage(*body, reply);
  if (const Json* error = FindError(*body)) reply.SetFailure(ReadError(*error));
  ReadChoices(*body, "message", reply);
  for (const auto& [index, choice] : reply.choices()) reply.At(index)->ended = true;
}

void DecodeOpenAiStream(std::string_view raw, ReplyBuilder& reply) {
  bool done = false;
  SseParser parser([&](const SseEvent& event) {
    if (done || reply.failed()) return;
    if (event.data == "[DONE]") {
      done = true;
      return;
    }
    const absl::StatusOr<Json> chunk = ParseJson(event.data);
    if (!chunk.ok() || !chunk->is_object()) {
      reply.SetFailure(Fail(v1::MODEL_FAILURE_MALFORMED, "an event of the stream is no JSON object"));
      return;
    }
    reply.SetModel(JsonStringOr(*chunk, "model"));
    ReadUsage(*chunk, reply);
    if (const Json* error = FindError(*chunk)) reply.SetStreamFailure(ReadError(*error));
    ReadChoices(*chunk, "delta", reply);
  });
  parser.Feed(raw);
  parser.Finish();
  if (!done) return;  // Some servers close without [DONE]; then each choice must have ended by itself.
  for (const auto& [index, choice] : reply.choices()) reply.At(index)->ended = true;
}

}  // namespace proctor::model
