#include "clients/cli/parse.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::cli {
namespace {

// Levenshtein; words of a line may be huge, only short ones are compared.
int EditDistance(const std::string& a, const std::string& b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i) + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const int replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// A word of the user's within a message: short, without anything that moves the cursor.
std::string Quoted(const std::string& word) {
  std::string text;
  for (const char c : SanitizeUtf8(TruncateUtf8(word, 60))) {
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return absl::StrCat("'", text, word.size() > 60 ? "..." : "", "'");
}

absl::Status CheckValue(const std::string& what, ValueKind kind, const std::string& value,
                        const std::vector<std::string>& choices) {
  if (SanitizeUtf8(value) != value) return UsageError(absl::StrCat(what, " is not valid UTF-8"));
  if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
    return UsageError(absl::StrCat(what, ": ", Quoted(value), " is not one of ",
                                   absl::StrJoin(choices, ", "), DidYouMean(value, choices)));
  }
  if (kind == ValueKind::kPair && (value.find('=') == std::string::npos || value.front() == '=')) {
    return UsageError(absl::StrCat(what, ": ", Quoted(value), " is not of the form key=value"));
  }
  absl::Duration duration;
  if (kind == ValueKind::kDuration &&
      (!absl::ParseDuration(value, &duration) || duration < absl::ZeroDuration() ||
       duration > absl::Hours(24 * 3650))) {
    return UsageError(
        absl::StrCat(what, ": ", Quoted(value), " is not a duration like 30s, 5m or 1h30m"));
  }
  return absl::OkStatus();
}

absl::Status CheckFlag(const Flag& flag, const std::string& value) {
  const std::string what = absl::StrCat("--", flag.name);
  if (flag.kind == ValueKind::kInteger) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(value, &number) || number < flag.low || number > flag.high) {
      return UsageError(
          flag.high == std::numeric_limits<int64_t>::max()
              ? absl::StrCat(what, ": ", Quoted(value), " is not a whole number from ", flag.low)
              : absl::StrCat(what, ": ", Quoted(value), " is not a whole number from ", flag.low,
                             " to ", flag.high));
    }
  }
  PROCTOR_RETURN_IF_ERROR(CheckValue(what, flag.kind, value, flag.choices));
  absl::Duration duration;
  if (flag.positive && absl::ParseDuration(value, &duration) && duration == absl::ZeroDuration()) {
    return UsageError(absl::StrCat(what, ": ", Quoted(value), " is not above 0"));
  }
  return absl::OkStatus();
}

// Takes the words of one line apart.
class LineParser {
 public:
  LineParser(const std::vector<Command>& commands, const std::vector<Flag>& global_flags)
      : commands_(commands), global_flags_(global_flags) {}

  absl::StatusOr<ParsedLine> Parse(const std::vector<std::string>& words) {
    size_t next = 0;
    // The command's words come first (only flags for all commands may stand between them): which
    // flags there are depends on them.
    PROCTOR_RETURN_IF_ERROR(FindCommand(words, next));
    for (; next < words.size(); ++next) PROCTOR_RETURN_IF_ERROR(Take(words, next));
    return Finish();
  }

 private:
  absl::Status FindCommand(const std::vector<std::string>& words, size_t& next) {
    for (; next < words.size() && line_.command == nullptr; ++next) {
      const std::string& word = words[next];
      if (word.size() > 1 && word.front() == '-') {
        PROCTOR_RETURN_IF_ERROR(Take(words, next));
        continue;
      }
      if (word == "help") {
        help_ = true;
        continue;
      }
      if (path_.empty() && word == "version") {
        line_.mode = ParsedLine::Mode::kVersion;
        continue;
      }
      const std::vector<std::string> options = WordsAfter(commands_, path_);
      if (std::find(options.begin(), options.end(), word) == options.end()) {
        return UnknownWord(word, options);
      }
      absl::StrAppend(&path_, path_.empty() ? "" : " ", word);
      for (const Command& command : commands_) {
        if (command.name == path_) line_.command = &command;
      }
    }
    return absl::OkStatus();
  }

  absl::Status UnknownWord(const std::string& word, const std::vector<std::string>& options) const {
    const std::string help =
        absl::StrCat("; see: proctor ", path_, path_.empty() ? "" : " ", "--help");
    return UsageError(absl::StrCat(
        path_.empty() ? "no command " : absl::StrCat("'", path_, "' has no "), Quoted(word),
        DidYouMean(word, options), "; there are ", absl::StrJoin(options, ", "), help));
  }

  absl::Status Take(const std::vector<std::string>& words, size_t& next) {
    const std::string& word = words[next];
    if (flags_ended_ || word.size() < 2 || word.front() != '-') {
      line_.arguments.AddWord(word);
      return absl::OkStatus();
    }
    if (word == "--") {
      flags_ended_ = true;
      return absl::OkStatus();
    }
    if (word == "--help" || word == "-h") {
      help_ = true;
      return absl::OkStatus();
    }
    if (word == "--version") {
      line_.mode = ParsedLine::Mode::kVersion;
      return absl::OkStatus();
    }
    return TakeFlag(words, next);
  }

  absl::Status TakeFlag(const std::vector<std::string>& words, size_t& next) {
    const std::string& word = words[next];
    const size_t equals = word.find('=');
    const std::string dashed = word.substr(0, equals);
    const Flag* flag = absl::StartsWith(dashed, "--") ? FindFlag(dashed.substr(2)) : FindLetter(dashed);
    if (flag == nullptr) return help_ ? absl::OkStatus() : UnknownFlag(dashed);
    if (flag->kind == ValueKind::kSwitch) {
      if (equals != std::string::npos) return UsageError(absl::StrCat(dashed, " takes no value"));
      line_.arguments.AddFlag(flag->name, "");
      return absl::OkStatus();
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (next + 1 < words.size()) {
      value = words[++next];
    } else {
      return UsageError(absl::StrCat(dashed, " needs a value: ", dashed, " ", flag->value));
    }
    if (!flag->repeated && line_.arguments.Has(flag->name)) {
      return UsageError(absl::StrCat(dashed, " is given twice"));
    }
    PROCTOR_RETURN_IF_ERROR(CheckFlag(*flag, value));
    line_.arguments.AddFlag(flag->name, std::move(value));
    return absl::OkStatus();
  }

  const Flag* FindFlag(const std::string& name) const {
    for (const Flag& flag : global_flags_) {
      if (flag.name == name) return &flag;
    }
    if (line_.command == nullptr) return nullptr;
    for (const Flag& flag : line_.command->flags) {
      if (flag.name == name) return &flag;
    }
    return nullptr;
  }

  // "-f".
  const Flag* FindLetter(const std::string& dashed) const {
    if (line_.command == nullptr || dashed.size() != 2) return nullptr;
    for (const Flag& flag : line_.command->flags) {
      if (flag.letter == dashed[1]) return &flag;
    }
    return nullptr;
  }

  absl::Status UnknownFlag(const std::string& dashed) const {
    std::vector<std::string> names = {"--help", "--version"};
    for (const Flag& flag : global_flags_) names.push_back("--" + flag.name);
    if (line_.command != nullptr) {
      for (const Flag& flag : line_.command->flags) names.push_back("--" + flag.name);
    }
    return UsageError(
        absl::StrCat("no flag ", Quoted(dashed), DidYouMean(dashed, names),
                     line_.command == nullptr ? "; flags of a command come after it" : "",
                     "; see: proctor ", path_, path_.empty() ? "" : " ", "--help"));
  }

  absl::StatusOr<ParsedLine> Finish() {
    if (line_.mode == ParsedLine::Mode::kVersion) return std::move(line_);
    if (help_) {
      line_.mode = ParsedLine::Mode::kHelp;
      line_.topic = path_;
      return std::move(line_);
    }
    if (line_.command == nullptr) {
      return UsageError(
          absl::StrCat(path_.empty() ? "no command given" : absl::StrCat("'", path_, "' of what?"),
                       "; there are ", absl::StrJoin(WordsAfter(commands_, path_), ", "),
                       "; see: proctor ", path_, path_.empty() ? "" : " ", "--help"));
    }
    PROCTOR_RETURN_IF_ERROR(CheckWords());
    for (const Flag& flag : line_.command->flags) {
      if (!flag.required || line_.arguments.Has(flag.name)) continue;
      return UsageError(absl::StrCat("missing --", flag.name, " ", flag.value, ": ", flag.help, "; see: proctor ", path_, " --help"));
    }
    return std::move(line_);
  }

  absl::Status CheckWords() const {
    const std::vector<Argument>& expected = line_.command->arguments;
    const std::vector<std::string>& words = line_.arguments.words();
    const std::string help = absl::StrCat("; see: proctor ", path_, " --help");
    const bool open_end = !expected.empty() && expected.back().presence == Presence::kRepeated;
    if (words.size() > expected.size() && !open_end) {
      return UsageError(absl::StrCat("unexpected argument ", Quoted(words[expected.size()]), help));
    }
    for (size_t i = 0; i < std::max(expected.size(), words.size()); ++i) {
      const Argument& argument = expected[std::min(i, expected.size() - 1)];
      if (i >= words.size()) {
        if (argument.presence == Presence::kRequired) {
          return UsageError(absl::StrCat("missing ", argument.name, ": ", argument.help, help));
        }
        continue;
      }
      if (words[i].empty()) return UsageError(absl::StrCat(argument.name, " is empty", help));
      PROCTOR_RETURN_IF_ERROR(CheckValue(argument.name, argument.kind, words[i], argument.choices));
    }
    return absl::OkStatus();
  }

  const std::vector<Command>& commands_;
  const std::vector<Flag>& global_flags_;
  ParsedLine line_;
  std::string path_;
  bool help_ = false;
  bool flags_ended_ = false;
};

}  // namespace

absl::StatusOr<ParsedLine> ParseLine(const std::vector<Command>& commands,
                                     const std::vector<Flag>& global_flags,
                                     const std::vector<std::string>& words) {
  return LineParser(commands, global_flags).Parse(words);
}

std::string DidYouMean(const std::string& word, const std::vector<std::string>& options) {
  if (word.size() > 40) return "";
  int best = 3;  // More changes than two are no slip of the finger.
  const std::string* nearest = nullptr;
  for (const std::string& option : options) {
    const int distance = EditDistance(word, option);
    if (distance < best && distance < static_cast<int>(option.size())) {
      best = distance;
      nearest = &option;
    }
  }
  return nearest == nullptr ? "" : absl::StrCat("; did you mean '", *nearest, "'?");
}

std::vector<std::string> WordsAfter(const std::vector<Command>& commands, const std::string& path) {
  const std::string prefix = path.empty() ? "" : path + " ";
  std::vector<std::string> words;
  for (const Command& command : commands) {
    if (!absl::StartsWith(command.name, prefix)) continue;
    const std::string rest = command.name.substr(prefix.size());
    const std::string word = rest.substr(0, rest.find(' '));
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

}  // namespace proctor::cli
