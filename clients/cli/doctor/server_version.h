// The version of a running server. The wire does not tell it; metrics do.
#ifndef PROCTOR_CLIENTS_CLI_DOCTOR_SERVER_VERSION_H_
#define PROCTOR_CLIENTS_CLI_DOCTOR_SERVER_VERSION_H_

#include <string>

namespace proctor::cli::doctor {

// Of the server that runs on `data_dir`, as its metrics tell it; "" if it serves none (the default), or they cannot be read. Takes a few
// seconds at most.
std::string ServerVersion(const std::string& data_dir);

}  // namespace proctor::cli::doctor

#endif  // PROCTOR_CLIENTS_CLI_DOCTOR_SERVER_VERSION_H_
