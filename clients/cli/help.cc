#include "clients/cli/help.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/cli/parse.h"

namespace proctor::cli {
namespace {

constexpr size_t kWidth = 100;

using Row = std::pair<std::string, std::string>;

// "  left   right", the right side wrapped.
std::string Columns(const std::vector<Row>& rows) {
  size_t left = 0;
  for (const Row& row : rows) left = std::max(left, row.first.size());
  left = std::min<size_t>(left, 34);
  std::string text;
  for (const auto& [name, help] : rows) {
    std::string line =
        absl::StrCat("  ", name, std::string(left - std::min(left, name.size()) + 2, ' '));
    const std::string indent(left + 4, ' ');
    for (const auto& word : absl::StrSplit(help, ' ')) {
      if (line.size() + word.size() > kWidth && line.size() > indent.size()) {
        absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(line), "\n");
        line = indent;
      }
      absl::StrAppend(&line, word, " ");
    }
    absl::StrAppend(&text, absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  return text;
}

Row FlagRow(const Flag& flag) {
  std::string help = flag.help;
  if (!flag.choices.empty()) {
    absl::StrAppend(&help, help.empty() ? "" : ": ", absl::StrJoin(flag.choices, ", "));
  }
  if (flag.repeated) absl::StrAppend(&help, " (may be repeated)");
  const std::string letter = flag.letter == 0 ? "" : absl::StrCat("-", std::string(1, flag.letter), ", ");
  return {absl::StrCat(letter, "--", flag.name, flag.value.empty() ? "" : " ", flag.value), help};
}

std::string FlagsText(const std::string& title, const std::vector<Flag>& flags) {
  if (flags.empty()) return "";
  std::vector<Row> rows;
  for (const Flag& flag : flags) rows.push_back(FlagRow(flag));
  return absl::StrCat("\n", title, ":\n", Columns(rows));
}

std::string ArgumentText(const Argument& argument) {
  switch (argument.presence) {
    case Presence::kRequired:
      return argument.name;
    case Presence::kOptional:
      return absl::StrCat("[", argument.name, "]");
    case Presence::kRepeated:
      return absl::StrCat("[", argument.name, "...]");
  }
  return "";
}

std::string CommandHelp(const Command& command, const std::vector<Flag>& global_flags) {
  std::string text = absl::StrCat("usage: proctor ", command.name);
  std::vector<Row> arguments;
  for (const Argument& argument : command.arguments) {
    absl::StrAppend(&text, " ", ArgumentText(argument));
    arguments.push_back({argument.name, argument.help});
  }
  absl::StrAppend(&text, command.flags.empty() ? "" : " [flags]", "\n\n", command.summary, ".\n");
  if (!command.notes.empty()) absl::StrAppend(&text, "\n", command.notes, "\n");
  if (!arguments.empty()) absl::StrAppend(&text, "\narguments:\n", Columns(arguments));
  return absl::StrCat(text, FlagsText("flags", command.flags),
                      FlagsText("flags of every command", global_flags));
}

std::string ListHelp(const std::vector<Command>& commands, const std::string& topic) {
  std::vector<Row> rows;
  for (const Command& command : commands) {
    if (!topic.empty() && !absl::StartsWith(command.name, topic + " ")) continue;
    std::string left = command.name;
    for (const Argument& argument : command.arguments) {
      absl::StrAppend(&left, " ", ArgumentText(argument));
    }
    rows.push_back({left, command.summary});
  }
  return Columns(rows);
}

}  // namespace

std::string HelpText(const std::vector<Command>& commands, const std::vector<Flag>& global_flags,
                     const std::string& topic) {
  for (const Command& command : commands) {
    if (command.name == topic) return CommandHelp(command, global_flags);
  }
  if (!topic.empty()) {
    return absl::StrCat("usage: proctor ", topic, " VERB ...\n\n", ListHelp(commands, topic),
                        "\nMore of each: proctor ", topic, " VERB --help\n");
  }
  return absl::StrCat(
      "usage: proctor NOUN VERB [arguments] [flags]\n\n"
      "Talks to a proctord. Tables for people, --json for programs: one object a line, with the "
      "names of\n"
      "proto/proctor/v1. Names may be short: `abc` or `tasks/abc`.\n\n",
      ListHelp(commands, ""), FlagsText("flags of every command", global_flags),
      "  --version, --help\n\n"
      "Exit codes: 0 done, 1 failed, 2 a mistake in the command line, 130 interrupted.\n"
      "More of each: proctor NOUN VERB --help\n");
}

}  // namespace proctor::cli
