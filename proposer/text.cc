#include "proposer/text.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/strings.h"
#include "proposer/seeded.h"

namespace proctor::proposer {
namespace {

constexpr size_t kHashes = 64;
constexpr size_t kShingle = 4;
constexpr size_t kMaxUnitBytes = 12;

bool IsWordByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || (static_cast<unsigned char>(c) & 0x80) != 0;
}

// `text` is of digits, commas and dots.
std::optional<double> ReadNumber(const std::string& text) {
  const size_t dot = std::min(text.find('.'), text.size());
  const std::string fraction = text.substr(std::min(dot + 1, text.size()));
  if (text.empty() || text.back() == '.' || fraction.find_first_of(".,") != std::string::npos) return std::nullopt;
  const std::vector<std::string> groups = absl::StrSplit(text.substr(0, dot), ',');
  // What stands before a separator of thousands looks like this.
  const bool begins_group = !groups[0].empty() && groups[0].size() <= 3 && groups[0][0] != '0';
  if (groups.size() == 1 && begins_group && fraction.size() == 3) return std::nullopt;
  if (groups.size() > 1 && !begins_group) return std::nullopt;
  for (size_t i = 1; i < groups.size(); ++i) {
    if (groups[i].size() != 3) return std::nullopt;
  }
  double number = 0;
  if (!absl::SimpleAtod(absl::StrReplaceAll(text, {{",", ""}}), &number)) return std::nullopt;
  return number;
}

}  // namespace

std::string CleanText(std::string_view text, size_t max_bytes) {
  // A page's text may be huge; four times the wanted length leaves room for white space.
  std::string clean = SanitizeUtf8(TruncateUtf8(text, max_bytes * 4));
  clean = absl::StrReplaceAll(clean, {{"\xC2\xA0", " "}, {"\xE2\x80\xAF", " "}, {"\xE2\x80\x8B", ""}});
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  absl::RemoveExtraAsciiWhitespace(&clean);
  return std::string(TruncateUtf8(clean, max_bytes));
}

std::string Folded(std::string_view text) { return absl::AsciiStrToLower(CleanText(text, text.size() + 1)); }

bool ContainsWords(std::string_view text, std::string_view needle) {
  if (needle.empty()) return true;
  for (size_t at = text.find(needle); at != std::string_view::npos; at = text.find(needle, at + 1)) {
    const size_t end = at + needle.size();
    const bool begins = at == 0 || !IsWordByte(text[at - 1]) || !IsWordByte(needle.front());
    const bool ends = end == text.size() || !IsWordByte(text[end]) || !IsWordByte(needle.back());
    if (begins && ends) return true;
  }
  return false;
}

std::optional<Quantity> ParseQuantity(std::string_view text) {
  const std::string clean = Folded(text);
  const size_t begin = clean.empty() || clean[0] != '-' ? 0 : 1;
  const size_t end = std::min(clean.find_first_not_of("0123456789.,", begin), clean.size());
  const std::optional<double> number = ReadNumber(clean.substr(begin, end - begin));
  if (!number.has_value()) return std::nullopt;
  Quantity quantity{.value = begin == 0 ? *number : -*number,
                    .unit = std::string(absl::StripAsciiWhitespace(clean.substr(end)))};
  if (quantity.unit.size() > kMaxUnitBytes) return std::nullopt;
  for (const char c : quantity.unit) {
    if (!absl::ascii_isalpha(static_cast<unsigned char>(c)) && c != '%') return std::nullopt;
  }
  return quantity;
}

MinHash::MinHash(std::string_view text) : minima_(kHashes, std::numeric_limits<uint64_t>::max()) {
  const std::string folded = Folded(text);
  const size_t last = folded.size() > kShingle ? folded.size() - kShingle : 0;
  for (size_t at = 0; at <= last; ++at) {
    const std::string_view shingle = std::string_view(folded).substr(at, kShingle);
    for (size_t i = 0; i < kHashes; ++i) minima_[i] = std::min(minima_[i], SeededHash(i + 1, shingle));
  }
}

double MinHash::Similarity(const MinHash& other) const {
  int equal = 0;
  for (size_t i = 0; i < kHashes; ++i) equal += minima_[i] == other.minima_[i];
  return static_cast<double>(equal) / kHashes;
}

}  // namespace proctor::proposer
