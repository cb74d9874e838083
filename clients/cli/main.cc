// proctor: the command line of a Proctor server.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/call.h"
#include "clients/cli/commands.h"
#include "clients/cli/help.h"
#include "clients/cli/interrupt.h"
#include "clients/cli/json_error.h"
#include "clients/cli/output.h"
#include "clients/cli/parse.h"

namespace proctor::cli {
namespace {

enum ExitCode { kDone = 0, kFailed = 1, kBadCommandLine = 2 };

int Report(const absl::Status& status, bool json, Output& output) {
  if (status.ok()) return kDone;
  output.Note(json ? JsonError(status) : absl::StrCat("proctor: ", Explain(status)));
  return IsUsageError(status) ? kBadCommandLine : kFailed;
}

// Whether a line that cannot be read asks for JSON.
bool MentionsJson(const std::vector<std::string>& words) {
  const auto flags_end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), flags_end, "--json") != flags_end;
}

int Main(const std::vector<std::string>& words) {
  const auto line = ParseLine(AllCommands(), GlobalFlags(), words);
  // Stays: an interrupt may come at any time.
  static Output& output = *new Output(line.ok() && line->arguments.Has("json") ? OutputMode::kJson
                                                                               : OutputMode::kTable);
  if (!line.ok()) return Report(line.status(), MentionsJson(words), output);
  HandleInterrupts(output);
  absl::Status status;
  switch (line->mode) {
    case ParsedLine::Mode::kHelp:
      output.Raw(HelpText(AllCommands(), GlobalFlags(), line->topic));
      break;
    case ParsedLine::Mode::kVersion:
      output.Raw("proctor " PROCTOR_VERSION "\n");
      break;
    case ParsedLine::Mode::kRun: {
      Call call(line->arguments, output);
      status = line->command->run(call);
      break;
    }
  }
  if (const absl::Status flushed = output.Flush(); status.ok()) status = flushed;
  return Report(status, output.json(), output);
}

}  // namespace
}  // namespace proctor::cli

int main(int argc, char** argv) {
  return proctor::cli::Main(std::vector<std::string>(argv + 1, argv + argc));
}
