#include "model/retry.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "model/wire_json.h"
#include "re2/re2.h"

namespace proctor::model {
namespace {

constexpr absl::Duration kLongest = absl::Hours(24);
constexpr size_t kMaxBodyBytes = 64 << 10;

absl::Duration Limit(absl::Duration delay) { return std::clamp(delay, absl::ZeroDuration(), kLongest); }

const std::string* Find(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::optional<absl::Duration> Number(const std::string* text, absl::Duration unit) {
  double number = 0;
  if (text == nullptr || !absl::SimpleAtod(*text, &number) || !std::isfinite(number)) return std::nullopt;
  return Limit(number * unit);
}

std::optional<absl::Duration> HttpDate(const std::string* text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (text == nullptr || !absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", *text, &time, &error)) return std::nullopt;
  return Limit(time - now);
}

std::optional<absl::Duration> RetryInfo(std::string_view body) {
  const absl::StatusOr<Json> parsed = ParseJson(body);
  if (!parsed.ok()) return std::nullopt;
  const Json& outer = parsed->is_array() && !parsed->empty() ? parsed->front() : *parsed;
  const Json* error = Member(outer, "error");
  if (error == nullptr) return std::nullopt;
  for (const Json& detail : Array(*error, "details")) {
    absl::Duration delay;
    if (absl::ParseDuration(JsonStringOr(detail, "retryDelay"), &delay)) return Limit(delay);
  }
  return std::nullopt;
}

// "1.5s", "1m30s", "20 seconds".
std::optional<absl::Duration> ReadWords(std::string_view body) {
  static const RE2 pattern(R"((?i)(?:try again|retry|wait)(?: again)?(?: in| after| for)?:? (?:about )?)"
                           R"(((?:\d+(?:\.\d+)?(?:ms|h|m|s))+\b|)"
                           R"((?:\d+(?:\.\d+)?) ?(?:milliseconds?|seconds?|secs?|minutes?|mins?|hours?)\b))");
  const absl::string_view text(body.data(), body.size());
  std::string found;
  if (!RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern, &found)) return std::nullopt;
  absl::Duration delay;
  if (absl::ParseDuration(found, &delay)) return Limit(delay);
  const size_t end = found.find_first_not_of("0123456789.");
  double number = 0;
  if (!absl::SimpleAtod(found.substr(0, end), &number)) return std::nullopt;
  const std::string unit = absl::AsciiStrToLower(absl::StripLeadingAsciiWhitespace(found.substr(end)));
  if (absl::StartsWith(unit, "milli")) return Limit(number * absl::Milliseconds(1));
  if (absl::StartsWith(unit, "min")) return Limit(number * absl::Minutes(1));
  if (absl::StartsWith(unit, "h")) return Limit(number * absl::Hours(1));
  return Limit(number * absl::Seconds(1));
}

// The longest reset among the limits that are used up.
std::optional<absl::Duration> LimitReset(const Headers& headers, absl::Time now) {
  std::optional<absl::Duration> longest;
  const auto add = [&](absl::Duration delay) { longest = std::max(longest.value_or(delay), Limit(delay)); };
  for (const char* what : {"requests", "tokens"}) {
    const std::string* left = Find(headers, absl::StrCat("x-ratelimit-remaining-", what));
    const std::string* reset = Find(headers, absl::StrCat("x-ratelimit-reset-", what));
    absl::Duration delay;
    if (left != nullptr && *left == "0" && reset != nullptr && absl::ParseDuration(*reset, &delay)) add(delay);
  }
  for (const char* what : {"requests", "tokens", "input-tokens", "output-tokens"}) {
    const std::string* left = Find(headers, absl::StrCat("anthropic-ratelimit-", what, "-remaining"));
    const std::string* reset = Find(headers, absl::StrCat("anthropic-ratelimit-", what, "-reset"));
    absl::Time time;
    std::string error;
    if (left != nullptr && *left == "0" && reset != nullptr &&
        absl::ParseTime(absl::RFC3339_full, *reset, &time, &error)) {
      add(time - now);
    }
  }
  return longest;
}

}  // namespace

std::optional<absl::Duration> AskedDelay(const Headers& headers, std::string_view body, absl::Time now) {
  body = body.substr(0, kMaxBodyBytes);
  std::optional<absl::Duration> delay = Number(Find(headers, "retry-after-ms"), absl::Milliseconds(1));
  if (delay == absl::ZeroDuration()) delay.reset();  // Azure sends 0 beside a retry-after of a second.
  if (!delay) delay = Number(Find(headers, "retry-after"), absl::Seconds(1));
  if (!delay) delay = HttpDate(Find(headers, "retry-after"), now);
  if (!delay) delay = RetryInfo(body);
  if (!delay) delay = ReadWords(body);
  if (!delay) delay = LimitReset(headers, now);
  return delay;
}

absl::Duration BackOff(int attempt, double jitter) {
  const absl::Duration whole =
      std::min(absl::Seconds(30), absl::Milliseconds(500) * std::pow(2.0, std::clamp(attempt, 1, 10) - 1));
  return whole * (0.5 + 0.5 * std::clamp(jitter, 0.0, 1.0));
}

}  // namespace proctor::model
