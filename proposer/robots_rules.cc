#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/strings.h"
#include "proposer/site_url.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxBytes = 500u << 10;
constexpr char kOurName[] = "proctor";

// `pattern` matches a prefix of `path`; '*' stands for anything, '$' at the end for the end. Linear in their product.
bool Matches(std::string_view path, std::string_view pattern) {
  const bool anchored = !pattern.empty() && pattern.back() == '$';
  if (anchored) pattern.remove_suffix(1);
  size_t at = 0, next = 0, star = std::string_view::npos, resume = 0;
  while (true) {
    if (next == pattern.size() && (!anchored || at == path.size())) return true;
    if (next < pattern.size() && pattern[next] == '*') {
      star = next++;
      resume = at;
    } else if (at < path.size() && next < pattern.size() && pattern[next] == path[at]) {
      ++at;
      ++next;
    } else if (star != std::string_view::npos && resume < path.size()) {
      at = ++resume;
      next = star + 1;
    } else {
      return false;
    }
  }
}

}  // namespace

RobotsRules RobotsRules::Parse(std::string_view text) {
  RobotsRules ours, anybody;
  bool in_agents = false, for_us = false, for_all = false, named = false;
  for (const absl::string_view raw : absl::StrSplit(ToAbsl(text.substr(0, kMaxBytes)), absl::ByAnyChar("\r\n"))) {
    const absl::string_view line = raw.substr(0, raw.find('#'));
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos) continue;
    const std::string key = absl::AsciiStrToLower(absl::StripAsciiWhitespace(line.substr(0, colon)));
    const std::string value(absl::StripAsciiWhitespace(line.substr(colon + 1)));
    if (key == "user-agent") {
      if (!in_agents) for_us = for_all = false;
      in_agents = true;
      for_all |= value == "*";
      for_us |= absl::EqualsIgnoreCase(value, kOurName);
      named |= for_us;
    } else if (key == "allow" || key == "disallow") {
      in_agents = false;
      if (value.empty()) continue;
      const Rule rule{.allow = key == "allow", .pattern = value};
      if (for_us) ours.rules_.push_back(rule);
      if (for_all) anybody.rules_.push_back(rule);
    }
  }
  return named ? ours : anybody;
}

bool RobotsRules::Allows(std::string_view path_and_query) const {
  const Rule* best = nullptr;
  for (const Rule& rule : rules_) {
    if (!Matches(path_and_query, rule.pattern)) continue;
    if (best == nullptr || rule.pattern.size() > best->pattern.size() ||
        (rule.pattern.size() == best->pattern.size() && rule.allow)) {
      best = &rule;
    }
  }
  return best == nullptr || best->allow;
}

}  // namespace proctor::proposer
