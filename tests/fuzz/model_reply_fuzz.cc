// What model servers send: the first byte says wire and form, the rest is the body.
#include "common/strings.h"
#include "model/retry.h"
#include "model/sse.h"
#include "model/text_signals.h"
#include "model/wire.h"
#include "tests/fuzz/input.h"

namespace {

using proctor::fuzz::Require;

// The events of a stream, fed in pieces of that size.
std::string Events(std::string_view stream, size_t piece) {
  std::string all;
  proctor::model::SseParser parser(
      [&](const proctor::model::SseEvent& event) { all += event.type + '\1' + event.data + '\2'; });
  for (size_t at = 0; at < stream.size(); at += piece) parser.Feed(stream.substr(at, piece));
  parser.Finish();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body = proctor::fuzz::View(data + 1, size - 1);
  const auto wire =
      (data[0] & 1) != 0 ? proctor::v1::MODEL_WIRE_ANTHROPIC_MESSAGES : proctor::v1::MODEL_WIRE_OPENAI_CHAT;
  const bool streamed = (data[0] & 2) != 0;
  const int status = (data[0] & 4) != 0 ? 400 : 200;
  const auto reply = proctor::model::DecodeReply(wire, streamed, status, body, 1);
  Require(reply.choices.empty() == (reply.call.failure() != proctor::v1::MODEL_FAILURE_UNSPECIFIED),
          "a reply has choices or a reason");
  for (const auto& choice : reply.choices) {
    Require(choice.text == proctor::SanitizeUtf8(choice.text), "texts are UTF-8");
  }
  proctor::v1::ModelCall copy;
  Require(copy.ParseFromString(reply.call.SerializeAsString()), "the record can be stored");
  const auto again = proctor::model::DecodeReply(wire, streamed, status, body, 1);
  Require(again.call.SerializeAsString() == reply.call.SerializeAsString(), "the same bytes mean the same");
  Require(Events(body, 1) == Events(body, body.size() + 1), "events are the same however they are cut");
  proctor::model::DecodeEmbedReply(status, body, 1);
  const auto delay = proctor::model::AskedDelay({{"retry-after", std::string(body)}}, body, absl::UnixEpoch());
  Require(!delay || (*delay >= absl::ZeroDuration() && *delay <= absl::Hours(24)), "delays are within a day");
  proctor::model::SaysNoVision(body);
  proctor::model::SaysRefusal(body);
  return 0;
}
