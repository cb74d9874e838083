#include <utility>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "model/sse.h"
#include "model/wire_json.h"
#include "model/wires.h"

namespace proctor::model {
namespace {

Json EncodePart(const Part& part) {
  if (const auto* image = std::get_if<ImagePart>(&part)) {
    return {
        {"type", "image"},
        {"source",
         {{"type", "base64"}, {"media_type", std::string(MediaType(image->bytes))}, {"data", Base64(image->bytes)}}}};
  }
  const auto* text = std::get_if<TextPart>(&part);
  return {{"type", "text"}, {"text", text != nullptr ? SanitizeUtf8(text->text) : ""}};
}

std::string SystemText(const ChatRequest& request) {
  std::string system;
  for (const Message& message : request.messages) {
    if (message.role != Role::kSystem) continue;
    for (const Part& part : message.parts) {
      const auto* text = std::get_if<TextPart>(&part);
      if (text == nullptr) continue;
      absl::StrAppend(&system, system.empty() ? "" : "\n\n", SanitizeUtf8(text->text));
    }
  }
  return system;
}

void EncodeSampling(const v1::Sampling& sampling, Json& body) {
  body["max_tokens"] = sampling.max_tokens() > 0 ? sampling.max_tokens() : kDefaultMaxTokens;
  if (sampling.has_temperature()) body["temperature"] = sampling.temperature();
  if (sampling.has_top_p()) body["top_p"] = sampling.top_p();
  for (const std::string& stop : sampling.stop()) body["stop_sequences"].push_back(SanitizeUtf8(stop));
  if (sampling.json_schema().empty()) return;
  if (absl::StatusOr<Json> schema = ParseJson(sampling.json_schema()); schema.ok()) {
    body["output_config"] = {{"format", {{"type", "json_schema"}, {"schema", *std::move(schema)}}}};
  }
}

// Its count of input tokens leaves out what came from the cache and what went into it.
void ReadUsage(const Json& source, ReplyBuilder& reply) {
  const Json* usage = Member(source, "usage");
  if (usage == nullptr || !usage->is_object()) return;
  if (usage->contains("input_tokens")) {
    const int64_t cached = Count(*usage, "cache_read_input_tokens");
    reply.usage().set_cached_input_tokens(cached);
    reply.usage().set_input_tokens(Count(*usage, "input_tokens") + cached +
                                   Count(*usage, "cache_creation_input_tokens"));
  }
  if (usage->contains("output_tokens")) reply.usage().set_output_tokens(Count(*usage, "output_tokens"));
}

Failure ReadError(const Json& body) {
  const Json* error = Member(body, "error");
  if (error == nullptr) return ClassifyErrorText(200, "", "", "an error without words");
  return ClassifyErrorText(200, Text(*error, "type"), Text(*error, "code"), Text(*error, "message"));
}

// A content block, or the delta of one.
void ReadBlock(const Json& block, GrowingChoice& growing) {
  growing.text += JsonStringOr(block, "text");
  growing.reasoning += JsonStringOr(block, "thinking");
  growing.has_tools = growing.has_tools || JsonStringOr(block, "type") == "tool_use";
}

void ReadStop(const Json& source, GrowingChoice& growing) {
  const std::string reason = JsonStringOr(source, "stop_reason");
  if (reason.empty()) return;
  growing.finish_reason = reason;
  growing.ended = true;
}

void ReadEvent(const Json& event, ReplyBuilder& reply) {
  const std::string type = JsonStringOr(event, "type");
  if (type == "error") {
    reply.SetStreamFailure(ReadError(event));
  } else if (type == "message_start") {
    if (const Json* message = Member(event, "message")) {
      reply.SetModel(JsonStringOr(*message, "model"));
      ReadUsage(*message, reply);
    }
    reply.At(0);
  } else if (type == "content_block_start") {
    if (const Json* block = Member(event, "content_block")) ReadBlock(*block, *reply.At(0));
  } else if (type == "content_block_delta") {
    if (const Json* delta = Member(event, "delta")) ReadBlock(*delta, *reply.At(0));
  } else if (type == "message_delta") {
    if (const Json* delta = Member(event, "delta")) ReadStop(*delta, *reply.At(0));
    ReadUsage(event, reply);
  }
}

}  // namespace

std::string EncodeAnthropicMessages(const ChatRequest& request) {
  Json body = {{"model", SanitizeUtf8(request.model)}, {"messages", Json::array()}};
  if (std::string system = SystemText(request); !system.empty()) body["system"] = std::move(system);
  for (const Message& message : request.messages) {
    if (message.role == Role::kSystem) continue;
    Json content = Json::array();
    for (const Part& part : message.parts) content.push_back(EncodePart(part));
    body["messages"].push_back(
        {{"role", message.role == Role::kAssistant ? "assistant" : "user"}, {"content", std::move(content)}});
  }
  EncodeSampling(request.sampling, body);
  if (request.stream) body["stream"] = true;
  return DumpJson(body);
}

void DecodeAnthropicReply(std::string_view raw, ReplyBuilder& reply) {
  const absl::StatusOr<Json> body = ParseJson(raw);
  if (!body.ok() || !body->is_object()) {
    reply.SetFailure(
        Fail(v1::MODEL_FAILURE_MALFORMED, absl::StrCat("the reply of ", raw.size(), " bytes is no JSON object")));
    return;
  }
  if (JsonStringOr(*body, "type") == "error") {
    reply.SetFailure(ReadError(*body));
    return;
  }
  reply.SetModel(JsonStringOr(*body, "model"));
  ReadUsage(*body, reply);
  const Json* content = Member(*body, "content");
  if (content == nullptr || !content->is_array()) return;
  GrowingChoice& growing = *reply.At(0);
  for (const Json& block : *content) ReadBlock(block, growing);
  ReadStop(*body, growing);
  growing.ended = true;
}

void DecodeAnthropicStream(std::string_view raw, ReplyBuilder& reply) {
  SseParser parser([&](const SseEvent& event) {
    if (reply.failed()) return;
    const absl::StatusOr<Json> json = ParseJson(event.data);
    if (!json.ok() || !json->is_object()) {
      reply.SetFailure(Fail(v1::MODEL_FAILURE_MALFORMED, "an event of the stream is no JSON object"));
      return;
    }
    ReadEvent(*json, reply);
  });
  parser.Feed(raw);
  parser.Finish();
}

}  // namespace proctor::model
