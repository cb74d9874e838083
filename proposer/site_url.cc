#include "proposer/site_url.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "re2/re2.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxUrlBytes = 2'000;

// Parameters that say who came from where, not what is shown.
bool IsNoise(const std::string& name) {
  static const auto& names = *new std::set<std::string>{"fbclid", "gclid", "phpsessid", "jsessionid", "sectok",
                                                        "sid", "session_id", "csrf_token"};
  return absl::StartsWith(name, "utm_") || names.contains(name);
}

// Parameters that ask for something to be done.
bool IsVerb(const std::string& name) {
  static const auto& names = *new std::set<std::string>{"do", "action", "act", "op", "cmd", "command", "task", "method",
                                                        "delete", "remove", "edit", "logout", "rev", "oldid", "diff",
                                                        "replytocom", "share"};
  return names.contains(name);
}

bool IsHarmfulWord(const std::string& word) {
  static const auto& words = *new std::set<std::string>{
      "logout", "signout", "logoff", "login", "signin", "register", "signup", "delete", "remove", "destroy", "edit",
      "create", "update", "admin", "unsubscribe", "subscribe", "vote", "upload", "checkout", "purge", "revert", "reset"};
  return words.contains(word);
}

bool IsDownload(const std::string& path) {
  static const auto& endings = *new std::set<std::string>{
      "pdf", "zip", "gz", "bz2", "xz", "tar", "deb", "rpm", "iso", "exe", "png", "jpg", "jpeg", "gif", "svg", "webp",
      "ico", "css", "js", "json", "xml", "rss", "atom", "mp3", "mp4", "webm", "ogg", "woff", "woff2", "txt", "csv"};
  const size_t slash = path.rfind('/');
  const size_t dot = path.rfind('.');
  if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) return false;
  return endings.contains(path.substr(dot + 1));
}

std::string ParameterName(absl::string_view parameter) {
  return absl::AsciiStrToLower(parameter.substr(0, parameter.find('=')));
}

std::string CleanQuery(const std::string& query) {
  std::vector<std::string> kept;
  for (const absl::string_view parameter : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    if (!IsNoise(ParameterName(parameter))) kept.emplace_back(parameter);
  }
  return absl::StrJoin(kept, "&");
}

bool IsPlaceholder(std::string_view url) { return absl::StartsWith(ToAbsl(url), "__"); }

// "__SHOP__" of "__SHOP__/a"; empty if there is none.
std::string PlaceholderOf(std::string_view url) {
  if (!IsPlaceholder(url)) return "";
  const size_t end = url.find("__", 2);
  return end == std::string_view::npos ? "" : std::string(url.substr(0, end + 2));
}

}  // namespace

absl::StatusOr<UrlParts> ParseUrl(std::string_view url) {
  if (url.size() > kMaxUrlBytes) return absl::InvalidArgumentError("a URL is too long");
  const size_t colon = url.find("://");
  UrlParts parts;
  parts.scheme = absl::AsciiStrToLower(ToAbsl(url.substr(0, std::min(colon, url.size()))));
  if (colon == std::string_view::npos || (parts.scheme != "http" && parts.scheme != "https")) {
    return absl::InvalidArgumentError("not an http or https URL");
  }
  std::string_view rest = url.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const size_t host_end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view host = rest.substr(0, host_end);
  if (const size_t at = host.rfind('@'); at != std::string_view::npos) host = host.substr(at + 1);
  parts.host = absl::AsciiStrToLower(ToAbsl(host));
  const char* const default_port = parts.scheme == "http" ? ":80" : ":443";
  if (absl::EndsWith(parts.host, default_port)) parts.host.resize(parts.host.rfind(':'));
  if (parts.host.empty()) return absl::InvalidArgumentError("a URL has no host");
  rest = rest.substr(host_end);
  const size_t question = std::min(rest.find('?'), rest.size());
  parts.path = question == 0 ? "/" : std::string(rest.substr(0, question));
  if (question < rest.size()) parts.query = std::string(rest.substr(question + 1));
  return parts;
}

bool IsLoopbackHost(std::string_view host) {
  if (absl::StartsWith(ToAbsl(host), "[::1]")) return true;
  const std::string name(host.substr(0, host.find(':')));
  if (name == "localhost" || absl::EndsWith(name, ".localhost")) return true;
  return absl::StartsWith(name, "127.") && name.find_first_not_of("0123456789.") == std::string::npos;
}

SiteUrls::SiteUrls() = default;
SiteUrls::SiteUrls(const SiteUrls&) = default;
SiteUrls::SiteUrls(SiteUrls&&) noexcept = default;
SiteUrls& SiteUrls::operator=(SiteUrls&&) noexcept = default;
SiteUrls::~SiteUrls() = default;

absl::StatusOr<SiteUrls> SiteUrls::Create(const std::string& start_url,
                                          const std::vector<std::string>& exclude_patterns) {
  SiteUrls urls;
  urls.site_ = PlaceholderOf(start_url);
  if (urls.site_.empty()) {
    PROCTOR_ASSIGN_OR_RETURN(const UrlParts parts, ParseUrl(start_url));
    urls.site_ = absl::StrCat(parts.scheme, "://", parts.host);
  }
  urls.start_ = urls.Canonical(start_url);
  for (const std::string& pattern : exclude_patterns) {
    auto expression = std::make_unique<re2::RE2>(pattern, re2::RE2::Quiet);
    if (!expression->ok()) {
      return absl::InvalidArgumentError(absl::StrCat("exclude_url_patterns: ", expression->error()));
    }
    urls.exclude_.push_back(std::move(expression));
  }
  return urls;
}

std::string SiteUrls::Canonical(std::string_view url) const {
  if (const std::string placeholder = PlaceholderOf(url); !placeholder.empty()) {
    // Through a made-up host, so that the same rules hold.
    const auto parts = ParseUrl(absl::StrCat("http://placeholder", ToAbsl(url.substr(placeholder.size()))));
    if (!parts.ok()) return "";
    const std::string query = CleanQuery(parts->query);
    return absl::StrCat(placeholder, parts->path, query.empty() ? "" : "?", query);
  }
  const auto parts = ParseUrl(url);
  if (!parts.ok()) return "";
  std::string base = absl::StrCat(parts->scheme, "://", parts->host);
  for (const auto& [placeholder, base_url] : base_urls_) {
    const auto base_parts = ParseUrl(base_url);
    if (base_parts.ok() && absl::StrCat(base_parts->scheme, "://", base_parts->host) == base) base = placeholder;
  }
  const std::string query = CleanQuery(parts->query);
  return absl::StrCat(base, parts->path, query.empty() ? "" : "?", query);
}

std::string SiteUrls::PathOf(const std::string& canonical) const {
  return canonical.size() > site_.size() ? canonical.substr(site_.size()) : "/";
}

bool SiteUrls::IsOnSite(const std::string& canonical) const {
  return absl::StartsWith(canonical, site_) &&
         (canonical.size() == site_.size() || canonical[site_.size()] == '/' || canonical[site_.size()] == '?');
}

bool SiteUrls::MayVisit(const std::string& canonical) const {
  if (canonical.empty() || !IsOnSite(canonical)) return false;
  const std::string rest = absl::AsciiStrToLower(canonical.substr(site_.size()));
  const size_t question = std::min(rest.find('?'), rest.size());
  const std::string path = rest.substr(0, question);
  if (IsDownload(path)) return false;
  for (const absl::string_view word : absl::StrSplit(path, absl::ByAnyChar("/._-:"))) {
    if (IsHarmfulWord(std::string(word))) return false;
  }
  if (question < rest.size()) {
    for (const absl::string_view parameter : absl::StrSplit(rest.substr(question + 1), '&')) {
      if (IsVerb(ParameterName(parameter))) return false;
      if (IsHarmfulWord(std::string(parameter.substr(parameter.find('=') + 1)))) return false;
    }
  }
  return std::none_of(exclude_.begin(), exclude_.end(), [&](const auto& pattern) {
    return re2::RE2::PartialMatch(canonical, *pattern);
  });
}

std::string SiteUrls::SiteName() const {
  if (IsPlaceholder(site_)) return absl::AsciiStrToLower(site_.substr(2, site_.size() - 4));
  return site_.substr(site_.find("://") + 3);
}

}  // namespace proctor::proposer
