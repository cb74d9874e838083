// A command as data. Parsing, --help and completion all read the same table (commands.h).
#ifndef PROCTOR_CLIENTS_CLI_COMMAND_H_
#define PROCTOR_CLIENTS_CLI_COMMAND_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"

namespace proctor::cli {

class Call;

// What a flag's value must look like. Checked while the line is parsed.
enum class ValueKind {
  kSwitch,    // No value.
  kText,      // Any text.
  kInteger,   // A whole number from `low` to `high`.
  kDuration,  // "30s", "1h30m"; not negative, not infinite.
  kChoice,    // One of `choices`.
  kFile,      // A path; completed as one.
  kPair,      // "key=value".
};

// Flags of the same name have the same kind in every command (tested), so that completion can tell
// a flag's value from an argument.
struct Flag {
  // Without the dashes.
  std::string name;
  // "-f" means the same; 0: there is none.
  char letter = 0;
  ValueKind kind = ValueKind::kSwitch;
  // What --help calls the value; empty for switches.
  std::string value = {};
  std::string help = {};
  std::vector<std::string> choices = {};
  // May be given several times.
  bool repeated = false;
  // The command is refused without it.
  bool required = false;
  int64_t low = 0;
  int64_t high = std::numeric_limits<int64_t>::max();
  // A duration of 0 is refused.
  bool positive = false;
};

enum class Presence { kRequired, kOptional, kRepeated };

// A word of the line that is no flag. Only the last one of a command may be optional or repeated
// (any number, none included).
struct Argument {
  std::string name;
  std::string help;
  Presence presence = Presence::kRequired;
  // kFile or kText; a choice is completed and checked.
  ValueKind kind = ValueKind::kText;
  std::vector<std::string> choices = {};
};

struct Command {
  // Its words: "task list", "reward consumer seek". The first is the noun.
  std::string name;
  // One line for the list of commands.
  std::string summary;
  std::vector<Argument> arguments = {};
  std::vector<Flag> flags = {};
  // More for its own --help: what it waits for, examples.
  std::string notes = {};
  // Does it. Errors end the program with exit code 1, or 2 if made by UsageError.
  absl::Status (*run)(Call&) = nullptr;
};

// A mistake in the command line, found by a handler: exit code 2.
absl::Status UsageError(const std::string& message);
bool IsUsageError(const absl::Status& status);

// An enum's values as people write them: "accepted" for TASK_STATE_ACCEPTED; zero is left out.
std::vector<std::string> EnumChoices(const google::protobuf::EnumDescriptor* type);
// "accepted" from TASK_STATE_ACCEPTED; "" for zero; the number for a value this build does not
// know.
std::string EnumLabel(const google::protobuf::EnumDescriptor* type, int number);
// The reverse; 0 for a text that is no choice.
int EnumNumber(const google::protobuf::EnumDescriptor* type, const std::string& label);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_COMMAND_H_
