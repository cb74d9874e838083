#include "evaluator/urls.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::evaluator {
namespace {

// The placeholder that begins at `at`, or "".
std::string_view PlaceholderAt(std::string_view text, size_t at) {
  if (text.substr(at, 2) != "__") return {};
  size_t end = at + 2;
  const auto is_name = [](char c) {
    return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
  };
  while (end < text.size() && is_name(text[end])) ++end;
  // Trailing underscores beyond two belong to what follows; names begin with a capital.
  const std::string_view name = text.substr(at, end - at);
  const size_t close = name.find("__", 2);
  if (name.size() < 5 || !absl::ascii_isupper(name[2]) || close == std::string_view::npos)
    return {};
  return name.substr(0, close + 2);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view WithoutTrailingSlashes(std::string_view text) {
  while (!text.empty() && text.back() == '/') text.remove_suffix(1);
  return text;
}

std::string DefaultPort(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return "80";
  if (scheme == "https" || scheme == "wss") return "443";
  return "";
}

// What two equal URLs share.
std::string Identity(const UrlParts& parts) {
  const std::string port = parts.port.empty() ? DefaultPort(parts.scheme) : parts.port;
  return absl::StrCat(parts.scheme, "://", parts.host, ":", port,
                      PercentDecode(WithoutTrailingSlashes(parts.path)));
}

}  // namespace

absl::StatusOr<std::string> ResolvePlaceholders(std::string_view url, const BaseUrls& base_urls) {
  std::string out;
  for (size_t i = 0; i < url.size();) {
    const std::string_view placeholder = PlaceholderAt(url, i);
    if (placeholder.empty()) {
      out.push_back(url[i++]);
      continue;
    }
    const auto it = base_urls.find(std::string(placeholder));
    if (it == base_urls.end()) {
      return absl::FailedPreconditionError(absl::StrCat("no base URL for ", ToAbsl(placeholder)));
    }
    absl::StrAppend(&out, ToAbsl(WithoutTrailingSlashes(it->second)));
    i += placeholder.size();
  }
  return out;
}

UrlParts SplitUrl(std::string_view url) {
  UrlParts parts;
  if (const size_t hash = url.find('#'); hash != std::string_view::npos) {
    parts.fragment = std::string(url.substr(hash + 1));
    url = url.substr(0, hash);
  }
  if (const size_t mark = url.find('?'); mark != std::string_view::npos) {
    parts.query = std::string(url.substr(mark + 1));
    url = url.substr(0, mark);
  }
  if (const size_t colon = url.find("://"); colon != std::string_view::npos) {
    parts.scheme = absl::AsciiStrToLower(ToAbsl(url.substr(0, colon)));
    url.remove_prefix(colon + 3);
    const size_t slash = std::min(url.find('/'), url.size());
    std::string_view authority = url.substr(0, slash);
    url.remove_prefix(slash);
    if (const size_t at = authority.rfind('@'); at != std::string_view::npos)
      authority.remove_prefix(at + 1);
    parts.authority = std::string(authority);
    const size_t bracket = authority.rfind(']');
    const size_t port = authority.rfind(':');
    if (port != std::string_view::npos && (bracket == std::string_view::npos || port > bracket)) {
      parts.port = std::string(authority.substr(port + 1));
      authority = authority.substr(0, port);
    }
    parts.host = absl::AsciiStrToLower(ToAbsl(authority));
  }
  parts.path = std::string(url);
  return parts;
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::map<std::string, std::vector<std::string>> ParseQuery(std::string_view query) {
  const auto decode = [](absl::string_view part) {
    std::string plain(part);
    std::replace(plain.begin(), plain.end(), '+', ' ');
    return PercentDecode(plain);
  };
  std::map<std::string, std::vector<std::string>> values;
  for (const absl::string_view pair : absl::StrSplit(ToAbsl(query), '&')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    if (!parts.second.empty()) values[decode(parts.first)].push_back(decode(parts.second));
  }
  return values;
}

absl::Status ValidateUrlCheck(const v1::UrlCheck& check) {
  if (check.urls().empty()) return absl::InvalidArgumentError("a URL check needs a URL");
  for (const std::string& url : check.urls()) {
    if (PlaceholderAt(url, 0).empty() && SplitUrl(url).host.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", ToAbsl(TruncateUtf8(url, 200)),
                       "\" is no absolute URL and has no placeholder in front"));
    }
  }
  return absl::OkStatus();
}

bool MatchesUrl(const v1::UrlCheck& check, const std::vector<std::string>& resolved_urls,
                std::string_view actual) {
  const UrlParts actual_parts = SplitUrl(actual);
  const auto actual_query = ParseQuery(actual_parts.query);
  const auto values = [](const std::map<std::string, std::vector<std::string>>& query,
                         const std::string& key) {
    const auto it = query.find(key);
    return it == query.end() ? std::vector<std::string>() : it->second;
  };
  return std::any_of(resolved_urls.begin(), resolved_urls.end(), [&](const std::string& url) {
    const UrlParts parts = SplitUrl(url);
    if (Identity(parts) != Identity(actual_parts)) return false;
    if (check.compare_fragment() && parts.fragment != actual_parts.fragment) return false;
    const auto query = ParseQuery(parts.query);
    return std::all_of(
        check.query_parameters().begin(), check.query_parameters().end(),
        [&](const std::string& key) { return values(query, key) == values(actual_query, key); });
  });
}

}  // namespace proctor::evaluator
