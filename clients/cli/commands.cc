#include "clients/cli/commands.h"

#include "clients/cli/call.h"
#include "clients/cli/help.h"

namespace proctor::cli {
namespace {

absl::Status PrintBashCompletion(Call& call) {
  call.output().Raw(BashCompletion(AllCommands(), GlobalFlags()));
  return absl::OkStatus();
}

std::vector<Command> CompletionCommands() {
  return {{.name = "completion bash",
           .summary = "prints a script that completes proctor's commands",
           .notes = "Now, in this shell:  source <(proctor completion bash)\n"
                    "For good:            proctor completion bash > "
                    "~/.local/share/bash-completion/completions/proctor",
           .run = PrintBashCompletion}};
}

std::vector<Command> Collect() {
  std::vector<Command> all;
  for (const auto& part : {EnvCommands, TaskCommands, SessionCommands, EpisodeCommands,
                           TrajectoryCommands, EvaluatorCommands, VerdictCommands, LabelCommands, RewardCommands,
                           ConsumerCommands, JobCommands, DoctorCommands, CompletionCommands}) {
    for (Command& command : part()) all.push_back(std::move(command));
  }
  return all;
}

}  // namespace

const std::vector<Command>& AllCommands() {
  static const auto& commands = *new std::vector<Command>(Collect());
  return commands;
}

const std::vector<Flag>& GlobalFlags() {
  static const auto& flags = *new std::vector<Flag>{
      {.name = "address",
       .kind = ValueKind::kText,
       .value = "ADDRESS",
       .help = "the server: unix:/path or host:port; default: $PROCTOR_ADDRESS, else the one that "
               "runs on the data "
               "directory, else 127.0.0.1:50551"},
      {.name = "data-dir",
       .kind = ValueKind::kFile,
       .value = "DIR",
       .help = "the server that runs on this data directory, and no other; default $PROCTOR_DATA_DIR"},
      {.name = "token-file",
       .kind = ValueKind::kFile,
       .value = "FILE",
       .help = "a file with the token that the server wants; default $PROCTOR_TOKEN, else "
               "$PROCTOR_TOKEN_FILE"},
      {.name = "token",
       .kind = ValueKind::kText,
       .value = "TOKEN",
       .help = "the token itself; other users of this machine can see it in the list of processes"},
      {.name = "tls-ca",
       .kind = ValueKind::kFile,
       .value = "FILE",
       .help = "TLS, with a certificate of these authorities (PEM; `system`: this machine's); "
               "default $PROCTOR_TLS_CA"},
      {.name = "tls-certificate",
       .kind = ValueKind::kFile,
       .value = "FILE",
       .help = "the client's own certificate; default $PROCTOR_TLS_CERTIFICATE"},
      {.name = "tls-key",
       .kind = ValueKind::kFile,
       .value = "FILE",
       .help = "its key; default $PROCTOR_TLS_KEY"},
      {.name = "tls-server-name",
       .kind = ValueKind::kText,
       .value = "NAME",
       .help = "in the server's certificate, if it is not the address's host; default "
               "$PROCTOR_TLS_SERVER_NAME"},
      {.name = "token-in-plain-text",
       .help = "send the token to another machine without TLS, where everybody on the way reads it"},
      {.name = "json", .help = "protobuf JSON, one object a line"},
      {.name = "timeout",
       .kind = ValueKind::kDuration,
       .value = "TIME",
       .help = "deadline of each call, as 30s or 5m; default 1m",
       .positive = true}};
  return flags;
}

}  // namespace proctor::cli
