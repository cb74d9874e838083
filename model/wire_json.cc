#include "model/wire_json.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace proctor::model {

const Json* Member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

const Json& Array(const Json& object, std::string_view key) {
  static const Json& empty = *new Json(Json::array());
  const Json* member = Member(object, key);
  return member != nullptr && member->is_array() ? *member : empty;
}

std::string Text(const Json& object, std::string_view key) {
  const Json* member = Member(object, key);
  if (member == nullptr) return "";
  if (member->is_string()) return member->get<std::string>();
  return member->is_number() ? DumpJson(*member) : "";
}

std::string ContentText(const Json& object, std::string_view key) {
  const Json* member = Member(object, key);
  if (member == nullptr) return "";
  if (member->is_string()) return member->get<std::string>();
  std::string text;
  for (const Json& part : Array(object, key)) absl::StrAppend(&text, JsonStringOr(part, "text"));
  return text;
}

int64_t Count(const Json& object, std::string_view key) {
  const double number = JsonNumberOr(object, key);
  return number >= 0 && number <= 1e12 ? static_cast<int64_t>(number) : 0;
}

std::string Base64(std::string_view bytes) { return absl::Base64Escape(ToAbsl(bytes)); }

std::string_view MediaType(std::string_view image) {
  if (image.starts_with("\x89PNG")) return "image/png";
  if (image.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (image.starts_with("RIFF") && image.substr(0, 12).ends_with("WEBP")) return "image/webp";
  return "application/octet-stream";
}

}  // namespace proctor::model
