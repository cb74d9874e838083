// Strict reading of JSON objects of foreign files.
// The header is heavy (common/json.h): include it in .cc files only.
#ifndef PROCTOR_TRAJECTORY_FORMATS_JSON_OBJECT_H_
#define PROCTOR_TRAJECTORY_FORMATS_JSON_OBJECT_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/json.h"
#include "trajectory/formats/findings.h"

namespace proctor::trajectory::formats {

// A member that is missing or of another type is a failure of the findings (and reads as empty)
// unless it is optional: then it may be missing or null. Members that nobody asked for are reported
// as skipped by ReportRest.
class JsonObject {
 public:
  // `json` and `findings` outlive this. Not an object: a failure. `where`: "steps[3]", or "" for
  // the document.
  JsonObject(const Json& json, std::string where, Findings& findings);

  bool Has(std::string_view key) const;
  std::string Text(std::string_view key);
  std::optional<std::string> OptionalText(std::string_view key);
  int64_t Integer(std::string_view key);
  std::optional<int64_t> OptionalInteger(std::string_view key);
  std::optional<double> OptionalNumber(std::string_view key);
  const Json& Array(std::string_view key);
  // An empty array if it is missing or null.
  const Json& OptionalArray(std::string_view key);
  const Json& Object(std::string_view key);
  // Null if it is missing or null.
  const Json* OptionalObject(std::string_view key);
  // Of any type; null if it is missing.
  const Json* Any(std::string_view key);
  // Takes it as known without reading it.
  void Ignore(std::string_view key) { read_.insert(std::string(key)); }

  // "steps[3].key".
  std::string At(std::string_view key) const;
  void ReportRest(std::string_view reason = "has no place in a trajectory");

 private:
  // The member, noted as read; null if it is missing.
  const Json* Find(std::string_view key);
  const Json* Required(std::string_view key);
  const Json* Optional(std::string_view key);

  const Json& json_;
  const std::string where_;
  Findings& findings_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_JSON_OBJECT_H_
