#include "proposer/proposal_filter.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/strings.h"
#include "proposer/text.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxDetailBytes = 500;

constexpr std::pair<const char*, const char*> kReasons[] = {
    {"NEEDS_LOGIN", "needs a login"}, {"NEEDS_PAYMENT", "needs a payment"},
    {"HARMFUL", "harmful"},           {"NOT_FEASIBLE", "not feasible"},
    {"UNCLEAR", "unclear"},           {"NOT_CHECKABLE", "not checkable"},
};

FilterVerdict Undetermined(const char* detail) {
  return {.accepted = false, .reason = kUndetermined, .detail = detail};
}

// The words after the tag without the marks that models put around them.
std::vector<std::string> WordsAfter(std::string_view rest) {
  std::string clean(rest);
  for (char& c : clean) {
    if (std::string_view("*`:.,()[]\"'").find(c) != std::string_view::npos) c = ' ';
  }
  return absl::StrSplit(absl::AsciiStrToUpper(clean), absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
}

// Nothing: it cannot be read.
std::optional<FilterVerdict> ReadLine(std::string_view rest) {
  const std::vector<std::string> words = WordsAfter(rest);
  if (words.size() == 1 && words[0] == "ACCEPT") return FilterVerdict{.accepted = true, .reason = "", .detail = ""};
  if (words.empty() || words.size() > 2 || words[0] != "REJECT") return std::nullopt;
  FilterVerdict verdict{.accepted = false, .reason = "rejected without a reason", .detail = ""};
  if (words.size() == 1) return verdict;
  for (const auto& [word, reason] : kReasons) {
    if (words[1] != word) continue;
    verdict.reason = reason;
    return verdict;
  }
  return std::nullopt;
}

// The end says most: there the reply comes to its point.
std::string End(std::string_view text) {
  if (text.size() > kMaxDetailBytes) text.remove_prefix(text.size() - kMaxDetailBytes);
  return CleanText(text, kMaxDetailBytes);
}

}  // namespace

FilterVerdict ReadFilterVerdict(std::string_view reply, std::string_view tag) {
  std::optional<FilterVerdict> found;
  const size_t first = reply.find(tag);
  for (size_t at = first; at != std::string_view::npos; at = reply.find(tag, at + tag.size())) {
    const size_t begin = at + tag.size();
    const size_t end = std::min(reply.find('\n', begin), reply.size());
    const std::optional<FilterVerdict> here = ReadLine(reply.substr(begin, end - begin));
    if (!here.has_value()) return Undetermined("its verdict cannot be read");
    if (found.has_value() && (found->accepted != here->accepted || found->reason != here->reason)) {
      return Undetermined("two different verdicts");
    }
    found = here;
  }
  if (!found.has_value()) return Undetermined("no verdict");
  // Up to the verdict's line, which may begin with marks.
  found->detail = End(reply.substr(0, reply.rfind('\n', first) + 1));
  return *std::move(found);
}

}  // namespace proctor::proposer
