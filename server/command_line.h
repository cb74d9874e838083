// proctord's command line: what it asks for, and the configuration that file and flags give.
#ifndef PROCTOR_SERVER_COMMAND_LINE_H_
#define PROCTOR_SERVER_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proctor/v1/config.pb.h"

namespace proctor::server {

struct CommandLine {
  enum class Mode { kServe, kHelp, kVersion, kCheckConfig, kNewToken, kFsck, kRepair, kBackup };
  Mode mode = Mode::kServe;
  // kBackup: where to.
  std::string backup_target = "";
  // With every default filled in and checked.
  v1::ServerConfig config;
  // For kNewToken: what was asked for, not checked yet (MakeToken does).
  v1::Token token;
};

// Reads flags and the file they name. INVALID_ARGUMENT: an unknown flag or a bad value, with the flag or
// "<file>:<line>: <field>" and the reason; NOT_FOUND: no such file.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

// The text of --help.
std::string HelpText();

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_COMMAND_LINE_H_
