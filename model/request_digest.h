// What makes two requests the same.
#ifndef PROCTOR_MODEL_REQUEST_DIGEST_H_
#define PROCTOR_MODEL_REQUEST_DIGEST_H_

#include <string>

#include "model/chat.h"

namespace proctor::model {

// sha256 (hex) of the request's canonical form: model, messages (media by their digests), sampling with its defaults
// filled in. Independent of the endpoint, of `stream` and of `bypass_cache`; stable across runs and versions: its form
// is "1", and another form would have another number.
std::string RequestDigest(const ChatRequest& request);
std::string RequestDigest(const EmbedRequest& request);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_REQUEST_DIGEST_H_
