// Code points of UTF-8 text. Input is sanitised first (common/strings.h).
#ifndef PROCTOR_EVALUATOR_UNICODE_H_
#define PROCTOR_EVALUATOR_UNICODE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace proctor::evaluator {

// The code point at `*position`, which moves past it. `text` is well-formed and `*position` inside
// it.
inline char32_t NextCodePoint(std::string_view text, size_t* position) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(*position);
  const int extra = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  char32_t point = extra == 0 ? first : first & (0x3F >> extra);
  for (int i = 1; i <= extra && *position + i < text.size(); ++i) {
    point = (point << 6) | (byte(*position + i) & 0x3F);
  }
  *position += 1 + extra;
  return point;
}

inline void AppendCodePoint(char32_t point, std::string* out) {
  if (point < 0x80) {
    out->push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out->push_back(static_cast<char>(0xC0 | (point >> 6)));
    out->push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else if (point < 0x10000) {
    out->push_back(static_cast<char>(0xE0 | (point >> 12)));
    out->push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (point & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | (point >> 18)));
    out->push_back(static_cast<char>(0x80 | ((point >> 12) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (point & 0x3F)));
  }
}

// White space as Unicode defines it.
inline bool IsSpace(char32_t p) {
  return (p >= 0x09 && p <= 0x0D) || (p >= 0x1C && p <= 0x20) || p == 0x85 || p == 0xA0 ||
         p == 0x1680 || (p >= 0x2000 && p <= 0x200A) || p == 0x2028 || p == 0x2029 || p == 0x202F ||
         p == 0x205F || p == 0x3000;
}

inline char32_t ToLower(char32_t p) {
  if (p < 0x80) return p >= 'A' && p <= 'Z' ? p + 32 : p;
  if (p >= 0xC0 && p <= 0xDE) return p == 0xD7 ? p : p + 32;
  if (p >= 0x100 && p <= 0x137) return p == 0x130 ? U'i' : p | 1;
  if (p >= 0x139 && p <= 0x148) return p % 2 == 1 ? p + 1 : p;
  if (p >= 0x14A && p <= 0x177) return p | 1;
  if (p == 0x178) return 0xFF;
  if (p >= 0x179 && p <= 0x17E) return p % 2 == 1 ? p + 1 : p;
  if (p == 0x386) return 0x3AC;
  if (p >= 0x388 && p <= 0x38A) return p + 37;
  if (p == 0x38C) return 0x3CC;
  if (p == 0x38E || p == 0x38F) return p + 63;
  if (p >= 0x391 && p <= 0x3AB && p != 0x3A2) return p + 32;
  if (p >= 0x400 && p <= 0x40F) return p + 80;
  if (p >= 0x410 && p <= 0x42F) return p + 32;
  if (p >= 0x460 && p <= 0x481) return p | 1;
  if (p >= 0x1E00 && p <= 0x1E95) return p | 1;
  if (p >= 0x1EA0 && p <= 0x1EFF) return p | 1;
  return p;
}

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_UNICODE_H_
