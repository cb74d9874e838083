#include "evaluator/html.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "evaluator/unicode.h"

namespace proctor::evaluator {
namespace {

struct Entity {
  std::string_view name;
  std::string_view text;
};

constexpr Entity kEntities[] = {
#include "evaluator/html_entities.inc"
};

constexpr size_t kMaxNameLength = 32;

// The text of a named reference, or nothing.
std::string_view Named(std::string_view name) {
  const auto it =
      std::lower_bound(std::begin(kEntities), std::end(kEntities), name,
                       [](const Entity& entity, std::string_view n) { return entity.name < n; });
  return it != std::end(kEntities) && it->name == name ? it->text : std::string_view();
}

// 0x80 to 0x9F as Windows-1252 has them; 0 where it has none.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

bool IsDropped(char32_t p) {
  return (p >= 0x1 && p <= 0x8) || p == 0xB || (p >= 0xE && p <= 0x1F) || p == 0x7F ||
         (p >= 0xFDD0 && p <= 0xFDEF) || (p & 0xFFFE) == 0xFFFE;
}

void AppendNumeric(char32_t p, std::string* out) {
  if (p == 0 || p > 0x10FFFF || (p >= 0xD800 && p <= 0xDFFF)) {
    AppendCodePoint(0xFFFD, out);
  } else if (p >= 0x80 && p <= 0x9F) {
    AppendCodePoint(kWindows1252[p - 0x80], out);
  } else if (!IsDropped(p)) {
    AppendCodePoint(p, out);
  }
}

int Digit(char c, int base) {
  if (c >= '0' && c <= '9') return c - '0';
  if (base == 16 && c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (base == 16 && c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Reads what follows "&#"; returns its length, 0 if it is no reference.
size_t ReadNumeric(std::string_view text, std::string* out) {
  const int base = !text.empty() && (text[0] == 'x' || text[0] == 'X') ? 16 : 10;
  const size_t first = base == 16 ? 1 : 0;
  size_t end = first;
  char32_t point = 0;
  while (end < text.size() && Digit(text[end], base) >= 0) {
    point = std::min<char32_t>(point * base + Digit(text[end], base), 0x110000);
    ++end;
  }
  if (end == first) return 0;
  AppendNumeric(point, out);
  return end < text.size() && text[end] == ';' ? end + 1 : end;
}

// Reads what follows "&"; returns its length, 0 if it is no reference. The longest known name wins.
size_t ReadNamed(std::string_view text, std::string* out) {
  size_t end = 0;
  while (end < text.size() && end < kMaxNameLength &&
         std::string_view("\t\n\f <&#;").find(text[end]) == std::string_view::npos) {
    ++end;
  }
  if (end < text.size() && text[end] == ';') ++end;
  for (; end >= 2; --end) {
    if (const std::string_view found = Named(text.substr(0, end)); !found.empty()) {
      *out += found;
      return end;
    }
  }
  return 0;
}

}  // namespace

std::string UnescapeHtml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '&' || i + 1 == text.size()) {
      out.push_back(text[i++]);
      continue;
    }
    const bool numeric = text[i + 1] == '#';
    const size_t begin = i + (numeric ? 2 : 1);
    const size_t length =
        numeric ? ReadNumeric(text.substr(begin), &out) : ReadNamed(text.substr(begin), &out);
    if (length == 0) {
      out.push_back(text[i++]);
    } else {
      i = begin + length;
    }
  }
  return out;
}

}  // namespace proctor::evaluator
