// Directories that may not be there yet.
#ifndef PROCTOR_CLIENTS_CLI_DOCTOR_PATHS_H_
#define PROCTOR_CLIENTS_CLI_DOCTOR_PATHS_H_

#include <string>

namespace proctor::cli::doctor {

// `path` or its nearest parent that exists.
std::string NearestExisting(const std::string& path);

}  // namespace proctor::cli::doctor

#endif  // PROCTOR_CLIENTS_CLI_DOCTOR_PATHS_H_
