// The text part of evaluator/matchers.h.
#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"
#include "common/strings.h"
#include "evaluator/matchers.h"
#include "evaluator/text.h"
#include "re2/re2.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxFragments = 1000;
constexpr int kMaxItems = 200;
constexpr int kMaxSearchSteps = 100'000;
constexpr int64_t kRegexMemoryBytes = 1 << 20;

re2::RE2::Options RegexOptions() {
  re2::RE2::Options options;
  options.set_case_sensitive(false);  // the actual text is case-folded
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryBytes);
  options.set_dot_nl(true);
  return options;
}

absl::Status ValidateItems(const v1::StringList& list, std::string_view what) {
  if (list.values().empty())
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(what), " lists nothing"));
  if (list.values_size() > kMaxItems) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(what), " lists more than ", kMaxItems, " items"));
  }
  for (const std::string& item : list.values()) {
    if (NormalizeText(item).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(ToAbsl(what), " has an empty item: it would match anything"));
    }
  }
  return absl::OkStatus();
}

bool MatchesEquals(const v1::StringList& expected, std::string_view actual) {
  const std::string normal = NormalizeText(actual);
  return std::any_of(expected.values().begin(), expected.values().end(),
                     [&](const std::string& value) { return NormalizeText(value) == normal; });
}

bool MatchesContains(const v1::StringList& expected, std::string_view actual) {
  const std::string normal = NormalizeText(actual);
  return std::all_of(expected.values().begin(), expected.values().end(),
                     [&](const std::string& value) {
                       return normal.find(NormalizeText(value)) != std::string::npos;
                     });
}

bool MatchesNumber(const v1::NumberMatch& expected, std::string_view actual) {
  // Rounding of the decimal text to a double is no difference.
  const double tolerance = expected.tolerance() + 1e-9 * std::max(1.0, std::abs(expected.value()));
  const auto fits = [&](const WrittenNumber& number) {
    return std::any_of(number.readings.begin(), number.readings.end(), [&](double reading) {
      return std::abs(reading - expected.value()) <= tolerance;
    });
  };
  const std::vector<WrittenNumber> numbers = FindNumbers(actual);
  return !numbers.empty() && std::all_of(numbers.begin(), numbers.end(), fits);
}

bool MatchesDate(const std::string& expected, std::string_view actual) {
  const std::optional<absl::CivilDay> day = ParseIsoDate(expected);
  const std::vector<WrittenDate> dates = FindDates(actual);
  return day.has_value() && !dates.empty() &&
         std::all_of(dates.begin(), dates.end(), [&](const WrittenDate& date) {
           return std::find(date.readings.begin(), date.readings.end(), *day) !=
                  date.readings.end();
         });
}

// Assigns the expected items to consecutive pieces of the actual list. An item may itself hold
// separators ("salt and pepper"), so it may span several pieces; a depth-first search tries the
// short spans first.
class ListMatcher {
 public:
  enum class Order { kAny, kGiven };

  ListMatcher(const v1::StringList& expected, std::string_view actual, Order order)
      : text_(StripBrackets(FoldList(actual))), order_(order) {
    fragments_ = SplitList(text_, kMaxFragments);
    for (const std::string& value : expected.values()) {
      items_.push_back(NormalizeText(value));
      longest_span_ =
          std::max(longest_span_, SplitList(FoldList(value), kMaxFragments).size());
    }
    used_.assign(items_.size(), false);
  }

  bool Matches() { return fragments_.size() >= items_.size() && Search(0, 0); }

 private:
  static std::string StripBrackets(const std::string& text) {
    const absl::string_view inner = absl::StripAsciiWhitespace(text);
    if (inner.size() >= 2 && inner.front() == '[' && inner.back() == ']')
      return std::string(inner.substr(1, inner.size() - 2));
    return text;
  }

  bool Search(size_t fragment, size_t matched) {
    if (fragment == fragments_.size()) return matched == items_.size();
    if (matched == items_.size() || ++steps_ > kMaxSearchSteps) return false;
    const size_t last = std::min(fragments_.size(), fragment + longest_span_);
    for (size_t end = fragment + 1; end <= last; ++end) {
      const std::string piece = NormalizeText(text_.substr(
          fragments_[fragment].begin, fragments_[end - 1].end - fragments_[fragment].begin));
      const size_t item = FindUnused(piece, matched);
      if (item == items_.size()) continue;
      used_[item] = true;
      if (Search(end, matched + 1)) return true;
      used_[item] = false;
    }
    return false;
  }

  // The item that `piece` equals, with or without the bullet that may touch it; or items_.size().
  size_t FindUnused(const std::string& piece, size_t matched) const {
    const size_t item = FindEqual(piece, matched);
    return item == items_.size() && MayHaveBullet(piece) ? FindEqual(NormalizeText(piece.substr(1)), matched) : item;
  }

  size_t FindEqual(const std::string& piece, size_t matched) const {
    if (order_ == Order::kGiven) return items_[matched] == piece ? matched : items_.size();
    for (size_t i = 0; i < items_.size(); ++i) {
      if (!used_[i] && items_[i] == piece) return i;
    }
    return items_.size();
  }

  // "-red" and "*red", but no sign ("-5", "-$5"), option ("--help") or wildcard ("*.txt"). Other currency signs and fractions begin with the
  // bytes that '$' stands with here.
  static bool MayHaveBullet(std::string_view piece) {
    constexpr std::string_view kNoBulletBefore = "0123456789.-$\xc2\xe2";
    return piece.size() > 1 && (piece[0] == '-' || piece[0] == '*') && kNoBulletBefore.find(piece[1]) == std::string_view::npos;
  }

  const std::string text_;
  const Order order_;
  std::vector<Fragment> fragments_;
  std::vector<std::string> items_;
  std::vector<bool> used_;
  size_t longest_span_ = 1;
  int steps_ = 0;
};

}  // namespace

absl::Status ValidateTextMatch(const v1::TextMatch& match) {
  switch (match.kind_case()) {
    case v1::TextMatch::kEquals:
      return ValidateItems(match.equals(), "equals");
    case v1::TextMatch::kSet:
      return ValidateItems(match.set(), "set");
    case v1::TextMatch::kSequence:
      return ValidateItems(match.sequence(), "sequence");
    case v1::TextMatch::kContains:
      return ValidateItems(match.contains(), "contains");
    case v1::TextMatch::kNumber:
      if (!std::isfinite(match.number().value()) || !(match.number().tolerance() >= 0)) {
        return absl::InvalidArgumentError("number: value must be finite and tolerance at least 0");
      }
      return absl::OkStatus();
    case v1::TextMatch::kRegex: {
      const re2::RE2 regex(match.regex(), RegexOptions());
      if (!regex.ok()) return absl::InvalidArgumentError(absl::StrCat("regex: ", regex.error()));
      return absl::OkStatus();
    }
    case v1::TextMatch::kDate:
      if (!ParseIsoDate(match.date())) {
        return absl::InvalidArgumentError("date: must be an existing day written as 2024-05-31");
      }
      return absl::OkStatus();
    case v1::TextMatch::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a text match needs a kind");
}

bool MatchesText(const v1::TextMatch& match, std::string_view actual) {
  switch (match.kind_case()) {
    case v1::TextMatch::kEquals:
      return MatchesEquals(match.equals(), actual);
    case v1::TextMatch::kNumber:
      return MatchesNumber(match.number(), actual);
    case v1::TextMatch::kSet:
      return ListMatcher(match.set(), actual, ListMatcher::Order::kAny).Matches();
    case v1::TextMatch::kSequence:
      return ListMatcher(match.sequence(), actual, ListMatcher::Order::kGiven).Matches();
    case v1::TextMatch::kContains:
      return MatchesContains(match.contains(), actual);
    case v1::TextMatch::kRegex:
      return re2::RE2::FullMatch(NormalizeText(actual), re2::RE2(match.regex(), RegexOptions()));
    case v1::TextMatch::kDate:
      return MatchesDate(match.date(), actual);
    case v1::TextMatch::KIND_NOT_SET:
      break;
  }
  return false;
}

std::string Describe(const v1::TextMatch& match) {
  const auto list = [](std::string_view kind, const v1::StringList& values) {
    return absl::StrCat(ToAbsl(kind), " [", absl::StrJoin(values.values(), " | "), "]");
  };
  switch (match.kind_case()) {
    case v1::TextMatch::kEquals:
      return list("one of", match.equals());
    case v1::TextMatch::kSet:
      return list("the set", match.set());
    case v1::TextMatch::kSequence:
      return list("the sequence", match.sequence());
    case v1::TextMatch::kContains:
      return list("all of", match.contains());
    case v1::TextMatch::kNumber:
      return match.number().tolerance() > 0 ? absl::StrCat("number ", match.number().value(),
                                                           " +- ", match.number().tolerance())
                                            : absl::StrCat("number ", match.number().value());
    case v1::TextMatch::kRegex:
      return absl::StrCat("match of ", match.regex());
    case v1::TextMatch::kDate:
      return absl::StrCat("date ", match.date());
    case v1::TextMatch::KIND_NOT_SET:
      break;
  }
  return "nothing";
}

}  // namespace proctor::evaluator
