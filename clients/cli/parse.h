// A command line, read by the command table.
#ifndef PROCTOR_CLIENTS_CLI_PARSE_H_
#define PROCTOR_CLIENTS_CLI_PARSE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/arguments.h"
#include "clients/cli/command.h"

namespace proctor::cli {

struct ParsedLine {
  enum class Mode { kRun, kHelp, kVersion };
  Mode mode = Mode::kRun;
  // kRun: what to run. kHelp: the words to explain: "", "task", "task list".
  const Command* command = nullptr;
  std::string topic;
  Arguments arguments;
};

// Flags may stand anywhere, as `--flag value` or `--flag=value`; after `--` come only arguments.
// `words` without the program's name. `commands` outlives the result. Usage errors (UsageError) say
// what is wrong, what is near, and where the help is.
absl::StatusOr<ParsedLine> ParseLine(const std::vector<Command>& commands,
                                     const std::vector<Flag>& global_flags,
                                     const std::vector<std::string>& words);

// Those of `options` nearest to `word`, as "; did you mean 'list'?", or "" if nothing is near.
std::string DidYouMean(const std::string& word, const std::vector<std::string>& options);

// The different words that may follow `path` ("" or "reward") in the table, in its order.
std::vector<std::string> WordsAfter(const std::vector<Command>& commands, const std::string& path);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_PARSE_H_
