#include "common/json.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace proctor {
namespace {

// Whether brackets outside of strings nest deeper than that, in JSON or in what is malformed.
bool DeeperThan(std::string_view text, int max_depth) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<Json> ParseJson(std::string_view text) {
  constexpr int kMaxDepth = 200;
  if (DeeperThan(text, kMaxDepth)) {
    return absl::InvalidArgumentError(absl::StrCat("JSON nested deeper than ", kMaxDepth));
  }
  // Without the parser's own callback: with one, its time grows with the square of an array's objects.
  Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return absl::InvalidArgumentError(absl::StrCat("malformed JSON of ", text.size(), " bytes"));
  }
  return json;
}

std::string DumpJson(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string JsonStringOr(const Json& object, std::string_view key, std::string_view otherwise) {
  if (!object.is_object()) return std::string(otherwise);
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string()) return std::string(otherwise);
  return it->get<std::string>();
}

double JsonNumberOr(const Json& object, std::string_view key, double otherwise) {
  if (!object.is_object()) return otherwise;
  const auto it = object.find(key);
  return it == object.end() || !it->is_number() ? otherwise : it->get<double>();
}

const Json& JsonMember(const Json& object, std::string_view key) {
  static const Json& none = *new Json();
  if (!object.is_object()) return none;
  const auto it = object.find(key);
  return it == object.end() ? none : *it;
}

int64_t JsonIntegerOr(const Json& object, std::string_view key, int64_t otherwise) {
  constexpr double kLimit = 9007199254740992;
  const double number = JsonNumberOr(object, key, static_cast<double>(otherwise));
  return static_cast<int64_t>(std::clamp(number, -kLimit, kLimit));
}

bool JsonBoolOr(const Json& object, std::string_view key, bool otherwise) {
  if (!object.is_object()) return otherwise;
  const auto it = object.find(key);
  return it == object.end() || !it->is_boolean() ? otherwise : it->get<bool>();
}

}  // namespace proctor
