// The command table: one file a noun.
#ifndef PROCTOR_CLIENTS_CLI_COMMANDS_H_
#define PROCTOR_CLIENTS_CLI_COMMANDS_H_

#include <vector>

#include "clients/cli/command.h"

namespace proctor::cli {

std::vector<Command> EnvCommands();
std::vector<Command> TaskCommands();
std::vector<Command> SessionCommands();
std::vector<Command> EpisodeCommands();
std::vector<Command> TrajectoryCommands();
std::vector<Command> EvaluatorCommands();
std::vector<Command> VerdictCommands();
std::vector<Command> LabelCommands();
std::vector<Command> RewardCommands();
std::vector<Command> ConsumerCommands();
std::vector<Command> JobCommands();
std::vector<Command> DoctorCommands();

// `task propose`, one of TaskCommands.
Command ProposeCommand();

// All of them and `completion bash`, in the order of --help.
const std::vector<Command>& AllCommands();
// Flags of every command: --address, --data-dir, --json, --timeout.
const std::vector<Flag>& GlobalFlags();

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_COMMANDS_H_
