// Letters of three by five pixels.
#ifndef PROCTOR_TESTS_ENV_ANDROID_FAKE_FONT_H_
#define PROCTOR_TESTS_ENV_ANDROID_FAKE_FONT_H_

#include <cstdint>

namespace proctor::env::android::fake {

// Fifteen bits, the uppermost row first, left to right; five octal digits in the table. Letters have one case. Bytes that have no letter
// get a pattern of their own, so that different texts look different.
inline uint16_t GlyphOf(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  constexpr uint16_t kLetters[] = {025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227,
                                   011152, 055655, 044447, 057755, 065555, 025552, 065644, 025573, 065655,
                                   034216, 072222, 055557, 055552, 055775, 055255, 055222, 071247};
  constexpr uint16_t kDigits[] = {075557, 026227, 061247, 061216, 055711, 074616, 034652, 071122, 025252, 025316};
  if (c >= 'A' && c <= 'Z') return kLetters[c - 'A'];
  if (c >= '0' && c <= '9') return kDigits[c - '0'];
  switch (c) {
    case ' ':
      return 0;
    case '.':
      return 000002;
    case ',':
      return 000024;
    case ':':
      return 002020;
    case '-':
      return 000700;
    case '+':
      return 002720;
    case '/':
      return 011244;
    case '\'':
      return 022000;
    case '!':
      return 022202;
    case '?':
      return 061202;
    case '(':
      return 012221;
    case ')':
      return 042224;
    case '*':
      return 052725;
    case '=':
      return 007070;
    default:
      return static_cast<uint16_t>((static_cast<unsigned char>(c) * 2654435761u) >> 17 & 077777) | 1;
  }
}

}  // namespace proctor::env::android::fake

#endif  // PROCTOR_TESTS_ENV_ANDROID_FAKE_FONT_H_
