// A finding for programs.
#ifndef PROCTOR_CLIENTS_CLI_DOCTOR_FINDING_JSON_H_
#define PROCTOR_CLIENTS_CLI_DOCTOR_FINDING_JSON_H_

#include <string>

#include "clients/cli/doctor/checks.h"

namespace proctor::cli::doctor {

// {"health":"ok","subject":"browser","found":"...","mend":"..."}
std::string FindingJson(const Finding& finding, const std::string& health);

}  // namespace proctor::cli::doctor

#endif  // PROCTOR_CLIENTS_CLI_DOCTOR_FINDING_JSON_H_
