#include "tests/env/android/fake/shell.h"

#include <cctype>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace proctor::env::android::fake {
namespace {

bool IsOperatorStart(char c) { return c == ';' || c == '&' || c == '|' || c == '\n' || c == '>' || c == '<'; }
bool IsNameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// "2>&1", "2>/dev/null": digits right before a redirection belong to it.
bool IsErrorRedirect(const std::string& script, size_t at) { return script.compare(at, 2, "2>") == 0; }

}  // namespace

std::string Shell::Substitute(const std::string& script, std::string& errors) {
  if (depth_ > 5) return "";
  std::string output;
  Shell inner(host_, depth_ + 1);
  inner.variables_ = variables_;
  last_ = inner.Run(script, output, errors);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

bool Shell::Dollar(const std::string& script, size_t& at, std::string& word, std::string& errors) {
  if (script.compare(at, 2, "$(") == 0) {
    int open = 1;
    size_t end = at + 2;
    for (; end < script.size() && open > 0; ++end) open += script[end] == '(' ? 1 : script[end] == ')' ? -1 : 0;
    if (open != 0) return false;
    word += Substitute(script.substr(at + 2, end - at - 3), errors);
    at = end;
    return true;
  }
  if (script.compare(at, 2, "$?") == 0) {
    absl::StrAppend(&word, last_);
    at += 2;
    return true;
  }
  size_t end = at + 1;
  const bool braces = end < script.size() && script[end] == '{';
  if (braces) ++end;
  const size_t begin = end;
  while (end < script.size() && IsNameChar(script[end])) ++end;
  if (end == begin) {
    word += '$';
    ++at;
    return true;
  }
  word += variables_[script.substr(begin, end - begin)];
  at = braces ? end + 1 : end;
  return true;
}

bool Shell::Word(const std::string& script, size_t& at, std::string& word, std::string& errors) {
  bool in_double = false;
  while (at < script.size()) {
    const char c = script[at];
    if (!in_double && (c == ' ' || c == '\t' || IsOperatorStart(c))) return true;
    if (c == '\'' && !in_double) {
      const size_t end = script.find('\'', at + 1);
      if (end == std::string::npos) return false;
      word += script.substr(at + 1, end - at - 1);
      at = end + 1;
    } else if (c == '"') {
      in_double = !in_double;
      ++at;
    } else if (c == '\\' && at + 1 < script.size()) {
      word += script[at + 1];
      at += 2;
    } else if (c == '`') {
      const size_t end = script.find('`', at + 1);
      if (end == std::string::npos) return false;
      word += Substitute(script.substr(at + 1, end - at - 1), errors);
      at = end + 1;
    } else if (c == '$') {
      if (!Dollar(script, at, word, errors)) return false;
    } else {
      word += c;
      ++at;
    }
  }
  return !in_double;
}

bool Shell::Tokenize(const std::string& script, std::vector<Token>& tokens, std::string& errors) {
  static constexpr const char* kOperators[] = {"2>/dev/null", "2>&1", ">&2", ">>", "&&", "||", ";", "|", "&", "\n", ">", "<"};
  size_t at = 0;
  while (at < script.size()) {
    if (script[at] == ' ' || script[at] == '\t') {
      ++at;
      continue;
    }
    bool is_operator = false;
    for (const char* candidate : kOperators) {
      const size_t size = std::string(candidate).size();
      const bool starts = IsOperatorStart(candidate[0]) ? IsOperatorStart(script[at]) : IsErrorRedirect(script, at);
      if (!starts || script.compare(at, size, candidate) != 0) continue;
      tokens.push_back({Token::kOperator, candidate});
      at += size;
      is_operator = true;
      break;
    }
    if (is_operator) continue;
    Token token;
    if (!Word(script, at, token.text, errors)) return false;
    tokens.push_back(std::move(token));
  }
  return true;
}

bool Shell::ReadCommand(const std::vector<Token>& tokens, size_t begin, size_t end, Command& command, std::string& errors) {
  for (size_t i = begin; i < end; ++i) {
    const Token& token = tokens[i];
    if (token.kind == Token::kWord) {
      command.words.push_back(token.text);
    } else if (token.text == "2>/dev/null") {
      command.errors_dropped = true;
    } else if (token.text == "2>&1") {
      command.errors_to_output = true;
    } else if (token.text == ">&2") {
      command.output_to_errors = true;
    } else if (i + 1 < end && tokens[i + 1].kind == Token::kWord) {
      (token.text == "<" ? command.input_path : command.output_path) = tokens[++i].text;
      command.append = token.text == ">>";
    } else {
      errors += "syntax error\n";
      return false;
    }
  }
  return true;
}

int Shell::RunPipeline(const std::vector<Token>& tokens, size_t begin, size_t end, std::string& output, std::string& errors) {
  std::string input;
  int code = 0;
  while (begin < end) {
    size_t stop = begin;
    while (stop < end && !(tokens[stop].kind == Token::kOperator && tokens[stop].text == "|")) ++stop;
    Command command;
    if (!ReadCommand(tokens, begin, stop, command, errors)) return 2;
    std::string out, err;
    while (!command.words.empty() && command.words[0].find('=') != std::string::npos && command.words[0].find('=') > 0) {
      const size_t equals = command.words[0].find('=');
      variables_[command.words[0].substr(0, equals)] = command.words[0].substr(equals + 1);
      command.words.erase(command.words.begin());
    }
    if (!command.input_path.empty() && !host_.LoadFile(command.input_path, input)) {
      errors += command.input_path + ": No such file or directory\n";
      return 1;
    }
    if (!command.words.empty() && command.words[0] == "exit") {
      exited_ = true;
      return command.words.size() > 1 ? std::atoi(command.words[1].c_str()) : last_;
    }
    if (!command.words.empty() && command.words[0] == "sh" && command.words.size() == 3 && command.words[1] == "-c") {
      code = Shell(host_, depth_ + 1).Run(command.words[2], out, err);
    } else {
      code = command.words.empty() ? 0 : host_.Execute(command.words, input, out, err);
    }
    if (command.errors_to_output) out += std::exchange(err, "");
    if (command.errors_dropped) err.clear();
    if (command.output_to_errors) err += std::exchange(out, "");
    if (!command.output_path.empty() && command.output_path != "/dev/null") {
      std::string content;
      if (command.append) host_.LoadFile(command.output_path, content);
      if (!host_.SaveFile(command.output_path, content + out)) {
        err += command.output_path + ": Permission denied\n";
        code = 1;
      }
    }
    if (!command.output_path.empty()) out.clear();
    errors += err;
    input = std::move(out);
    begin = stop + 1;
  }
  output += input;
  return code;
}

int Shell::Run(const std::string& script, std::string& output, std::string& errors) {
  // Word by word would be right; the phone's scripts substitute nothing that an earlier command of theirs changes.
  std::vector<Token> tokens;
  if (!Tokenize(script, tokens, errors)) {
    errors += "sh: no closing quote\n";
    return 2;
  }
  size_t begin = 0;
  std::string before = ";";
  while (begin <= tokens.size() && !exited_) {
    size_t end = begin;
    const auto ends = [&](const Token& token) {
      return token.kind == Token::kOperator &&
             (token.text == ";" || token.text == "&&" || token.text == "||" || token.text == "&" || token.text == "\n");
    };
    while (end < tokens.size() && !ends(tokens[end])) ++end;
    const bool runs = before == "&&" ? last_ == 0 : before == "||" ? last_ != 0 : true;
    if (runs && end > begin) last_ = RunPipeline(tokens, begin, end, output, errors);
    if (end < tokens.size()) before = tokens[end].text;
    begin = end + 1;
  }
  return last_;
}

}  // namespace proctor::env::android::fake
