// Errors for programs: what --json writes to stderr.
#ifndef PROCTOR_CLIENTS_CLI_JSON_ERROR_H_
#define PROCTOR_CLIENTS_CLI_JSON_ERROR_H_

#include <string>

#include "absl/status/status.h"

namespace proctor::cli {

// {"error":{"code":"NOT_FOUND","message":"..."}}; with "retry_delay":"1.500s" (as protobuf writes durations) where the server said when to
// try again.
std::string JsonError(const absl::Status& status);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_JSON_ERROR_H_
