// URLs as oracles compare them. Pure functions.
#ifndef PROCTOR_EVALUATOR_URLS_H_
#define PROCTOR_EVALUATOR_URLS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/map.h"
#include "proctor/v1/oracle.pb.h"

namespace proctor::evaluator {

using BaseUrls = google::protobuf::Map<std::string, std::string>;

// Replaces `__SHOP__` by its base URL (without trailing slash) wherever it stands.
// FAILED_PRECONDITION, naming it, for a placeholder (`__`, capitals, digits and `_`, `__`) that has
// no base URL.
absl::StatusOr<std::string> ResolvePlaceholders(std::string_view url, const BaseUrls& base_urls);

// The parts of a URL, as written but for `scheme` and `host` in lower case.
struct UrlParts {
  std::string scheme;
  std::string host;
  std::string port;
  // Without user and password as written: "Host:80".
  std::string authority;
  std::string path;
  std::string query;
  std::string fragment;
};
UrlParts SplitUrl(std::string_view url);

// The decoded query: values by key, in order. Pairs with a blank value are left out, as WebArena's
// parser does.
std::map<std::string, std::vector<std::string>> ParseQuery(std::string_view query);

std::string PercentDecode(std::string_view text);

// INVALID_ARGUMENT: no URL, or one that is neither absolute nor begins with a placeholder.
absl::Status ValidateUrlCheck(const v1::UrlCheck& check);

// Whether `actual` is one of the check's URLs, which are resolved.
bool MatchesUrl(const v1::UrlCheck& check, const std::vector<std::string>& resolved_urls,
                std::string_view actual);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_URLS_H_
