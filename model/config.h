// The configuration of models: checked, and with its defaults filled in.
#ifndef PROCTOR_MODEL_CONFIG_H_
#define PROCTOR_MODEL_CONFIG_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "model/circuit_breaker.h"
#include "model/images.h"
#include "model/rate_limit.h"
#include "model/reply_cache.h"
#include "proctor/v1/model.pb.h"

namespace proctor::model {

// What is wrong in a configuration, with the path that YamlLocations::Error takes.
struct ConfigFault {
  std::string path;
  std::string reason;
};
std::vector<ConfigFault> FindConfigFaults(const v1::ModelConfig& config);

// An endpoint as it is used.
struct EndpointSettings {
  std::string name;
  v1::ModelServer server = v1::MODEL_SERVER_UNSPECIFIED;
  v1::ModelWire wire = v1::MODEL_WIRE_OPENAI_CHAT;
  // Without a slash at its end.
  std::string base_url;
  std::string model;
  std::string api_version;
  ImageLimits image_limits;
  int max_images = 50;
  RateLimit::Options rate_limit;
  CircuitBreaker::Options breaker;
  int max_attempts = 4;
  absl::Duration attempt_timeout = absl::Minutes(10);
};

// Takes what has no faults.
EndpointSettings ResolveEndpoint(const std::string& name, const v1::ModelEndpoint& endpoint);
ReplyCache::Options ResolveCache(const v1::ModelReplyCache& cache);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_CONFIG_H_
