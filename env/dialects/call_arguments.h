// Arguments of a Python-like call by the names of its signature.
#ifndef PROCTOR_ENV_DIALECTS_CALL_ARGUMENTS_H_
#define PROCTOR_ENV_DIALECTS_CALL_ARGUMENTS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/dialects/python_call.h"
#include "proctor/v1/action.pb.h"

namespace proctor::env::dialects {

// Reads collect the first problem in `error`, written for the author of the call; what was not read then is empty or 0.
class CallArguments {
 public:
  // `signature`: parameter names in order. `call` outlives the arguments.
  CallArguments(const PythonCall& call, const std::vector<std::string_view>& signature);

  const std::string& error() const { return error_; }
  void Fail(std::string_view problem);

  // Is given, and not None.
  bool Has(std::string_view name) const;
  std::string String(std::string_view name);
  // The string, or nothing if the argument is something else.
  std::optional<std::string> Text(std::string_view name) const;
  double Number(std::string_view name);
  // The number, or `otherwise` if it is not given.
  double NumberOr(std::string_view name, double otherwise);
  // A string or a list of strings.
  std::vector<std::string> Strings(std::string_view name);
  void Point(std::string_view x, std::string_view y, v1::Target* target);
  // 'left' (the default), 'middle' or 'right'.
  v1::MouseButton Button();

 private:
  const PythonValue* Required(std::string_view name);

  const PythonCall& call_;
  std::map<std::string, const PythonValue*> values_;
  std::string error_;
};

}  // namespace proctor::env::dialects

#endif  // PROCTOR_ENV_DIALECTS_CALL_ARGUMENTS_H_
