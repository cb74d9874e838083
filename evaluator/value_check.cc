#include "evaluator/value_check.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "evaluator/csv.h"
#include "evaluator/ini.h"
#include "evaluator/matchers.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxShownBytes = 400;
// Matching ignores white space: a text that takes more bytes for each of those expected is another one.
constexpr uint64_t kMaxSpacing = 8;

Score Unreadable(std::string_view what, const absl::Status& status) {
  return Score::Unknown(v1::UNDETERMINED_REASON_EVIDENCE_MISSING, absl::StrCat(ToAbsl(what), ": ", status.message()));
}

// What is recorded of a file.
struct FileRecord {
  bool exists = false;
  // Of a file that is not UTF-8 the bytes are recorded in another form: it has no text.
  std::optional<std::string> text;
  bool has_bytes = false;
  // Of the file, if it is recorded.
  std::optional<uint64_t> size;
};

absl::StatusOr<FileRecord> ReadRecord(std::string_view evidence_json) {
  PROCTOR_ASSIGN_OR_RETURN(const Json json, ParseJson(evidence_json));
  if (!json.is_object() || !json.contains("exists") || !json["exists"].is_boolean()) {
    return absl::InvalidArgumentError("the evidence does not say whether the file exists");
  }
  FileRecord record;
  record.exists = json["exists"].get<bool>();
  if (json.contains("text") && json["text"].is_string()) record.text = json["text"].get<std::string>();
  record.has_bytes = json.contains("base64");
  if (json.contains("size") && json["size"].is_number_unsigned()) record.size = json["size"].get<uint64_t>();
  return record;
}

// The content in the form that pointers go into.
absl::StatusOr<std::string> ContentAsJson(v1::FileCheck::Format format, std::string_view text) {
  switch (format) {
    case v1::FileCheck::FORMAT_JSON:
      PROCTOR_RETURN_IF_ERROR(ParseJson(text).status());
      return std::string(text);
    case v1::FileCheck::FORMAT_INI:
      return IniToJson(text);
    case v1::FileCheck::FORMAT_CSV:
      return CsvToJson(text);
    default:
      return DumpJson(Json(std::string(text)));
  }
}

// The bytes of the longest text that passes `match`, without the white space and separators that it may have; nothing: any length may pass.
std::optional<size_t> LongestMatch(const v1::JsonMatch& match) {
  if (match.has_equals_json()) return match.equals_json().size();
  if (!match.text().has_equals() && !match.text().has_sequence()) return std::nullopt;
  const bool all = match.text().has_sequence();
  size_t longest = 0, sum = 0;
  for (const std::string& value : (all ? match.text().sequence() : match.text().equals()).values()) {
    longest = std::max(longest, value.size());
    sum += value.size();
  }
  return all ? sum : longest;
}

// Of a file whose content is too large to be recorded: one that must be a text far shorter is not. The rest cannot be told.
Score ScoreTooLarge(const v1::FileCheck& check, const FileRecord& record, std::string_view what) {
  const std::optional<size_t> longest = LongestMatch(check.match());
  const bool whole_text = check.format() <= v1::FileCheck::FORMAT_TEXT && check.pointer().empty();
  if (whole_text && longest.has_value() && record.size.has_value() && *record.size / kMaxSpacing > *longest) {
    return Score::Of(0, absl::StrCat(ToAbsl(what), ": expected ", Describe(check.match()), "; it has ", *record.size, " bytes"));
  }
  return Score::Unknown(v1::UNDETERMINED_REASON_EVIDENCE_MISSING, absl::StrCat(ToAbsl(what), " is too large to be recorded"));
}

std::string Shortened(std::string_view text) {
  return absl::StrCat(ToAbsl(TruncateUtf8(text, kMaxShownBytes)), text.size() > kMaxShownBytes ? "..." : "");
}

}  // namespace

std::string Shown(std::string_view text) { return absl::StrCat("\"", Shortened(text), "\""); }

Score ScoreValueAt(std::string_view what, std::string_view json, std::string_view pointer, const v1::JsonMatch& match) {
  const absl::StatusOr<std::optional<std::string>> value = JsonAtPointer(json, pointer);
  if (!value.ok()) return Unreadable(what, value.status());
  const absl::StatusOr<double> score = ScoreJson(match, *value);
  if (!score.ok()) return Unreadable(what, score.status());
  return Score::Of(*score, absl::StrCat(ToAbsl(what), ": expected ", Describe(match), "; found ",
                                        value->has_value() ? Shortened(**value) : "nothing"));
}

Score ScoreFile(const v1::FileCheck& check, std::string_view evidence_json) {
  const std::string what = absl::StrCat("file ", check.path());
  const absl::StatusOr<FileRecord> record = ReadRecord(evidence_json);
  if (!record.ok()) return Unreadable(what, record.status());
  const bool wanted_absent = check.match().absent() && check.pointer().empty();
  if (!check.has_match() || wanted_absent) {
    return Score::Of(record->exists != wanted_absent ? 1 : 0,
                     absl::StrCat(what, ": expected ", wanted_absent ? "not to exist" : "to exist", "; it ",
                                  record->exists ? "exists" : "does not exist"));
  }
  if (!record->exists) return Score::Of(0, absl::StrCat(what, " does not exist"));
  if (!record->text.has_value()) {
    if (record->has_bytes) return Score::Of(0, absl::StrCat(what, " is not UTF-8 text"));
    return ScoreTooLarge(check, *record, what);
  }
  const absl::StatusOr<std::string> content = ContentAsJson(check.format(), *record->text);
  if (!content.ok()) {
    return Score::Of(0, absl::StrCat(what, " does not read as ", v1::FileCheck::Format_Name(check.format()), ": ",
                                     content.status().message()));
  }
  return ScoreValueAt(absl::StrCat(what, check.pointer()), *content, check.pointer(), check.match());
}

}  // namespace proctor::evaluator
