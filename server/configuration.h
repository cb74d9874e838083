// The server's configuration: a YAML file, flags over it, defaults under it, checked as a whole.
#ifndef PROCTOR_SERVER_CONFIGURATION_H_
#define PROCTOR_SERVER_CONFIGURATION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/v1/config.pb.h"

namespace proctor::server {

// What the command line asks for.
struct CommandLine {
  enum class Mode { kServe, kHelp, kVersion, kCheckConfig, kFsck, kRepair, kBackup };
  Mode mode = Mode::kServe;
  // kBackup: where to.
  std::string backup_target = "";
  // With every default filled in and checked.
  v1::ServerConfig config;
};

// Reads flags and the file they name. INVALID_ARGUMENT: an unknown flag or a bad value, with the flag or
// "<file>:<line>: <field>" and the reason; NOT_FOUND: no such file.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// The text of --help.
std::string HelpText();

// A loopback address as "127.0.0.1:50551" or "[::1]:0". INVALID_ARGUMENT says why another is refused.
absl::Status CheckListenAddress(const std::string& address);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_CONFIGURATION_H_
