// The server's configuration: defaults filled in, checked as a whole.
#ifndef PROCTOR_SERVER_CONFIGURATION_H_
#define PROCTOR_SERVER_CONFIGURATION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/yaml_proto.h"
#include "proctor/v1/config.pb.h"
#include "server/auth/auth_config.h"

namespace proctor::server {

// Fills in every default but `evaluation.chain`, which means something else where it is written out. INVALID_ARGUMENT: a bad value, with its field, its line in the file if `locations` knows it, and the reason.
absl::Status CheckConfiguration(v1::ServerConfig& config, NetworkConsent consent, const std::optional<YamlLocations>& locations);

// Who judges episodes: `evaluation.chain`, else the task's oracle and, with models, `evaluators/pae` for what the oracle leaves to a judge.
std::vector<std::string> EvaluationChain(const v1::ServerConfig& config);

// `config` with the chain that judges, to be shown. Not to be run: see CheckConfiguration.
v1::ServerConfig WithChainInForce(const v1::ServerConfig& config);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_CONFIGURATION_H_
