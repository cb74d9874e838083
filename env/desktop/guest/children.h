// Programs that run in the desktop.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_CHILDREN_H_
#define PROCTOR_ENV_DESKTOP_GUEST_CHILDREN_H_

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::env::desktop::guest {

struct Program {
  // The program, found on kProgramPath, and its arguments.
  std::vector<std::string> arguments;
  // The whole environment.
  std::map<std::string, std::string> environment;
  std::string working_directory;
  // A descriptor that the program finds under number 3; -1: none.
  int descriptor = -1;
  // Where its standard output goes; -1: where ours goes.
  int output = -1;
};

struct CommandResult {
  int exit_code = 0;
  std::string output;
};

// NOT_FOUND: no such program. INVALID_ARGUMENT: nothing named.
absl::StatusOr<std::string> FindProgram(const std::string& name);

// Starts it in a session of its own. Errors as FindProgram; RESOURCE_EXHAUSTED.
absl::StatusOr<pid_t> StartProgram(const Program& program);

// Runs it to its end; reads at most `max_output` bytes of its standard output. DEADLINE_EXCEEDED: it was killed.
absl::StatusOr<CommandResult> RunCommand(Program program, absl::Time deadline, size_t max_output);

// Collects ended children, also those that lost their parents. Returns their pids.
std::set<pid_t> ReapChildren();

// A process of the desktop, this one left out.
struct ProcessInfo {
  pid_t pid = 0;
  std::string name;
};
std::vector<ProcessInfo> ListProcesses();

// Ends every process that descends from this one: asked at first, killed a second later; until none is left or `deadline`. For where no
// namespace does it.
void KillDescendants(absl::Time deadline);

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_CHILDREN_H_
