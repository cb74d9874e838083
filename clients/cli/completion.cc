#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/help.h"
#include "clients/cli/parse.h"

namespace proctor::cli {
namespace {

// COMP_WORDS is split at '=', too: `--state=x` comes as three words. A value is completed after
// `--flag` and after `--flag=`.
constexpr char kTemplate[] = R"(# bash completion for proctor, made by: proctor completion bash
_proctor() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local path= argument=0 skip= ended= word words i
  if [[ $current == '=' ]]; then
    current=
  elif [[ $previous == '=' ]]; then
    previous=${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == '=' ]] && continue
    if [[ $skip ]]; then skip=; continue; fi
    if [[ ! $ended && $word == -* ]]; then
      case $word in
        --) ended=yes ;;
        @VALUED@) skip=yes ;;
      esac
      continue
    fi
    case "$path $word" in
      @PATHS@) path="$path $word" ;;
      *) argument=$((argument + 1)) ;;
    esac
  done
  if [[ ! $ended ]]; then
    case "$path $previous" in
@VALUES@    esac
    case $previous in
@GLOBAL_VALUES@      @VALUED@) return ;;
    esac
  fi
  if [[ ! $ended && $current == -* ]]; then
    words='@GLOBAL_FLAGS@'
    case $path in
@FLAGS@    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    return
  fi
  words=
  case "$path:$argument" in
@WORDS@  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _proctor proctor
)";

std::string Words(const std::string& pattern, const std::vector<std::string>& words) {
  return absl::StrCat("      ", pattern, ") mapfile -t COMPREPLY < <(compgen -W '",
                      absl::StrJoin(words, " "), "' -- \"$current\"); return ;;\n");
}

std::string Files(const std::string& pattern) {
  return absl::StrCat("      ", pattern,
                      ") compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "
                      "\"$current\"); return ;;\n");
}

// As they are typed.
std::vector<std::string> NamesOf(const Flag& flag) {
  std::vector<std::string> names = {"--" + flag.name};
  if (flag.letter != 0) names.push_back(std::string("-") + flag.letter);
  return names;
}

std::string Value(const std::string& pattern, const Flag& flag) {
  if (!flag.choices.empty()) return Words(pattern, flag.choices);
  return flag.kind == ValueKind::kFile ? Files(pattern) : "";
}

std::string FlagWords(const std::vector<Flag>& flags) {
  return absl::StrJoin(flags, " ", [](std::string* out, const Flag& flag) {
    absl::StrAppend(out, "--", flag.name);
  });
}

// What may stand at each place of a command that is no flag.
std::string ArgumentCases(const Command& command) {
  std::string cases;
  for (size_t i = 0; i < command.arguments.size(); ++i) {
    const Argument& argument = command.arguments[i];
    const std::string place = argument.presence == Presence::kRepeated ? "*" : absl::StrCat(i);
    const std::string pattern = absl::StrCat("' ", command.name, ":'", place);
    if (!argument.choices.empty()) absl::StrAppend(&cases, Words(pattern, argument.choices));
    if (argument.kind == ValueKind::kFile) absl::StrAppend(&cases, Files(pattern));
  }
  return cases;
}

}  // namespace

std::string BashCompletion(const std::vector<Command>& commands,
                           const std::vector<Flag>& global_flags) {
  std::set<std::string> paths, valued;
  std::string values, global_values, flags, words;
  const auto add_valued = [&](const Flag& flag) {
    if (flag.kind == ValueKind::kSwitch) return;
    for (const std::string& name : NamesOf(flag)) valued.insert(name);
  };
  for (const Flag& flag : global_flags) {
    add_valued(flag);
    absl::StrAppend(&global_values, Value(absl::StrJoin(NamesOf(flag), "|"), flag));
  }
  for (const Command& command : commands) {
    for (size_t space = 0; space != std::string::npos;) {
      space = command.name.find(' ', space + 1);
      paths.insert(command.name.substr(0, space));
    }
    for (const Flag& flag : command.flags) {
      add_valued(flag);
      const auto add_place = [&](std::string* out, const std::string& name) {
        absl::StrAppend(out, "' ", command.name, " ", name, "'");
      };
      absl::StrAppend(&values, Value(absl::StrJoin(NamesOf(flag), "|", add_place), flag));
    }
    absl::StrAppend(&flags, "      ' ", command.name, "') words=\"$words ",
                    FlagWords(command.flags), "\" ;;\n");
    absl::StrAppend(&words, ArgumentCases(command));
  }
  std::set<std::string> inner = {""};
  for (const std::string& path : paths) inner.insert(path);
  for (const std::string& path : inner) {
    const std::vector<std::string> after = WordsAfter(commands, path);
    if (after.empty()) continue;
    absl::StrAppend(&words, "    '", path.empty() ? "" : " ", path, ":0') words='",
                    absl::StrJoin(after, " "), "' ;;\n");
  }
  const auto quote = [](std::string* out, const std::string& path) {
    absl::StrAppend(out, "' ", path, "'");
  };
  return absl::StrReplaceAll(kTemplate, {{"@VALUED@", absl::StrJoin(valued, "|")},
                                         {"@PATHS@", absl::StrJoin(paths, "|", quote)},
                                         {"@VALUES@", values},
                                         {"@GLOBAL_VALUES@", global_values},
                                         {"@GLOBAL_FLAGS@", FlagWords(global_flags) + " --help"},
                                         {"@FLAGS@", flags},
                                         {"@WORDS@", words}});
}

}  // namespace proctor::cli
