// The JSON part of evaluator/matchers.h.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "evaluator/matchers.h"

namespace proctor::evaluator {
namespace {

// Does `whole` hold everything that `part` holds? Objects by key, everything else by equality.
bool ContainsSubset(const Json& whole, const Json& part) {
  if (!part.is_object() || !whole.is_object()) return whole == part;
  for (const auto& [key, value] : part.items()) {
    const auto it = whole.find(key);
    if (it == whole.end() || !ContainsSubset(*it, value)) return false;
  }
  return true;
}

bool ContainsElement(const Json& whole, const Json& part) {
  if (whole.is_array()) {
    return std::any_of(whole.begin(), whole.end(),
                       [&](const Json& element) { return ContainsSubset(element, part); });
  }
  return whole.is_object() && part.is_object() && ContainsSubset(whole, part);
}

bool IsTruthy(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();  // null, [] and {} are empty
}

bool HasText(const v1::TextMatch& match, const Json& value) {
  return value.is_array() && std::any_of(value.begin(), value.end(), [&](const Json& element) {
           return element.is_string() && MatchesText(match, element.get_ref<const std::string&>());
         });
}

double Holds(bool holds) { return holds ? 1 : 0; }

absl::StatusOr<double> Compare(const v1::JsonMatch& match, const Json& value) {
  switch (match.kind_case()) {
    case v1::JsonMatch::kEqualsJson: {
      PROCTOR_ASSIGN_OR_RETURN(const Json expected, ParseJson(match.equals_json()));
      return Holds(value == expected);
    }
    case v1::JsonMatch::kText:
      if (value.is_null()) return 0;
      return Holds(MatchesText(match.text(), value.is_string() ? value.get<std::string>() : DumpJson(value)));
    case v1::JsonMatch::kTruthy:
      return Holds(IsTruthy(value));
    case v1::JsonMatch::kAbsent:
      return Holds(value.is_null());
    case v1::JsonMatch::kContainsJson: {
      PROCTOR_ASSIGN_OR_RETURN(const Json expected, ParseJson(match.contains_json()));
      return Holds(ContainsElement(value, expected));
    }
    case v1::JsonMatch::kSize:
      return Holds((value.is_array() || value.is_object()) && static_cast<int64_t>(value.size()) == match.size());
    case v1::JsonMatch::kAtLeast:
      return Holds(value.is_number() && value.get<double>() >= match.at_least());
    case v1::JsonMatch::kScore:
      return value.is_number() ? std::clamp(value.get<double>(), 0.0, 1.0) : 0;
    case v1::JsonMatch::kAnyText:
      return Holds(HasText(match.any_text(), value));
    case v1::JsonMatch::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a JSON match needs a kind");
}

// RFC 6901: no leading zero, digits only.
bool ParseIndex(const std::string& token, size_t* index) {
  if (token.empty() || token.size() > 9 || (token.size() > 1 && token[0] == '0')) return false;
  *index = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') return false;
    *index = *index * 10 + (c - '0');
  }
  return true;
}

}  // namespace

absl::Status ValidateJsonMatch(const v1::JsonMatch& match) {
  switch (match.kind_case()) {
    case v1::JsonMatch::kEqualsJson:
      return Annotate(ParseJson(match.equals_json()).status(), "equals_json");
    case v1::JsonMatch::kContainsJson:
      return Annotate(ParseJson(match.contains_json()).status(), "contains_json");
    case v1::JsonMatch::kText:
      return ValidateTextMatch(match.text());
    case v1::JsonMatch::kTruthy:
    case v1::JsonMatch::kAbsent:
    case v1::JsonMatch::kScore:
      // False would read as its contrary but be checked as if it were true: use a negation.
      if (!match.truthy() && !match.absent() && !match.score()) {
        return absl::InvalidArgumentError("`truthy`, `absent` and `score` can only be true; use a negation");
      }
      return absl::OkStatus();
    case v1::JsonMatch::kSize:
      return match.size() < 0 ? absl::InvalidArgumentError("size must not be negative")
                              : absl::OkStatus();
    case v1::JsonMatch::kAtLeast:
      return std::isfinite(match.at_least()) ? absl::OkStatus()
                                             : absl::InvalidArgumentError("at_least must be finite");
    case v1::JsonMatch::kAnyText:
      return Annotate(ValidateTextMatch(match.any_text()), "any_text");
    case v1::JsonMatch::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a JSON match needs a kind");
}

absl::StatusOr<double> ScoreJson(const v1::JsonMatch& match, const std::optional<std::string>& json) {
  if (!json.has_value()) return Holds(match.kind_case() == v1::JsonMatch::kAbsent);
  PROCTOR_ASSIGN_OR_RETURN(const Json value, ParseJson(*json));
  return Compare(match, value);
}

absl::Status ValidateJsonPointer(std::string_view pointer) {
  if (!pointer.empty() && pointer[0] != '/') {
    return absl::InvalidArgumentError("a JSON pointer is empty or starts with '/'");
  }
  for (size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] != '~') continue;
    if (i + 1 == pointer.size() || (pointer[i + 1] != '0' && pointer[i + 1] != '1')) {
      return absl::InvalidArgumentError(
          "in a JSON pointer '~' is written '~0' and '/' is written '~1'");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> JsonAtPointer(std::string_view json,
                                                         std::string_view pointer) {
  PROCTOR_RETURN_IF_ERROR(ValidateJsonPointer(pointer));
  PROCTOR_ASSIGN_OR_RETURN(const Json root, ParseJson(json));
  const Json* value = &root;
  if (!pointer.empty()) {
    for (const absl::string_view part : absl::StrSplit(ToAbsl(pointer.substr(1)), '/')) {
      const std::string token =
          absl::StrReplaceAll(absl::StrReplaceAll(part, {{"~1", "/"}}), {{"~0", "~"}});
      size_t index = 0;
      if (value->is_object() && value->contains(token)) {
        value = &(*value)[token];
      } else if (value->is_array() && ParseIndex(token, &index) && index < value->size()) {
        value = &(*value)[index];
      } else {
        return std::optional<std::string>();
      }
    }
  }
  return std::optional<std::string>(DumpJson(*value));
}

std::string Describe(const v1::JsonMatch& match) {
  switch (match.kind_case()) {
    case v1::JsonMatch::kEqualsJson:
      return match.equals_json();
    case v1::JsonMatch::kText:
      return Describe(match.text());
    case v1::JsonMatch::kTruthy:
      return "a value that is not null, false, 0 or empty";
    case v1::JsonMatch::kAbsent:
      return "no value";
    case v1::JsonMatch::kContainsJson:
      return absl::StrCat("something that contains ", match.contains_json());
    case v1::JsonMatch::kSize:
      return absl::StrCat(match.size(), " elements");
    case v1::JsonMatch::kAtLeast:
      return absl::StrCat("a number of at least ", match.at_least());
    case v1::JsonMatch::kScore:
      return "a number that is the score";
    case v1::JsonMatch::kAnyText:
      return absl::StrCat("a text among them: ", Describe(match.any_text()));
    case v1::JsonMatch::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

}  // namespace proctor::evaluator
