// The server's configuration: defaults filled in, checked as a whole.
#ifndef PROCTOR_SERVER_CONFIGURATION_H_
#define PROCTOR_SERVER_CONFIGURATION_H_

#include <optional>

#include "absl/status/status.h"
#include "common/yaml_proto.h"
#include "proctor/v1/config.pb.h"
#include "server/auth/auth_config.h"

namespace proctor::server {

// Fills in every default. INVALID_ARGUMENT: a bad value, with its field, its line in the file if `locations` knows it, and the reason.
absl::Status CheckConfiguration(v1::ServerConfig& config, NetworkConsent consent, const std::optional<YamlLocations>& locations);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_CONFIGURATION_H_
