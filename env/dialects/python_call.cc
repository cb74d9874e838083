#include "env/dialects/python_call.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::dialects {
namespace {

constexpr int kMaxDepth = 4;

void AppendUtf8(uint32_t code, std::string& out) {
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// The character that a one-letter escape stands for; 0 if the letter is none of them.
char SimpleEscape(char letter) {
  switch (letter) {
    case '\\':
      return '\\';
    case '\'':
      return '\'';
    case '"':
      return '"';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      return 0;
  }
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<PythonCall> Parse() {
    SkipBlank();
    PythonCall call;
    call.name = Identifier();
    if (call.name.empty()) return Error("expected a function's name");
    SkipBlank();
    if (!Take('(')) return Error("expected '(' after the function's name");
    PROCTOR_RETURN_IF_ERROR(Arguments(call));
    SkipBlank();
    if (!AtEnd()) return Error("expected nothing after the call: write exactly one action");
    return call;
  }

  absl::StatusOr<std::vector<PythonCall>> ParseScript(const PythonScriptNames& names) {
    std::vector<PythonCall> calls;
    for (SkipToStatement(); !AtEnd(); SkipToStatement()) {
      const size_t begin = at_;
      PythonCall call;
      call.name = DottedName();
      if (call.name.empty()) return Error("expected a call, like pyautogui.click(10, 20)");
      if (call.name == "import" || call.name == "from") {
        SkipImport(begin);
        continue;
      }
      SkipSpaces();
      if (Take('(')) {
        PROCTOR_RETURN_IF_ERROR(Arguments(call));
        calls.push_back(std::move(call));
      } else if (Holds(names.codes, call.name)) {
        calls.push_back(std::move(call));
      } else {
        if (!Holds(names.settings, call.name) || !Take('=')) {
          return Error("expected '(' after the function's name; write calls with literal arguments only");
        }
        PROCTOR_RETURN_IF_ERROR(Value(0).status());
      }
      SkipSpaces();
      if (!AtEnd() && Peek() != '\n' && Peek() != '\r' && Peek() != ';' && Peek() != '#') {
        return Error("expected the line's end after the call");
      }
    }
    return calls;
  }

 private:
  static bool Holds(const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  void SkipToStatement() {
    do SkipBlank();
    while (Take(';'));
  }
  void SkipSpaces() {
    while (Peek() == ' ' || Peek() == '\t') ++at_;
  }

  // "pyautogui.click", with a module's other name replaced by its own.
  std::string DottedName() {
    std::string name = Identifier();
    const auto alias = aliases_.find(name);
    if (alias != aliases_.end()) name = alias->second;
    while (Peek() == '.' && (absl::ascii_isalpha(Peek(1)) || Peek(1) == '_')) {
      ++at_;
      absl::StrAppend(&name, ".", Identifier());
    }
    return name;
  }

  // To the statement's end; "import pyautogui as pg" is remembered.
  void SkipImport(size_t begin) {
    at_ = std::min(text_.find_first_of("\n;", begin), text_.size());
    const std::vector<std::string> words =
        absl::StrSplit(ToAbsl(text_.substr(begin, at_ - begin)), absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.size() == 4 && words[0] == "import" && words[2] == "as") aliases_[words[3]] = words[1];
  }

  bool AtEnd() const { return at_ >= text_.size(); }
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool Take(char c) {
    if (AtEnd() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  absl::Status Error(std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(what), " (at character ", at_ + 1, ")"));
  }

  void SkipBlank() {
    while (!AtEnd()) {
      if (absl::ascii_isspace(Peek())) {
        ++at_;
      } else if (Peek() == '#') {
        while (!AtEnd() && Peek() != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  std::string Identifier() {
    const size_t begin = at_;
    const auto fits = [&](char c) {
      return absl::ascii_isalpha(c) || c == '_' || (at_ > begin && absl::ascii_isdigit(c));
    };
    while (!AtEnd() && fits(Peek())) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  absl::Status Arguments(PythonCall& call) {
    for (;;) {
      SkipBlank();
      if (Take(')')) return absl::OkStatus();
      const std::string key = ArgumentName();
      PROCTOR_ASSIGN_OR_RETURN(PythonValue value, Value(0));
      if (!key.empty()) {
        call.named.emplace_back(key, std::move(value));
      } else if (!call.named.empty()) {
        return Error("a positional argument follows a named one");
      } else {
        call.positional.push_back(std::move(value));
      }
      SkipBlank();
      if (Take(')')) return absl::OkStatus();
      if (!Take(',')) return Error("expected ',' or ')'");
    }
  }

  // Reads "name =" if it is there.
  std::string ArgumentName() {
    const size_t begin = at_;
    std::string name = Identifier();
    SkipBlank();
    if (!name.empty() && Peek() == '=' && Peek(1) != '=') {
      ++at_;
      SkipBlank();
      return name;
    }
    at_ = begin;
    return "";
  }

  absl::StatusOr<PythonValue> Value(int depth) {
    SkipBlank();
    const char c = Peek();
    if (c == '[' || c == '(') return List(c == '[' ? ']' : ')', depth);
    if (c == '\'' || c == '"') return String(/*raw=*/false);
    if ((c == 'r' || c == 'R' || c == 'u') && (Peek(1) == '\'' || Peek(1) == '"')) {
      ++at_;
      return String(/*raw=*/c != 'u');
    }
    if (absl::ascii_isdigit(c) || c == '-' || c == '+' || c == '.') return Number();
    const std::string word = Identifier();
    if (word == "True") return PythonValue{true};
    if (word == "False") return PythonValue{false};
    if (word == "None") return PythonValue{};
    return Error("expected a literal: a quoted string, a number, True, False, None or a list");
  }

  absl::StatusOr<PythonValue> List(char close, int depth) {
    if (depth >= kMaxDepth) return Error("lists are nested too deeply");
    ++at_;
    std::vector<PythonValue> items;
    for (;;) {
      SkipBlank();
      if (Take(close)) return PythonValue{std::move(items)};
      PROCTOR_ASSIGN_OR_RETURN(PythonValue item, Value(depth + 1));
      items.push_back(std::move(item));
      SkipBlank();
      if (Take(close)) return PythonValue{std::move(items)};
      if (!Take(',')) return Error("expected ',' or the list's end");
    }
  }

  absl::StatusOr<PythonValue> Number() {
    const size_t begin = at_;
    while (!AtEnd() &&
           (absl::ascii_isalnum(Peek()) || Peek() == '.' || Peek() == '-' || Peek() == '+')) {
      ++at_;
    }
    const std::string digits(text_.substr(begin, at_ - begin));
    double number = 0;
    const bool plain = digits.find_first_not_of("0123456789+-.eE") == std::string::npos;
    if (!plain || !absl::SimpleAtod(digits, &number) || !std::isfinite(number)) {
      return Error("malformed number");
    }
    return PythonValue{number};
  }

  absl::StatusOr<PythonValue> String(bool raw) {
    const char quote = Peek();
    const bool triple = Peek(1) == quote && Peek(2) == quote;
    at_ += triple ? 3 : 1;
    std::string out;
    while (!AtEnd()) {
      const char c = Peek();
      if (c == quote && (!triple || (Peek(1) == quote && Peek(2) == quote))) {
        at_ += triple ? 3 : 1;
        return PythonValue{SanitizeUtf8(out)};
      }
      if (c == '\n' && !triple) return Error("the string is not closed on its line");
      if (c == '\\') {
        PROCTOR_RETURN_IF_ERROR(Escape(raw, out));
      } else {
        out += c;
        ++at_;
      }
    }
    return Error("the string is not closed");
  }

  absl::Status Escape(bool raw, std::string& out) {
    const char letter = Peek(1);
    if (letter == '\0' && at_ + 1 >= text_.size()) return Error("the string is not closed");
    at_ += 2;
    if (const char simple = raw ? '\0' : SimpleEscape(letter); simple != 0) {
      out += simple;
    } else if (!raw && (letter == 'x' || letter == 'u' || letter == 'U')) {
      return HexEscape(letter == 'x' ? 2 : letter == 'u' ? 4 : 8, out);
    } else if (!raw && letter >= '0' && letter <= '7') {
      uint32_t code = letter - '0';
      for (int i = 0; i < 2 && Peek() >= '0' && Peek() <= '7'; ++i)
        code = code * 8 + (text_[at_++] - '0');
      AppendUtf8(code, out);
    } else if (raw || letter != '\n') {  // A backslash before a line's end joins the lines.
      out += '\\';
      out += letter;
    }
    return absl::OkStatus();
  }

  absl::Status HexEscape(int digits, std::string& out) {
    uint32_t code = 0;
    for (int i = 0; i < digits; ++i) {
      if (!absl::ascii_isxdigit(Peek())) return Error("malformed escape in a string");
      const char c = absl::ascii_tolower(text_[at_++]);
      code = code * 16 + (absl::ascii_isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    AppendUtf8(code, out);
    return absl::OkStatus();
  }

  std::string_view text_;
  size_t at_ = 0;
  // Names that the text gives to modules.
  std::map<std::string, std::string> aliases_;
};

}  // namespace

absl::StatusOr<PythonCall> ParsePythonCall(std::string_view text) { return Parser(text).Parse(); }

size_t FindOutsidePythonStrings(std::string_view text, std::string_view what) {
  // The quote of the string or the '#' of the comment that `at` is in.
  std::string_view inside;
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const bool in_string = !inside.empty() && inside != "#";
    if (!in_string && rest.starts_with(what)) return at;
    if (in_string && rest[0] == '\\') {
      at += 2;
    } else if (in_string && rest.starts_with(inside)) {
      at += inside.size();
      inside = {};
    } else if (rest[0] == '\n' && inside.size() == 1) {
      inside = {};
      ++at;
    } else if (inside.empty() && (rest[0] == '\'' || rest[0] == '"')) {
      const bool triple = rest.size() > 2 && rest[1] == rest[0] && rest[2] == rest[0];
      inside = rest.substr(0, triple ? 3 : 1);
      at += inside.size();
    } else {
      if (inside.empty() && rest[0] == '#') inside = rest.substr(0, 1);
      ++at;
    }
  }
  return text.npos;
}

absl::StatusOr<std::vector<PythonCall>> ParsePythonScript(std::string_view text, const PythonScriptNames& names) {
  return Parser(text).ParseScript(names);
}

}  // namespace proctor::env::dialects
