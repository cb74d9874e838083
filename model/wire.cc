#include "model/wire.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/strings.h"
#include "model/failure.h"
#include "model/prices.h"
#include "model/reply_builder.h"
#include "model/sse.h"
#include "model/wires.h"

namespace proctor::model {
namespace {

// The error of a reply that failed: some servers send it as a stream because a stream was asked for.
Failure HttpFailure(int http_status, std::string_view raw) {
  if (!LooksStreamed(raw)) return ClassifyHttpError(http_status, raw);
  std::string first;
  SseParser parser([&](const SseEvent& event) {
    if (first.empty()) first = event.data;
  });
  parser.Feed(raw);
  parser.Finish();
  return ClassifyHttpError(http_status, first);
}

}  // namespace

std::string EncodeChat(v1::ModelWire wire, const WireDialect& dialect, const ChatRequest& request) {
  if (wire == v1::MODEL_WIRE_ANTHROPIC_MESSAGES) return EncodeAnthropicMessages(request);
  return EncodeOpenAiChat(dialect, request);
}

bool LooksStreamed(std::string_view raw) {
  raw = ToStd(absl::StripLeadingAsciiWhitespace(ToAbsl(raw)));
  if (raw.starts_with("\xEF\xBB\xBF")) raw.remove_prefix(3);
  for (const std::string_view field : {"data:", "event:", ":", "id:", "retry:"}) {
    if (raw.starts_with(field)) return true;
  }
  return false;
}

ChatReply DecodeReply(v1::ModelWire wire, bool streamed, int http_status, std::string_view raw, int images) {
  ReplyBuilder builder;
  const bool anthropic = wire == v1::MODEL_WIRE_ANTHROPIC_MESSAGES;
  if (http_status < 200 || http_status >= 300) {
    builder.SetFailure(HttpFailure(http_status, raw));
  } else if (streamed) {
    anthropic ? DecodeAnthropicStream(raw, builder) : DecodeOpenAiStream(raw, builder);
  } else {
    anthropic ? DecodeAnthropicReply(raw, builder) : DecodeOpenAiReply(raw, builder);
  }
  ChatReply reply = std::move(builder).Build(images);
  reply.call.set_wire(wire);
  reply.call.set_streamed(streamed);
  reply.call.set_http_status(http_status);
  reply.call.set_images(images);
  return reply;
}

ChatReply MergeReplies(std::vector<ChatReply> replies) {
  ChatReply merged = std::move(replies.front());
  for (size_t i = 1; i < replies.size(); ++i) {
    ChatReply& reply = replies[i];
    AddUsage(reply.call.usage(), *merged.call.mutable_usage());
    if (merged.call.failure() == v1::MODEL_FAILURE_UNSPECIFIED) {
      merged.call.set_failure(reply.call.failure());
      merged.call.set_failure_detail(reply.call.failure_detail());
    }
    for (Choice& choice : reply.choices) merged.choices.push_back(std::move(choice));
  }
  if (merged.call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) merged.choices.clear();
  return merged;
}

ChatReply DecodeCall(const v1::ModelCall& call) {
  if (call.failure() != v1::MODEL_FAILURE_UNSPECIFIED) return {.choices = {}, .call = call};
  const auto decode = [&](const std::string& raw) {
    return DecodeReply(call.wire(), LooksStreamed(raw), call.http_status(), raw, call.images());
  };
  std::vector<ChatReply> replies = {decode(call.raw_reply())};
  for (const std::string& raw : call.more_raw_replies()) replies.push_back(decode(raw));
  ChatReply merged = MergeReplies(std::move(replies));
  const v1::ModelFailure failure = merged.call.failure();
  const std::string detail = merged.call.failure_detail();
  merged.call = call;
  merged.call.set_failure(failure);
  merged.call.set_failure_detail(detail);
  return merged;
}

}  // namespace proctor::model
