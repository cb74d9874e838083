// WordTokens of evaluator/webarena.h.
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/strings.h"
#include "evaluator/unicode.h"
#include "evaluator/webarena.h"

namespace proctor::evaluator {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Characters that always stand alone.
bool StandsAlone(std::string_view text, size_t i) {
  return std::string_view(";@#$%&?!*[](){}<>\"").find(text[i]) != std::string_view::npos;
}

// Contractions that are split off a word: 's 'm 'd 're 've 'll n't.
size_t ContractionLength(std::string_view word) {
  for (const std::string_view ending : {"n't", "'re", "'ve", "'ll", "'s", "'m", "'d", "'"}) {
    if (word.size() > ending.size() && word.substr(word.size() - ending.size()) == ending)
      return ending.size();
  }
  return 0;
}

// Does the period at `i` end a sentence? Within a text only if no lower-case word follows.
bool EndsSentence(std::string_view text, size_t i) {
  size_t next = i + 1;
  while (next < text.size() &&
         std::string_view(")]}>\"'").find(text[next]) != std::string_view::npos)
    ++next;
  if (next == text.size()) return true;
  if (text[next] != ' ') return false;
  while (next < text.size() && text[next] == ' ') ++next;
  return next == text.size() || !absl::ascii_islower(text[next]);
}

// The length of what stands alone at `i`, 0 if it belongs to a word.
size_t SeparateLength(std::string_view text, size_t i) {
  const char c = text[i];
  const char next = i + 1 < text.size() ? text[i + 1] : '\0';
  if (StandsAlone(text, i)) return 1;
  if ((c == ',' || c == ':') && !IsDigit(next)) return 1;
  if (c == '-' && next == '-') return 2;
  if (c == '`') return next == '`' ? 2 : 1;
  if (c == '.') {
    size_t dots = 1;
    while (i + dots < text.size() && text[i + dots] == '.') ++dots;
    if (dots > 1) return dots;
    return EndsSentence(text, i) ? 1 : 0;
  }
  if (c == '\'') {
    // An opening quote before a word of one character ("'2'"), or a closing one before a space.
    const bool after_word = i > 0 && text[i - 1] != ' ';
    if (!after_word || next == '\0' || next == ' ') return 1;
  }
  for (const std::string_view quote :
       {"\u00AB", "\u201C", "\u2018", "\u201E", "\u00BB", "\u201D", "\u2019"}) {
    if (text.substr(i, quote.size()) == quote) return quote.size();
  }
  return 0;
}

}  // namespace

std::vector<std::string> WordTokens(std::string_view raw) {
  std::string text;
  const std::string clean = SanitizeUtf8(raw);
  for (size_t i = 0; i < clean.size();) {
    const char32_t point = NextCodePoint(clean, &i);
    AppendCodePoint(IsSpace(point) ? U' ' : point, &text);
  }
  std::vector<std::string> tokens;
  std::string word;
  const auto finish_word = [&] {
    if (word.empty()) return;
    if (const size_t ending = ContractionLength(word); ending > 0) {
      tokens.push_back(word.substr(0, word.size() - ending));
      tokens.push_back(word.substr(word.size() - ending));
    } else {
      tokens.push_back(word);
    }
    word.clear();
  };
  for (size_t i = 0; i < text.size();) {
    const size_t length = text[i] == ' ' ? 0 : SeparateLength(text, i);
    if (length > 0) {
      finish_word();
      tokens.push_back(text.substr(i, length));
      i += length;
    } else if (text[i] == ' ') {
      finish_word();
      ++i;
    } else {
      word.push_back(text[i++]);
    }
  }
  finish_word();
  return tokens;
}

}  // namespace proctor::evaluator
