#include "trajectory/formats/json_object.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace proctor::trajectory::formats {
namespace {

const Json& EmptyArray() {
  static const Json& empty = *new Json(Json::array());
  return empty;
}

const Json& EmptyObject() {
  static const Json& empty = *new Json(Json::object());
  return empty;
}

// A whole number that an int64 holds.
std::optional<int64_t> AsInteger(const Json& json) {
  if (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX) return std::nullopt;
  if (!json.is_number_integer()) return std::nullopt;
  return json.get<int64_t>();
}

}  // namespace

JsonObject::JsonObject(const Json& json, std::string where, Findings& findings)
    : json_(json.is_object() ? json : EmptyObject()),
      where_(std::move(where)),
      findings_(findings) {
  if (!json.is_object()) findings_.Fail(where_.empty() ? "the document" : where_, "is no object");
}

std::string JsonObject::At(std::string_view key) const {
  return absl::StrCat(where_, where_.empty() ? "" : ".", ToAbsl(key));
}

const Json* JsonObject::Find(std::string_view key) {
  read_.emplace(key);
  const auto member = json_.find(key);
  return member == json_.end() ? nullptr : &*member;
}

const Json* JsonObject::Required(std::string_view key) {
  const Json* const member = Find(key);
  if (member == nullptr) findings_.Fail(At(key), "is missing");
  return member;
}

const Json* JsonObject::Optional(std::string_view key) {
  const Json* const member = Find(key);
  return member == nullptr || member->is_null() ? nullptr : member;
}

bool JsonObject::Has(std::string_view key) const { return json_.contains(key); }

const Json* JsonObject::Any(std::string_view key) { return Find(key); }

std::string JsonObject::Text(std::string_view key) {
  const Json* const member = Required(key);
  if (member != nullptr && member->is_string()) return member->get<std::string>();
  findings_.Fail(At(key), "is no string");
  return "";
}

std::optional<std::string> JsonObject::OptionalText(std::string_view key) {
  const Json* const member = Optional(key);
  if (member == nullptr) return std::nullopt;
  if (member->is_string()) return member->get<std::string>();
  findings_.Fail(At(key), "is no string");
  return std::nullopt;
}

int64_t JsonObject::Integer(std::string_view key) {
  const Json* const member = Required(key);
  const std::optional<int64_t> value = member == nullptr ? std::nullopt : AsInteger(*member);
  if (!value.has_value()) findings_.Fail(At(key), "is no whole number");
  return value.value_or(0);
}

std::optional<int64_t> JsonObject::OptionalInteger(std::string_view key) {
  const Json* const member = Optional(key);
  if (member == nullptr) return std::nullopt;
  const std::optional<int64_t> value = AsInteger(*member);
  if (!value.has_value()) findings_.Fail(At(key), "is no whole number");
  return value;
}

std::optional<double> JsonObject::OptionalNumber(std::string_view key) {
  const Json* const member = Optional(key);
  if (member == nullptr) return std::nullopt;
  if (member->is_number() && std::isfinite(member->get<double>())) return member->get<double>();
  findings_.Fail(At(key), "is no number");
  return std::nullopt;
}

const Json& JsonObject::Array(std::string_view key) {
  const Json* const member = Required(key);
  if (member != nullptr && member->is_array()) return *member;
  findings_.Fail(At(key), "is no array");
  return EmptyArray();
}

const Json& JsonObject::OptionalArray(std::string_view key) {
  const Json* const member = Optional(key);
  if (member == nullptr) return EmptyArray();
  if (member->is_array()) return *member;
  findings_.Fail(At(key), "is no array");
  return EmptyArray();
}

const Json& JsonObject::Object(std::string_view key) {
  const Json* const member = Required(key);
  if (member != nullptr && member->is_object()) return *member;
  findings_.Fail(At(key), "is no object");
  return EmptyObject();
}

const Json* JsonObject::OptionalObject(std::string_view key) {
  const Json* const member = Optional(key);
  if (member == nullptr || member->is_object()) return member;
  findings_.Fail(At(key), "is no object");
  return nullptr;
}

void JsonObject::ReportRest(std::string_view reason) {
  for (const auto& [key, value] : json_.items()) {
    if (read_.count(key) == 0 && !value.is_null()) findings_.Skip(At(key), reason);
  }
}

}  // namespace proctor::trajectory::formats
