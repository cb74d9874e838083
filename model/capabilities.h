// What endpoints can do: known by their kind, configured, or asked.
#ifndef PROCTOR_MODEL_CAPABILITIES_H_
#define PROCTOR_MODEL_CAPABILITIES_H_

#include <optional>
#include <string_view>

#include "model/config.h"
#include "net/http_client.h"
#include "proctor/v1/model.pb.h"

namespace proctor::model {

struct Capabilities {
  bool images = false;
  bool audio = false;
  bool n = false;
  bool seed = false;
  bool logprobs = false;
  bool json_schema = false;
  bool stream = false;
  bool embeddings = false;
  bool max_completion_tokens = false;
  // Whether its model takes images or audio is not configured, and the server can say it.
  bool ask_images = false;
  bool ask_audio = false;
};

Capabilities KnownCapabilities(v1::ModelServer server, const v1::ModelCapabilities& configured);

// The request that asks the server about its model; nothing where no form of asking is known.
std::optional<net::FetchRequest> CapabilityQuestion(const EndpointSettings& endpoint);

// Takes the answer over into what is asked about. False: it says nothing.
bool ReadCapabilityAnswer(v1::ModelServer server, std::string_view body, Capabilities& capabilities);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_CAPABILITIES_H_
