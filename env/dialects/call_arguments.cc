#include "env/dialects/call_arguments.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/strings.h"
#include "env/dialects/parsers.h"

namespace proctor::env::dialects {
namespace {

std::string Usage(const PythonCall& call, const std::vector<std::string_view>& signature) {
  return absl::StrCat(call.name, "(",
                      absl::StrJoin(signature, ", ", [](std::string* out, std::string_view name) { out->append(name); }), ")");
}

}  // namespace

CallArguments::CallArguments(const PythonCall& call, const std::vector<std::string_view>& signature) : call_(call) {
  if (call.positional.size() > signature.size()) {
    error_ = absl::StrCat(call.name, " takes at most ", signature.size(), " arguments: ", Usage(call, signature));
    return;
  }
  for (size_t i = 0; i < call.positional.size(); ++i) {
    values_[std::string(signature[i])] = &call.positional[i];
  }
  for (const auto& [key, value] : call.named) {
    const bool known = std::find(signature.begin(), signature.end(), key) != signature.end();
    if (!known || !values_.emplace(key, &value).second) {
      error_ = absl::StrCat(call.name, (known ? ": twice the argument " : ": unknown argument "), Excerpt(key),
                            ". Usage: ", Usage(call, signature));
      return;
    }
  }
}

void CallArguments::Fail(std::string_view problem) {
  if (error_.empty()) error_ = absl::StrCat(call_.name, ": ", ToAbsl(problem));
}

bool CallArguments::Has(std::string_view name) const {
  const auto found = values_.find(std::string(name));
  return found != values_.end() && !std::holds_alternative<std::monostate>(found->second->value);
}

std::string CallArguments::String(std::string_view name) {
  const PythonValue* value = Required(name);
  if (value == nullptr) return "";
  if (const auto* text = std::get_if<std::string>(&value->value)) return *text;
  Fail(absl::StrCat(ToAbsl(name), " must be a quoted string"));
  return "";
}

std::optional<std::string> CallArguments::Text(std::string_view name) const {
  const auto found = values_.find(std::string(name));
  if (found == values_.end() || !std::holds_alternative<std::string>(found->second->value)) return std::nullopt;
  return std::get<std::string>(found->second->value);
}

double CallArguments::Number(std::string_view name) {
  const PythonValue* value = Required(name);
  if (value == nullptr) return 0;
  if (const auto* number = std::get_if<double>(&value->value)) return *number;
  Fail(absl::StrCat(ToAbsl(name), " must be a number"));
  return 0;
}

double CallArguments::NumberOr(std::string_view name, double otherwise) { return Has(name) ? Number(name) : otherwise; }

std::vector<std::string> CallArguments::Strings(std::string_view name) {
  const PythonValue* value = Required(name);
  if (value == nullptr) return {};
  if (const auto* text = std::get_if<std::string>(&value->value)) return {*text};
  std::vector<std::string> strings;
  if (const auto* items = std::get_if<std::vector<PythonValue>>(&value->value)) {
    for (const PythonValue& item : *items) {
      const auto* text = std::get_if<std::string>(&item.value);
      if (text == nullptr) break;
      strings.push_back(*text);
    }
    if (strings.size() == items->size()) return strings;
  }
  Fail(absl::StrCat(ToAbsl(name), " must be a quoted string or a list of them"));
  return {};
}

void CallArguments::Point(std::string_view x, std::string_view y, v1::Target* target) {
  target->mutable_point()->set_x(Number(x));
  target->mutable_point()->set_y(Number(y));
}

v1::MouseButton CallArguments::Button() {
  if (!Has("button")) return v1::MOUSE_BUTTON_LEFT;
  const std::string button = String("button");
  if (button == "left") return v1::MOUSE_BUTTON_LEFT;
  if (button == "middle") return v1::MOUSE_BUTTON_MIDDLE;
  if (button == "right") return v1::MOUSE_BUTTON_RIGHT;
  Fail("button must be 'left', 'middle' or 'right'");
  return v1::MOUSE_BUTTON_LEFT;
}

const PythonValue* CallArguments::Required(std::string_view name) {
  const auto found = values_.find(std::string(name));
  if (found != values_.end()) return found->second;
  Fail(absl::StrCat("the argument ", ToAbsl(name), " is missing"));
  return nullptr;
}

}  // namespace proctor::env::dialects
