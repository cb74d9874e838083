#include "evaluator/evidence_request.h"

#include <cmath>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "evaluator/sql_shape.h"
#include "imaging/image.h"
#include "re2/re2.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kMaxPictureBytes = 1 << 20;
constexpr size_t kMaxTextBytes = 16384;
constexpr int kMaxListed = 256;
constexpr int64_t kRegexMemoryBytes = 1 << 20;

absl::Status Invalid(std::string_view message) { return absl::InvalidArgumentError(ToAbsl(message)); }

bool HasControlCharacter(std::string_view text) {
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

// For what becomes part of a command or a query on the device.
absl::Status ValidateWord(std::string_view field, std::string_view word) {
  if (word.empty()) return Invalid(absl::StrCat(ToAbsl(field), " is empty"));
  if (word.size() > kMaxTextBytes) return Invalid(absl::StrCat(ToAbsl(field), " is longer than ", kMaxTextBytes, " bytes"));
  if (HasControlCharacter(word)) return Invalid(absl::StrCat(ToAbsl(field), " has control characters"));
  return absl::OkStatus();
}

absl::Status ValidatePageSequence(const v1::EvidenceRequest::PageSequence& pages) {
  if (pages.entries().empty()) return Invalid("entries lists nothing");
  for (const auto& entry : pages.entries()) {
    if (entry.url().empty() && entry.url_expression().empty()) return Invalid("an entry has no url");
  }
  return absl::OkStatus();
}

absl::Status ValidateScreenMatch(const v1::EvidenceRequest::ScreenMatch& match) {
  if (match.picture().empty()) return Invalid("picture is empty: give a PNG, JPEG or WebP");
  if (match.picture().size() > kMaxPictureBytes) return Invalid("picture is larger than 1 MiB");
  const absl::StatusOr<imaging::ImageInfo> info = imaging::Probe(match.picture());
  if (!info.ok()) return Invalid(absl::StrCat("picture: ", info.status().message()));
  if (!match.has_region()) return absl::OkStatus();
  const v1::Rect& region = match.region();
  for (const double number : {region.x(), region.y(), region.width(), region.height()}) {
    if (!std::isfinite(number) || number < 0) return Invalid("region: its numbers are not negative");
  }
  if (region.width() < info->width_px || region.height() < info->height_px) {
    return Invalid(absl::StrCat("region is smaller than the picture (", info->width_px, " x ", info->height_px, ")"));
  }
  return absl::OkStatus();
}

absl::Status ValidateSetting(const v1::EvidenceRequest::Setting& setting) {
  const std::string& space = setting.namespace_();
  if (space != "system" && space != "secure" && space != "global") {
    return Invalid("namespace must be system, secure or global");
  }
  static const RE2 key(R"([A-Za-z0-9_.-]+)");
  if (!RE2::FullMatch(setting.key(), key)) return Invalid("key must match [A-Za-z0-9_.-]+");
  return absl::OkStatus();
}

absl::Status ValidateContentQuery(const v1::EvidenceRequest::ContentQuery& query) {
  PROCTOR_RETURN_IF_ERROR(ValidateWord("uri", query.uri()));
  constexpr std::string_view kScheme = "content://";
  if (!query.uri().starts_with(kScheme) || query.uri().size() == kScheme.size()) {
    return Invalid("uri must be like content://contacts/phones");
  }
  if (query.projection_size() > kMaxListed) return Invalid(absl::StrCat("projection lists more than ", kMaxListed, " columns"));
  for (const std::string& column : query.projection()) PROCTOR_RETURN_IF_ERROR(ValidateWord("projection: a column", column));
  return query.where().empty() ? absl::OkStatus() : ValidateWord("where", query.where());
}

absl::Status ValidateSqliteQuery(const v1::EvidenceRequest::SqliteQuery& query) {
  PROCTOR_RETURN_IF_ERROR(ValidateFilePath(query.path()));
  if (query.query().size() > kMaxTextBytes) return Invalid(absl::StrCat("query is longer than ", kMaxTextBytes, " bytes"));
  if (query.query().find('\0') != std::string::npos) return Invalid("query has a zero byte");
  return Annotate(ValidateOneSelect(query.query()), "query");
}

absl::Status ValidateLogLines(const v1::EvidenceRequest::LogLines& lines) {
  if (lines.filters_size() > kMaxListed) return Invalid(absl::StrCat("filters lists more than ", kMaxListed));
  for (const std::string& filter : lines.filters()) {
    PROCTOR_RETURN_IF_ERROR(ValidateWord("filters: a filter", filter));
    if (filter[0] == '-' || filter.find(' ') != std::string::npos) {
      return Invalid("filters: write each like ActivityManager:I or *:S");
    }
  }
  if (lines.regex().empty()) return Invalid("regex is empty; .* takes every line");
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryBytes);
  const RE2 regex(lines.regex(), options);
  if (!regex.ok()) return Invalid(absl::StrCat("regex: ", regex.error()));
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateFilePath(std::string_view path) {
  if (path.empty()) return Invalid("path is empty");
  if (path.size() > kMaxPathBytes) return Invalid(absl::StrCat("path is longer than ", kMaxPathBytes, " bytes"));
  if (HasControlCharacter(path)) return Invalid("path has control characters");
  for (const absl::string_view part : absl::StrSplit(ToAbsl(path), '/')) {
    if (part == "..") return Invalid("path must not go up by '..'");
  }
  return absl::OkStatus();
}

absl::Status ValidateEvidenceRequest(const v1::EvidenceRequest& request) {
  switch (request.kind_case()) {
    case v1::EvidenceRequest::kPageExpression:
      if (request.page_expression().expression().empty()) return Invalid("page_expression: expression is empty");
      return absl::OkStatus();
    case v1::EvidenceRequest::kSiteState:
      return Annotate(ValidateWord("site", request.site_state().site()), "site_state");
    case v1::EvidenceRequest::kPageSequence:
      return Annotate(ValidatePageSequence(request.page_sequence()), "page_sequence");
    case v1::EvidenceRequest::kFile:
      return Annotate(ValidateFilePath(request.file().path()), "file");
    case v1::EvidenceRequest::kCommand:
      return Annotate(ValidateWord("name", request.command().name()), "command");
    case v1::EvidenceRequest::kScreenMatch:
      return Annotate(ValidateScreenMatch(request.screen_match()), "screen_match");
    case v1::EvidenceRequest::kSetting:
      return Annotate(ValidateSetting(request.setting()), "setting");
    case v1::EvidenceRequest::kContentQuery:
      return Annotate(ValidateContentQuery(request.content_query()), "content_query");
    case v1::EvidenceRequest::kSqliteQuery:
      return Annotate(ValidateSqliteQuery(request.sqlite_query()), "sqlite_query");
    case v1::EvidenceRequest::kLogLines:
      return Annotate(ValidateLogLines(request.log_lines()), "log_lines");
    case v1::EvidenceRequest::kFinalUrl:
    case v1::EvidenceRequest::kProcesses:
    case v1::EvidenceRequest::kForeground:
    case v1::EvidenceRequest::kClipboard:
      return absl::OkStatus();
    case v1::EvidenceRequest::KIND_NOT_SET:
      break;
  }
  return Invalid("a request needs a kind");
}

}  // namespace proctor::evaluator
