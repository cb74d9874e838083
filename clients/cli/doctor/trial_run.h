// Runs a program for a moment.
#ifndef PROCTOR_CLIENTS_CLI_DOCTOR_TRIAL_RUN_H_
#define PROCTOR_CLIENTS_CLI_DOCTOR_TRIAL_RUN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process.h"

namespace proctor::cli::doctor {

struct Trial {
  // It ended by itself in time.
  bool ended = false;
  // The end of what it wrote, at most 4 KiB.
  std::string output;
};

// Runs `arguments` as `user` (as ourselves if unset) in a temporary directory that is its home, for
// at most `timeout`, then kills it and removes the directory. In an argument "@HOME@" becomes that
// directory. Errors if it could not be started.
absl::StatusOr<Trial> TryRun(const std::vector<std::string>& arguments,
                             const std::optional<ProcessOptions::User>& user,
                             absl::Duration timeout);

}  // namespace proctor::cli::doctor

#endif  // PROCTOR_CLIENTS_CLI_DOCTOR_TRIAL_RUN_H_
