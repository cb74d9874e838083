// The two wires behind wire.h. Private to model/.
#ifndef PROCTOR_MODEL_WIRES_H_
#define PROCTOR_MODEL_WIRES_H_

#include <string>
#include <string_view>

#include "model/chat.h"
#include "model/reply_builder.h"
#include "model/wire.h"

namespace proctor::model {

// Longest reply where the request does not say, in tokens.
inline constexpr int kDefaultMaxTokens = 1024;

std::string EncodeOpenAiChat(const WireDialect& dialect, const ChatRequest& request);
// A reply of status 200: in one piece, or a whole stream.
void DecodeOpenAiReply(std::string_view raw, ReplyBuilder& reply);
void DecodeOpenAiStream(std::string_view raw, ReplyBuilder& reply);

std::string EncodeAnthropicMessages(const ChatRequest& request);
void DecodeAnthropicReply(std::string_view raw, ReplyBuilder& reply);
void DecodeAnthropicStream(std::string_view raw, ReplyBuilder& reply);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_WIRES_H_
