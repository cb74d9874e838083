#include "evaluator/text.h"

#include <algorithm>

#include "common/strings.h"
#include "evaluator/unicode.h"

namespace proctor::evaluator {
namespace {

// Dot bullets fold to '*', or to this one.
constexpr char32_t kDotBullet = 0x2022;
constexpr std::string_view kDotBulletText = "\u2022";

// What a character stands for when only its look differs; 0 drops it.
char32_t FoldWidth(char32_t p) {
  if (p >= 0xFF01 && p <= 0xFF5E) return p - 0xFEE0;  // full-width ASCII
  switch (p) {
    case 0x00AD:
    case 0x200B:
    case 0x200C:
    case 0x200D:
    case 0x200E:
    case 0x200F:
    case 0x2060:
    case 0xFEFF:
      return 0;
    case 0x2018:
    case 0x2019:
    case 0x201A:
    case 0x201B:
    case 0x2032:
    case 0x00B4:
    case 0x0060:
      return U'\'';
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x201F:
    case 0x2033:
    case 0x00AB:
    case 0x00BB:
      return U'"';
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2015:
    case 0x2212:
    case 0xFE63:
      return U'-';
    case 0x00B2:
      return U'2';
    case 0x00B3:
      return U'3';
    case 0x00B9:
      return U'1';
    case 0x2044:
    case 0x2215:
      return U'/';
    case kDotBullet:
    case 0x00B7:
      return kDotBullet;
    case 0x3001:
      return U',';
    default:
      return p;
  }
}

bool IsQuote(char c) { return c == '"' || c == '\''; }
bool IsFinalPunctuation(char c) {
  return c == '.' || c == ',' || c == ';' || c == ':' || c == '!' || c == '?';
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string CollapseSpaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out.push_back(space ? ' ' : c);
  }
  return std::string(Trim(out));
}

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<uint8_t>(c) >= 0x80;
}

// Dot bullets become `bullet`.
std::string Fold(std::string_view text, char32_t bullet) {
  const std::string clean = SanitizeUtf8(text);
  std::string out;
  out.reserve(clean.size());
  for (size_t i = 0; i < clean.size();) {
    const char32_t raw = NextCodePoint(clean, &i);
    if (raw == '\n' || raw == '\r' || raw == 0x2028 || raw == 0x2029) {
      out.push_back('\n');
    } else if (IsSpace(raw)) {
      out.push_back(' ');
    } else if (raw == 0xFB01) {
      out += "fi";
    } else if (raw == 0xFB02) {
      out += "fl";
    } else if (raw == 0x2026) {
      out += "...";
    } else if (const char32_t folded = FoldWidth(raw); folded != 0) {
      AppendCodePoint(folded == kDotBullet ? bullet : ToLower(folded), &out);
    }
  }
  return out;
}

}  // namespace

std::string FoldCase(std::string_view text) {
  const std::string clean = SanitizeUtf8(text);
  std::string out;
  out.reserve(clean.size());
  for (size_t i = 0; i < clean.size();) AppendCodePoint(ToLower(NextCodePoint(clean, &i)), &out);
  return out;
}

std::string FoldWidthAndCase(std::string_view text) { return Fold(text, U'*'); }

std::string FoldList(std::string_view text) { return Fold(text, kDotBullet); }

std::string NormalizeText(std::string_view text) {
  const std::string folded = CollapseSpaces(FoldWidthAndCase(text));
  std::string_view rest = folded;
  for (;;) {
    std::string_view next = rest;
    while (!next.empty() && IsFinalPunctuation(next.back()))
      next = Trim(next.substr(0, next.size() - 1));
    if (next.size() >= 2 && IsQuote(next.front()) && next.back() == next.front()) {
      next = Trim(next.substr(1, next.size() - 2));
    }
    if (next.empty() || next.size() == rest.size()) break;
    rest = next;
  }
  return std::string(rest);
}

bool IsNotApplicable(std::string_view text) {
  const std::string normal = NormalizeText(TruncateUtf8(text, 200));
  for (const std::string_view spelling : {"n/a", "n.a", "n\\a", "not applicable"}) {
    if (normal.rfind(spelling, 0) != 0) continue;
    std::string_view rest = std::string_view(normal).substr(spelling.size());
    // "N.A.S.A." goes on after a full stop.
    if (spelling == "n.a" && rest.size() > 1 && rest[0] == '.') rest.remove_prefix(1);
    if (rest.empty() || !IsWordByte(rest[0])) return true;
  }
  return normal == "na";
}

std::vector<Fragment> SplitList(std::string_view text, size_t max_fragments) {
  // Length of the separator at `i`, or 0. "and" counts only as a word.
  const auto separator = [&](size_t i) -> size_t {
    if (text[i] == ',' || text[i] == ';' || text[i] == '\n') return 1;
    const bool starts_word = i == 0 || !IsWordByte(text[i - 1]);
    if (starts_word && text.substr(i, 3) == "and" &&
        (i + 3 == text.size() || !IsWordByte(text[i + 3]))) {
      return 3;
    }
    return 0;
  };
  const auto is_space = [](char c) { return c == ' ' || c == '\n'; };
  // Length of the white space or the bullet at `i` of a piece that ends at `end`, or 0.
  const auto padding = [&](size_t i, size_t end) -> size_t {
    if (is_space(text[i])) return 1;
    if (text.substr(i).starts_with(kDotBulletText)) return kDotBulletText.size();
    return (text[i] == '*' || text[i] == '-') && (i + 1 == end || is_space(text[i + 1])) ? 1 : 0;
  };
  std::vector<Fragment> fragments;
  const auto add = [&](size_t begin, size_t end) {
    while (end > begin && text[end - 1] == ' ') --end;
    for (size_t length = 1; begin < end && length > 0; begin += length) length = padding(begin, end);
    if (begin < end) fragments.push_back({begin, end});
  };
  size_t begin = 0;
  for (size_t i = 0; i < text.size() && fragments.size() + 1 < max_fragments;) {
    const size_t length = separator(i);
    if (length == 0) {
      ++i;
      continue;
    }
    add(begin, i);
    i += length;
    begin = i;
  }
  add(begin, text.size());
  return fragments;
}

}  // namespace proctor::evaluator
