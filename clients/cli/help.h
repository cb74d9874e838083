// --help and bash completion, from the command table.
#ifndef PROCTOR_CLIENTS_CLI_HELP_H_
#define PROCTOR_CLIENTS_CLI_HELP_H_

#include <string>
#include <vector>

#include "clients/cli/command.h"

namespace proctor::cli {

// `topic`: "" for all nouns, "task" for a noun's verbs, "task list" for a command.
std::string HelpText(const std::vector<Command>& commands, const std::vector<Flag>& global_flags,
                     const std::string& topic);

// A script for `source <(proctor completion bash)`.
std::string BashCompletion(const std::vector<Command>& commands,
                           const std::vector<Flag>& global_flags);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_HELP_H_
