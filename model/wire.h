// What goes over the wire, whatever the wire: requests encoded, replies decoded. Pure functions.
#ifndef PROCTOR_MODEL_WIRE_H_
#define PROCTOR_MODEL_WIRE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/chat.h"
#include "proctor/v1/model.pb.h"

namespace proctor::model {

// What an endpoint's dialect of its wire needs to know.
struct WireDialect {
  // The limit is called `max_completion_tokens`.
  bool max_completion_tokens = false;
  // Added to the seed: requests that stand for several choices of one must not all give the same.
  int64_t seed_offset = 0;
};

// The body of a chat request in JSON. `request` is as the endpoint can take it: its model is set, its pictures are
// scaled, nothing in it that the endpoint lacks. Malformed UTF-8 is replaced.
std::string EncodeChat(v1::ModelWire wire, const WireDialect& dialect, const ChatRequest& request);

// The body of an embeddings request of the OpenAI wire.
std::string EncodeEmbed(const EmbedRequest& request);

// What a server said. The choices, and of the call: wire, streamed, model as reported, http_status, tokens, failure.
// Any bytes are a reply, if only a MALFORMED one. The same bytes give the same reply, for ever: they are kept and read
// again. `images`: how many the request had; without any, no reply is NO_VISION.
ChatReply DecodeReply(v1::ModelWire wire, bool streamed, int http_status, std::string_view raw, int images);

// The same for an embeddings reply; MALFORMED unless it has `inputs` vectors of one length.
EmbedReply DecodeEmbedReply(int http_status, std::string_view raw, int inputs);

// Whether a body is a stream of server-sent events, whatever its content type says.
bool LooksStreamed(std::string_view raw);

// The replies to several requests of one call as one: all choices, all tokens; the first failure fails it.
ChatReply MergeReplies(std::vector<ChatReply> replies);

// The reply of a stored call, read again from its raw bytes. The call's other fields are kept as they are.
ChatReply DecodeCall(const v1::ModelCall& call);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_WIRE_H_
