#include "common/json.h"

#include "absl/strings/str_cat.h"

namespace proctor {

absl::StatusOr<Json> ParseJson(std::string_view text) {
  constexpr int kMaxDepth = 200;
  bool too_deep = false;
  const auto check = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  // The parser itself recurses nowhere, so the depth can be checked on the way.
  Json json = Json::parse(text.begin(), text.end(), check, /*allow_exceptions=*/false);
  if (too_deep) {
    return absl::InvalidArgumentError(absl::StrCat("JSON nested deeper than ", kMaxDepth));
  }
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

bool JsonBoolOr(const Json& object, std::string_view key, bool otherwise) {
  if (!object.is_object()) return otherwise;
  const auto it = object.find(key);
  return it == object.end() || !it->is_boolean() ? otherwise : it->get<bool>();
}

}  // namespace proctor
