// A strict parser of one Python call with literal arguments. Nothing is ever evaluated.
#ifndef PROCTOR_ENV_DIALECTS_PYTHON_CALL_H_
#define PROCTOR_ENV_DIALECTS_PYTHON_CALL_H_

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor::env::dialects {

// A literal: None, bool, number, string, or a list or tuple of them.
struct PythonValue {
  std::variant<std::monostate, bool, double, std::string, std::vector<PythonValue>> value;
};

// name(a, b, key=c)
struct PythonCall {
  std::string name;
  std::vector<PythonValue> positional;
  std::vector<std::pair<std::string, PythonValue>> named;
};

// Parses `text`: exactly one call, maybe with blank lines and # comments around it. Strings: '...',
// "...", triple quotes, prefix r, the escapes of Python (\n \t \\ \' \" \xhh \uhhhh \Uhhhhhhhh
// octal; unknown ones stay as they are; lone surrogates become U+FFFD). Lists nest at most 4 deep.
// Errors: INVALID_ARGUMENT with a message for the author of the text.
absl::StatusOr<PythonCall> ParsePythonCall(std::string_view text);

// What a script may say besides calls.
struct PythonScriptNames {
  // May be assigned a literal ("pyautogui.PAUSE = 1"), which is skipped.
  std::vector<std::string_view> settings;
  // Stand for calls of themselves without arguments ("WAIT").
  std::vector<std::string_view> codes;
};

// Parses several calls, one a line or separated by `;`, none of which is ever run. Names may be dotted ("pyautogui.click"). Lines
// that begin with `import` or `from` are skipped; a module's other name (`import pyautogui as pg`) stands for the module.
// Everything else (variables, loops, sums, nested calls) is INVALID_ARGUMENT with a message for the author of the text. Literals
// as above. May be empty.
absl::StatusOr<std::vector<PythonCall>> ParsePythonScript(std::string_view text, const PythonScriptNames& names = {});

// Where `what`, which begins with no quote, first stands outside of string literals, in comments too; npos if it does not. A string that is not
// closed ends with its line, a triple-quoted one with the text.
size_t FindOutsidePythonStrings(std::string_view text, std::string_view what);

}  // namespace proctor::env::dialects

#endif  // PROCTOR_ENV_DIALECTS_PYTHON_CALL_H_
