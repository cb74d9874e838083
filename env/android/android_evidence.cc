#include "env/android/android_evidence.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/android/android_settings.h"
#include "env/android/device_state.h"
#include "imaging/match.h"
#include "re2/re2.h"

namespace proctor::env::android {
namespace {

// oracle.proto: what is carried of a file.
constexpr size_t kMaxFileValue = size_t{1} << 20;
constexpr size_t kMaxFile = size_t{64} << 20;
constexpr size_t kMaxLogLines = 1000;
constexpr size_t kMaxRows = 10'000;
constexpr size_t kMaxPicture = size_t{1} << 20;

bool IsUtf8(std::string_view text) { return SanitizeUtf8(text) == text; }

// Where the value that begins at `at` ends: before ", <name>=" of the column that comes next, or at the end.
size_t ValueEnd(const std::string& row, size_t at, const std::vector<std::string>& projection, size_t column) {
  if (!projection.empty()) {
    if (column + 1 >= projection.size()) return row.size();
    const size_t next = row.find(absl::StrCat(", ", projection[column + 1], "="), at);
    return next == std::string::npos ? row.size() : next;
  }
  static const re2::RE2* const kNext = new re2::RE2(", ([A-Za-z_][A-Za-z0-9_]*)=");
  re2::StringPiece match[1];
  const re2::StringPiece whole(row);
  return kNext->Match(whole, at, whole.size(), re2::RE2::UNANCHORED, match, 1) ? static_cast<size_t>(match[0].data() - whole.data())
                                                                             : row.size();
}

// `content` may end with 0 whatever happened, and a provider may die after some rows.
bool Refused(const ShellResult& result) {
  static const re2::RE2* const kComplaint = new re2::RE2("(?m)^(Error while|\\[ERROR\\])");
  return result.exit_code != 0 || re2::RE2::PartialMatch(result.errors, *kComplaint) || (result.output.empty() && !result.errors.empty());
}

// "a=1, b=NULL" as an object.
absl::StatusOr<Json> ParseRow(const std::string& row, const std::vector<std::string>& projection) {
  Json object = Json::object();
  size_t at = 0;
  for (size_t column = 0; at < row.size(); ++column) {
    const size_t equals = row.find('=', at);
    if (equals == std::string::npos) return absl::DataLossError("a row of `content query` without columns");
    const std::string name = row.substr(at, equals - at);
    const size_t end = ValueEnd(row, equals + 1, projection, column);
    const std::string value = row.substr(equals + 1, end - equals - 1);
    object[SanitizeUtf8(name)] = value == "NULL" ? Json() : Json(SanitizeUtf8(value));
    at = std::min(row.size(), end + 2);
  }
  return object;
}

}  // namespace

absl::StatusOr<std::string> ContentRowsAsJson(std::string_view text, const std::vector<std::string>& projection) {
  Json rows = Json::array();
  if (absl::StartsWith(absl::StripAsciiWhitespace(ToAbsl(text)), "No result found")) return DumpJson(rows);
  // A row may hold line ends: the next begins where its number says.
  std::string pending;
  bool open = false;
  const auto finish = [&]() -> absl::Status {
    if (!open) return absl::OkStatus();
    PROCTOR_ASSIGN_OR_RETURN(Json row, ParseRow(pending, projection));
    rows.push_back(std::move(row));
    return rows.size() > kMaxRows ? absl::ResourceExhaustedError("`content query` gave over 10000 rows") : absl::OkStatus();
  };
  for (const absl::string_view line : absl::StrSplit(absl::StripTrailingAsciiWhitespace(ToAbsl(text)), '\n')) {
    absl::string_view rest = line;
    const std::string head = absl::StrCat("Row: ", rows.size() + (open ? 1 : 0), " ");
    if (absl::ConsumePrefix(&rest, head)) {
      PROCTOR_RETURN_IF_ERROR(finish());
      pending = std::string(rest);
      open = true;
    } else if (open) {
      absl::StrAppend(&pending, "\n", line);
    } else if (!absl::StripAsciiWhitespace(line).empty()) {
      return absl::DataLossError(absl::StrCat("`content query`: ", SanitizeUtf8(TruncateUtf8(ToStd(line), 200))));
    }
  }
  PROCTOR_RETURN_IF_ERROR(finish());
  return DumpJson(rows);
}

absl::StatusOr<std::string> EvidenceCollector::Collect(const CallContext& context, const v1::EvidenceRequest& request) {
  PROCTOR_RETURN_IF_ERROR(context.Check("evidence"));
  switch (request.kind_case()) {
    case v1::EvidenceRequest::kFile:
      return File(context, request.file().path());
    case v1::EvidenceRequest::kSetting:
      return Setting(context, request.setting());
    case v1::EvidenceRequest::kContentQuery:
      return ContentQuery(context, request.content_query());
    case v1::EvidenceRequest::kSqliteQuery:
      return SqliteQuery(context, request.sqlite_query());
    case v1::EvidenceRequest::kLogLines:
      return LogLines(context, request.log_lines());
    case v1::EvidenceRequest::kForeground:
      return Foreground(context);
    case v1::EvidenceRequest::kScreenMatch:
      return ScreenMatch(context, request.screen_match());
    default:
      return absl::InvalidArgumentError(
          "a phone knows file, setting, content_query, sqlite_query, log_lines, foreground and screen_match, not this kind of evidence");
  }
}

absl::StatusOr<std::string> EvidenceCollector::File(const CallContext& context, const std::string& path) {
  const absl::StatusOr<std::string> content = device_.Pull(context, path, kMaxFile);
  if (absl::IsNotFound(content.status())) return DumpJson({{"exists", false}});
  PROCTOR_RETURN_IF_ERROR(content.status());
  Json value = {{"exists", true}, {"size", content->size()}};
  if (content->size() <= kMaxFileValue) {
    if (IsUtf8(*content)) {
      value["text"] = *content;
    } else {
      value["base64"] = absl::Base64Escape(*content);
    }
  }
  return DumpJson(value);
}

absl::StatusOr<std::string> EvidenceCollector::Setting(const CallContext& context, const v1::EvidenceRequest::Setting& setting) {
  PROCTOR_RETURN_IF_ERROR(Annotate(CheckSettingName(setting.namespace_(), setting.key()), "setting"));
  PROCTOR_ASSIGN_OR_RETURN(std::string text, device_.Run(context, absl::StrCat("settings get ", setting.namespace_(), " ", setting.key())));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (text == "null") return "null";
  return DumpJson(SanitizeUtf8(text));
}

absl::StatusOr<std::string> EvidenceCollector::ContentQuery(const CallContext& context,
                                                            const v1::EvidenceRequest::ContentQuery& query) {
  static const re2::RE2* const kColumn = new re2::RE2("[A-Za-z_][A-Za-z0-9_.]*");
  if (!absl::StartsWith(query.uri(), "content://")) return absl::InvalidArgumentError("content_query.uri: begins with content://");
  for (const std::string& column : query.projection()) {
    if (!re2::RE2::FullMatch(column, *kColumn)) return absl::InvalidArgumentError("content_query.projection: names of columns");
  }
  std::string command = absl::StrCat("content query --uri ", ShellQuote(query.uri()));
  if (query.projection_size() > 0) absl::StrAppend(&command, " --projection ", absl::StrJoin(query.projection(), ":"));
  if (!query.where().empty()) absl::StrAppend(&command, " --where ", ShellQuote(query.where()));
  PROCTOR_ASSIGN_OR_RETURN(const ShellResult result, device_.Shell(context, command));
  if (Refused(result)) {
    const std::string words = SanitizeUtf8(TruncateUtf8(result.errors, 300));
    return absl::FailedPreconditionError(absl::StrCat("content query: exit code ", result.exit_code, ": ", words));
  }
  return ContentRowsAsJson(result.output, {query.projection().begin(), query.projection().end()});
}

absl::StatusOr<std::string> EvidenceCollector::LogLines(const CallContext& context, const v1::EvidenceRequest::LogLines& wanted) {
  const re2::RE2 expression(wanted.regex(), re2::RE2::Quiet);
  if (!expression.ok()) return absl::InvalidArgumentError(absl::StrCat("log_lines.regex: ", expression.error()));
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                           log_.Lines(context, {wanted.filters().begin(), wanted.filters().end()}));
  const int groups = expression.NumberOfCapturingGroups();
  std::vector<re2::StringPiece> match(groups + 1);
  Json out = {{"lines", Json::array()}, {"captures", Json::array()}};
  double sum = 0;
  for (const std::string& line : lines) {
    if (!expression.Match(line, 0, line.size(), re2::RE2::UNANCHORED, match.data(), groups + 1)) continue;
    if (out["lines"].size() == kMaxLogLines) break;
    Json captures = Json::array();
    for (int i = 1; i <= groups; ++i) captures.push_back(std::string(match[i].data() == nullptr ? "" : match[i].ToString()));
    double number = 0;
    if (groups > 0 && absl::SimpleAtod(captures[0].get<std::string>(), &number)) sum += number;
    out["lines"].push_back(line);
    out["captures"].push_back(std::move(captures));
  }
  out["sum"] = sum;
  return DumpJson(out);
}

absl::StatusOr<std::string> EvidenceCollector::Foreground(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(const android::Foreground front, ReadForeground(context, device_));
  if (front.package.empty()) return absl::UnavailableError("the device does not say what is in front");
  return DumpJson({{"package", front.package}, {"activity", front.activity}});
}

absl::StatusOr<std::string> EvidenceCollector::ScreenMatch(const CallContext& context,
                                                           const v1::EvidenceRequest::ScreenMatch& wanted) {
  if (wanted.picture().empty() || wanted.picture().size() > kMaxPicture) {
    return absl::InvalidArgumentError("screen_match.picture: a PNG, JPEG or WebP of at most 1 MiB");
  }
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image picture, imaging::Decode(wanted.picture()));
  PROCTOR_RETURN_IF_ERROR(screen_.Capture(context).status());
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Image* pixels, screen_.Pixels());
  imaging::Region region = {0, 0, pixels->width_px, pixels->height_px};
  if (wanted.has_region()) {
    const v1::Rect& box = wanted.region();
    const auto pixel = [](double at) { return std::isfinite(at) ? static_cast<int>(std::lround(std::clamp(at, -1e6, 1e6))) : 0; };
    region = {pixel(box.x()), pixel(box.y()), pixel(box.width()), pixel(box.height())};
  }
  PROCTOR_ASSIGN_OR_RETURN(const imaging::Match match, imaging::FindPicture(*pixels, picture, region));
  return DumpJson({{"score", match.score}, {"x", match.x_px}, {"y", match.y_px}});
}

}  // namespace proctor::env::android
