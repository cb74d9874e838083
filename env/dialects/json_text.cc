#include "env/dialects/json_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/dialects/parsers.h"

namespace proctor::env::dialects {
namespace {

constexpr int kMaxPlaces = 16;

// Where the bracket at `begin` closes, strings skipped; npos if it does not.
size_t ClosingBracket(std::string_view text, size_t begin) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i;
    }
  }
  return text.npos;
}

std::string ProseOf(std::string_view before) {
  before = Trim(before);
  for (const std::string_view fence : {"```json", "```"}) {
    if (before.ends_with(fence)) return std::string(Trim(before.substr(0, before.size() - fence.size())));
  }
  return std::string(before);
}

// An object begins here, or an array of objects.
bool BeginsHere(std::string_view text, size_t at) {
  if (text[at] == '{') return true;
  if (text[at] != '[') return false;
  for (++at; at < text.size() && absl::ascii_isspace(static_cast<unsigned char>(text[at]));) ++at;
  return at < text.size() && text[at] == '{';
}

}  // namespace

const Json& Member(const Json& object, std::string_view name) {
  static const Json* const kNull = new Json;
  if (!object.is_object()) return *kNull;
  const auto found = object.find(name);
  return found == object.end() ? *kNull : *found;
}

const Json& Items(const Json& json) {
  static const Json* const kNone = new Json(Json::array());
  return json.is_array() ? json : *kNone;
}

absl::StatusOr<JsonText> FindJson(std::string_view text, bool (*fits)(const Json& json)) {
  absl::Status problem = absl::InvalidArgumentError("there is no JSON object");
  int places = 0;
  for (size_t at = 0; at < text.size() && places < kMaxPlaces; ++at) {
    if (!BeginsHere(text, at)) continue;
    ++places;
    const size_t end = ClosingBracket(text, at);
    if (end == text.npos) {
      problem = absl::InvalidArgumentError("the JSON is cut off: a bracket or a quote is not closed");
      continue;
    }
    absl::StatusOr<Json> json = ParseJson(text.substr(at, end + 1 - at));
    if (json.ok() && fits(*json)) return JsonText{*std::move(json), ProseOf(text.substr(0, at))};
    problem = json.ok() ? absl::InvalidArgumentError("the JSON is not an action")
                        : absl::InvalidArgumentError("the JSON is malformed");
    if (json.ok()) at = end;
  }
  return problem;
}

void JsonFields::Fail(std::string_view problem) {
  if (error_.empty()) error_ = absl::StrCat(ToAbsl(what_), ": ", ToAbsl(problem));
}

std::string JsonFields::String(std::string_view name) {
  const Json& value = Get(name);
  if (value.is_string()) return value.get<std::string>();
  Fail(absl::StrCat("\"", ToAbsl(name), "\" must be a text"));
  return "";
}

double JsonFields::Number(std::string_view name) {
  const Json& value = Get(name);
  if (value.is_number()) return value.get<double>();
  Fail(absl::StrCat("\"", ToAbsl(name), "\" must be a number"));
  return 0;
}

std::vector<std::string> JsonFields::Strings(std::string_view name) {
  std::vector<std::string> strings;
  const Json& value = Get(name);
  if (value.is_array()) {
    for (const Json& item : value) {
      if (item.is_string()) strings.push_back(item.get<std::string>());
    }
  }
  if (strings.empty() || strings.size() != value.size()) {
    Fail(absl::StrCat("\"", ToAbsl(name), "\" must be a list of texts"));
    return {};
  }
  return strings;
}

v1::Point JsonFields::Point() {
  v1::Point point;
  point.set_x(Number("x"));
  point.set_y(Number("y"));
  return point;
}

v1::Point JsonFields::Point(std::string_view name) {
  v1::Point point;
  if (!ReadPoint(Get(name), point)) Fail(absl::StrCat("\"", ToAbsl(name), "\" must be [x, y], in pixels"));
  return point;
}

bool ReadPoint(const Json& json, v1::Point& point) {
  const bool pair = json.is_array() && json.size() == 2;
  const bool object = json.is_object() && json.contains("x") && json.contains("y");
  if (!pair && !object) return false;
  const Json& x = pair ? json[0] : json["x"];
  const Json& y = pair ? json[1] : json["y"];
  if (!x.is_number() || !y.is_number()) return false;
  point.set_x(x.get<double>());
  point.set_y(y.get<double>());
  return true;
}

}  // namespace proctor::env::dialects
