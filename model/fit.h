// A request made to fit an endpoint: pictures scaled, what it lacks replaced by what it has, or refused.
#ifndef PROCTOR_MODEL_FIT_H_
#define PROCTOR_MODEL_FIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/capabilities.h"
#include "model/chat.h"
#include "model/config.h"
#include "model/failure.h"

namespace proctor::model {

struct FittedRequest {
  ChatRequest request;
  // How many times it is sent for the choices that were asked for; the i-th, from 0, with i added to its seed.
  int requests = 1;
  // In the words of ModelCall.fallbacks.
  std::vector<std::string> fallbacks;
  int images = 0;
  // Of one request: its prompt, estimated (a token for 4 bytes of text, 1,000 for a picture, 100 for each KiB of
  // sound).
  int64_t input_tokens = 0;
  // Of one request: the longest reply, all choices together.
  int64_t output_tokens = 0;
};

// BAD_REQUEST: no message, no text or media in any, a picture or sound outside a user's message, a value out of its
// range, a schema that is no JSON object. What the request is in itself, for every endpoint.
Failure CheckRequest(const ChatRequest& request);

// NOT_CAPABLE: the endpoint lacks images, audio or log-probabilities, or takes fewer pictures; BAD_REQUEST: a picture
// is none. Takes what CheckRequest found good. Blocks while pictures are scaled.
Failure FitRequest(const ChatRequest& request, const EndpointSettings& endpoint, const Capabilities& capabilities,
                   FittedRequest& fitted);

// Whether the request has pictures or sound: only then it matters what the server says about itself.
bool HasImages(const ChatRequest& request);
bool HasAudio(const ChatRequest& request);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_FIT_H_
