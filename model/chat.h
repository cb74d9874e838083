// What is asked of a model and what it says, whatever the wire.
#ifndef PROCTOR_MODEL_CHAT_H_
#define PROCTOR_MODEL_CHAT_H_

#include <string>
#include <variant>
#include <vector>

#include "proctor/v1/model.pb.h"

namespace proctor::model {

// UTF-8.
struct TextPart {
  std::string text;
};

// An encoded picture (PNG, JPEG or WebP). The client scales it to the endpoint's budget.
struct ImagePart {
  std::string bytes;
  // sha256 (hex) that names the original in requests' digests; empty: of `bytes`.
  std::string digest;
};

// Encoded sound.
struct AudioPart {
  std::string bytes;
  // "wav", "mp3".
  std::string format;
};

using Part = std::variant<TextPart, ImagePart, AudioPart>;

enum class Role { kSystem, kUser, kAssistant };

struct Message {
  Role role = Role::kUser;
  std::vector<Part> parts;
};

struct ChatRequest {
  // Empty: the endpoint's.
  std::string model;
  // System messages first.
  std::vector<Message> messages;
  v1::Sampling sampling;
  // Ask for a stream of events; the reply is the same.
  bool stream = false;
  // Neither read from the cache nor written to it.
  bool bypass_cache = false;
};

// A token with its natural log-probability, 0 or less.
struct TokenLogProb {
  std::string token;
  double log_prob = 0;
};

// One generated token and its most likely alternatives (itself among them, if the server says so).
struct GeneratedToken {
  TokenLogProb chosen;
  std::vector<TokenLogProb> alternatives;
};

// One of n replies.
struct Choice {
  // Without reasoning that the server gives apart.
  std::string text;
  std::string reasoning;
  // The server's own words for the end: "stop", "length", "end_turn", ...
  std::string finish_reason;
  // Why `text` cannot be used; UNSPECIFIED: it can. A truncated reply keeps its text; a refusal's
  // words are the text.
  v1::ModelFailure failure = v1::MODEL_FAILURE_UNSPECIFIED;
  std::string failure_detail;
  // Empty unless asked for and given.
  std::vector<GeneratedToken> tokens;
};

struct ChatReply {
  // In the order of their index; as many as asked for, unless the call as a whole failed.
  std::vector<Choice> choices;
  // Everything but `purpose`, also of a call that failed.
  v1::ModelCall call;
};

struct EmbedRequest {
  // Empty: the endpoint's.
  std::string model;
  // UTF-8, at least one.
  std::vector<std::string> inputs;
};

struct EmbedReply {
  // One for each input, all of one length; none if the call failed.
  std::vector<std::vector<float>> vectors;
  // Everything but `purpose`, also of a call that failed.
  v1::ModelCall call;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_CHAT_H_
