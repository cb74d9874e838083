// JSON that a model wrote, maybe with prose and code fences around it. The header is heavy: include it in .cc files only.
#ifndef PROCTOR_ENV_DIALECTS_JSON_TEXT_H_
#define PROCTOR_ENV_DIALECTS_JSON_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/json.h"
#include "proctor/v1/action.pb.h"

namespace proctor::env::dialects {

// A JSON value and the prose before it, without the opening of a code fence.
struct JsonText {
  Json json;
  std::string prose;
};

// The member, or null if there is none or `object` is none.
const Json& Member(const Json& object, std::string_view name);

// The items of an array, or none.
const Json& Items(const Json& json);

// The first object, or array of objects, in `text` for which `fits` holds. INVALID_ARGUMENT if there is none: "no JSON object", or
// what is wrong with the one that is there. Linear: at most 16 places are tried.
absl::StatusOr<JsonText> FindJson(std::string_view text, bool (*fits)(const Json& json));

// Reads an object's members and collects the first problem, written for the author of the text.
class JsonFields {
 public:
  // `what` names the object in messages ("click"). Both outlive the reader.
  JsonFields(const Json& object, std::string_view what) : object_(object), what_(what) {}

  const std::string& error() const { return error_; }
  void Fail(std::string_view problem);

  // Is there, and not null.
  bool Has(std::string_view name) const { return !Get(name).is_null(); }
  std::string String(std::string_view name);
  double Number(std::string_view name);
  std::vector<std::string> Strings(std::string_view name);
  // Of members "x" and "y".
  v1::Point Point();
  // Of a member that is [x, y] or {"x": x, "y": y}.
  v1::Point Point(std::string_view name);
  const Json& Get(std::string_view name) const { return Member(object_, name); }

 private:
  const Json& object_;
  std::string_view what_;
  std::string error_;
};

// [x, y] or {"x": x, "y": y}; false for anything else.
bool ReadPoint(const Json& json, v1::Point& point);

}  // namespace proctor::env::dialects

#endif  // PROCTOR_ENV_DIALECTS_JSON_TEXT_H_
