// FindNumbers of evaluator/text.h.
#include "absl/strings/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>

#include "common/strings.h"
#include "evaluator/text.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxNumbers = 64;
constexpr size_t kMaxDigits = 40;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool IsWordByte(char c) { return IsLetter(c) || IsDigit(c) || static_cast<uint8_t>(c) >= 0x80; }

bool IsCurrencyCode(std::string_view word) {
  static constexpr std::array<std::string_view, 18> kCodes = {
      "aud", "brl", "cad", "chf", "cny", "czk", "dkk", "eur", "gbp",
      "inr", "jpy", "nok", "pln", "rs",  "sek", "us",  "usd", "rmb"};
  return std::find(kCodes.begin(), kCodes.end(), word) != kCodes.end();
}

std::string_view WordBefore(std::string_view text, size_t end) {
  size_t begin = end;
  while (begin > 0 && IsLetter(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

// May a number begin at `i`? Not inside a word ("mp3"), but after a currency ("usd12", the three
// bytes of a sign).
bool MayBegin(std::string_view text, size_t i) {
  if (i == 0) return true;
  const char before = text[i - 1];
  if (IsDigit(before)) return false;
  if (!IsLetter(before)) return true;
  const std::string_view word = WordBefore(text, i);
  const bool whole_word = word.size() == i || !IsWordByte(text[i - word.size() - 1]);
  return whole_word && IsCurrencyCode(word);
}

// Digits from `i` on with separators between them: "1,234.5", "1 234", "1'234".
std::string_view DigitRun(std::string_view text, size_t i) {
  size_t end = i;
  while (end < text.size() && end - i < kMaxDigits) {
    if (IsDigit(text[end])) {
      ++end;
      continue;
    }
    const bool mark = text[end] == ',' || text[end] == '.' || text[end] == '\'' || text[end] == ' ';
    if (!mark || end + 1 >= text.size() || !IsDigit(text[end + 1])) break;
    if (text[end] == ' ' || text[end] == '\'') {
      // Only groups of exactly three digits hang together over a space.
      size_t group = end + 1;
      while (group < text.size() && IsDigit(text[group])) ++group;
      size_t head = end;
      while (head > i && IsDigit(text[head - 1])) --head;
      const bool first_group = head == i || text[head - 1] == text[end];
      if (group - end - 1 != 3 || end - head > 3 || !first_group) break;
    }
    ++end;
  }
  return text.substr(i, end - i);
}

std::string Without(std::string_view text, char mark) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [&](char c) { return c != mark; });
  return out;
}

// Are the digits around `mark` thousands groups: 1-3 digits first, 2-3 later (Indian), 3 at the
// end?
bool IsGrouped(std::string_view text, char mark) {
  std::vector<size_t> lengths = {0};
  for (const char c : text) {
    if (c == mark) {
      lengths.push_back(0);
    } else {
      ++lengths.back();
    }
  }
  if (lengths.size() < 2 || lengths.front() < 1 || lengths.front() > 3 || lengths.back() != 3)
    return false;
  return std::all_of(lengths.begin() + 1, lengths.end(), [](size_t n) { return n == 2 || n == 3; });
}

void AddReading(std::string_view digits, std::vector<double>* readings) {
  double value = 0;
  if (absl::SimpleAtod(ToAbsl(digits), &value) && std::isfinite(value)) readings->push_back(value);
}

// All ways to read a digit run.
std::vector<double> Readings(std::string_view run) {
  std::string digits = Without(Without(run, ' '), '\'');
  std::vector<double> readings;
  const size_t comma = digits.rfind(',');
  const size_t dot = digits.rfind('.');
  if (comma == std::string::npos && dot == std::string::npos) {
    AddReading(digits, &readings);
  } else if (comma != std::string::npos && dot != std::string::npos) {
    // The later mark is the decimal one.
    const char decimal = comma > dot ? ',' : '.';
    const char group = comma > dot ? '.' : ',';
    const size_t at = std::max(comma, dot);
    const std::string whole = digits.substr(0, at);
    if (whole.find(decimal) == std::string::npos && IsGrouped(whole, group)) {
      AddReading(Without(whole, group) + "." + digits.substr(at + 1), &readings);
    }
  } else {
    const char mark = comma != std::string::npos ? ',' : '.';
    const bool once = std::count(digits.begin(), digits.end(), mark) == 1;
    const bool grouped = IsGrouped(digits, mark) && digits[0] != '0';
    if (grouped) AddReading(Without(digits, mark), &readings);
    // "1,234" is a thousand and more; "1.234" may be either.
    if (once && (mark == '.' || !grouped)) {
      std::replace(digits.begin(), digits.end(), ',', '.');
      AddReading(digits, &readings);
    }
  }
  return readings;
}

// ".5"; empty: no such number begins at `i`.
std::string_view Fraction(std::string_view text, size_t i) {
  if (text[i] != '.' || (i > 0 && IsWordByte(text[i - 1]))) return {};
  size_t end = i + 1;
  while (end < text.size() && IsDigit(text[end]) && end - i < kMaxDigits) ++end;
  return end > i + 1 ? text.substr(i, end - i) : std::string_view();
}

// "e3", "e-3" at the start of `rest`, which follows digits; else empty.
std::string_view Exponent(std::string_view rest) {
  if (rest.empty() || rest[0] != 'e') return {};
  const size_t digits = rest.size() > 1 && (rest[1] == '+' || rest[1] == '-') ? 2 : 1;
  size_t end = digits;
  while (end < rest.size() && IsDigit(rest[end])) ++end;
  if (end == digits || (end < rest.size() && IsWordByte(rest[end]))) return {};
  return rest.substr(0, end);
}

// The word that `text` begins with, without what "€" and "£" begin with: "k€". Empty: there is none.
std::string_view LeadingWord(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && IsWordByte(text[end]) && text[end] != '\xe2' && text[end] != '\xc2') ++end;
  return text.substr(0, end);
}

int SpelledNumber(std::string_view word) {
  static constexpr std::array<std::string_view, 21> kSmall = {
      "zero",     "one",     "two",     "three",     "four",     "five",     "six",
      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};
  const auto it = std::find(kSmall.begin(), kSmall.end(), word);
  return it == kSmall.end() ? -1 : static_cast<int>(it - kSmall.begin());
}

// "one" to "nine", or "first" to "ninth".
bool IsOnes(std::string_view word) {
  static constexpr std::array<std::string_view, 9> kOrdinals = {"first", "second",  "third",  "fourth", "fifth",
                                                                "sixth", "seventh", "eighth", "ninth"};
  const int value = SpelledNumber(word);
  return (value >= 1 && value <= 9) || std::find(kOrdinals.begin(), kOrdinals.end(), word) != kOrdinals.end();
}

// Above twenty.
bool IsTens(std::string_view word) {
  static constexpr std::array<std::string_view, 7> kTens = {"thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
  return std::find(kTens.begin(), kTens.end(), word) != kTens.end();
}

struct Magnitude {
  std::string_view word;
  double factor = 1;
  // May be a unit, too: "5m".
  bool unit = false;
};

// Null: `word` is no magnitude that is written out, one or many of it.
const Magnitude* SpelledMagnitude(std::string_view word) {
  static constexpr std::array<Magnitude, 5> kSpelled = {
      {{"hundred", 1e2}, {"thousand", 1e3}, {"million", 1e6}, {"billion", 1e9}, {"trillion", 1e12}}};
  if (word.ends_with('s')) word.remove_suffix(1);
  const auto* it = std::find_if(kSpelled.begin(), kSpelled.end(), [&](const Magnitude& known) { return known.word == word; });
  return it == kSpelled.end() ? nullptr : it;
}

// Null: `word` is no short one. Alone, "k" may be a unit, too: "300 K".
const Magnitude* ShortMagnitude(std::string_view word, bool apart) {
  static constexpr std::array<Magnitude, 8> kShort = {
      {{"k", 1e3}, {"m", 1e6, true}, {"mio", 1e6}, {"mln", 1e6}, {"b", 1e9, true}, {"bn", 1e9}, {"tn", 1e12}, {"trn", 1e12}}};
  static constexpr Magnitude kApart = {"k", 1e3, true};
  if (apart && word == kApart.word) return &kApart;
  const auto* it = std::find_if(kShort.begin(), kShort.end(), [&](const Magnitude& known) { return known.word == word; });
  return it == kShort.end() ? nullptr : it;
}

bool IsGap(std::string_view text) { return !text.empty() && (text[0] == ' ' || text[0] == '-'); }

// "hundred", but not "hundreds", which alone say no number.
bool IsMagnitudeOfOne(std::string_view word) { return SpelledMagnitude(word) != nullptr && !word.ends_with('s'); }

bool IsNumberWord(std::string_view word) { return SpelledNumber(word) >= 0 || IsTens(word) || IsMagnitudeOfOne(word); }

// How much of `rest`, which follows a word of a number, belongs to the number as well: all of " hundred and two", " fifty" and
// " and 50"; 0: nothing. "and" joins after a magnitude only: "ten and twenty" are two.
size_t LengthOfMoreWords(std::string_view rest, bool after_magnitude) {
  size_t length = 0;
  while (IsGap(rest.substr(length))) {
    size_t at = length + 1;
    const bool joined = after_magnitude && LeadingWord(rest.substr(at)) == "and" && IsGap(rest.substr(at + 3));
    if (joined) at += 4;
    const std::string_view word = LeadingWord(rest.substr(at));
    const std::string_view digits = joined && at < rest.size() && IsDigit(rest[at]) ? DigitRun(rest, at) : std::string_view();
    if (digits.empty() && !IsNumberWord(word)) break;
    length = at + (digits.empty() ? word.size() : digits.size());
    after_magnitude = after_magnitude || IsMagnitudeOfOne(word);
  }
  return length;
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "½" and its like.
bool IsVulgarFraction(std::string_view text) {
  const auto between = [&](std::string_view lead, uint8_t first, uint8_t last) {
    return text.starts_with(lead) && text.size() > lead.size() && static_cast<uint8_t>(text[lead.size()]) >= first &&
           static_cast<uint8_t>(text[lead.size()]) <= last;
  };
  return between("\xc2", 0xbc, 0xbe) || between("\xe2\x85", 0x90, 0x9e);
}

// The length of what `rest`, which follows a number, begins with and what makes another one of it: "½", " dozen", " and a half"; 0: nothing. What
// after digits is a thing of its own ("5 third-party", "a 4.5 score", "3 quarters") does so only after a number in words: "one third".
size_t LengthOfMultiplier(std::string_view rest, bool in_words) {
  const size_t gap = IsGap(rest) ? 1 : 0;
  if (IsVulgarFraction(rest.substr(gap))) return gap + (rest[gap] == '\xc2' ? 2 : 3);
  const std::string_view word = gap > 0 ? LeadingWord(rest.substr(1)) : std::string_view();
  if (word == "and" && IsGap(rest.substr(4)) && LeadingWord(rest.substr(5)) == "a" && IsGap(rest.substr(6))) {
    const std::string_view part = LeadingWord(rest.substr(7));
    if (IsOneOf(part, {"half", "quarter"})) return 7 + part.size();
  }
  const bool always = IsOneOf(word, {"dozen", "dozens", "lakh", "lakhs", "crore", "crores", "halves", "thirds", "hundredths", "thousandths"});
  const bool spelled = in_words && IsOneOf(word, {"score", "half", "third", "quarter", "quarters", "hundredth", "thousandth"});
  return always || spelled ? 1 + word.size() : 0;
}

// What follows a number and belongs to it.
struct Tail {
  // What it multiplies the number by: 1 and more where that may be a unit, too ("5m", "300 K"); nothing where the whole number is not
  // read ("two hundred and fifty").
  std::vector<double> factors;
  size_t length = 0;
};

Tail MagnitudesOf(std::string_view rest) {
  double factor = 1;
  if (const std::string_view exponent = Exponent(rest); !exponent.empty()) {
    const bool read = absl::SimpleAtod("1" + std::string(exponent), &factor);
    return {read ? std::vector<double>{factor} : std::vector<double>(), exponent.size()};
  }
  const Magnitude* spelled = nullptr;
  size_t length = 0;
  while (true) {
    const size_t gap = IsGap(rest.substr(length)) ? 1 : 0;
    const std::string_view word = LeadingWord(rest.substr(length + gap));
    const Magnitude* next = SpelledMagnitude(word);
    if (next == nullptr) next = ShortMagnitude(word, gap > 0);
    if (next == nullptr) break;
    length += gap + word.size();
    if (next->unit) return {{factor, factor * next->factor}, length};
    spelled = SpelledMagnitude(word);
    factor *= next->factor;
  }
  const size_t more = spelled != nullptr ? LengthOfMoreWords(rest.substr(length), true) : 0;
  return {more > 0 ? std::vector<double>() : std::vector<double>{factor}, length + more};
}

Tail TailOf(std::string_view rest, bool in_words) {
  Tail tail = MagnitudesOf(rest);
  const size_t multiplier = LengthOfMultiplier(rest.substr(tail.length), in_words);
  if (multiplier == 0) return tail;
  const size_t length = tail.length + multiplier;
  return {.factors = {}, .length = length + LengthOfMoreWords(rest.substr(length), true)};
}

// The currency sign that `text` ends with, or nothing.
std::string_view CurrencySignBefore(std::string_view text) {
  static constexpr std::array<std::string_view, 8> kSigns = {"$", "€", "£", "¥", "₹", "₩", "₽", "₺"};
  const auto it = std::find_if(kSigns.begin(), kSigns.end(), [&](std::string_view sign) { return text.ends_with(sign); });
  return it == kSigns.end() ? std::string_view() : *it;
}

std::string_view WithoutBlanksAtEnd(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Whether the '-' that follows `before` is a sign: in "-5", "$-5" and "€-5", but not in "3-5", "a-5", "3 €-5 €",
// "3 million €-5 million €" or "3%-5%".
bool IsMinus(std::string_view before) {
  const size_t unit = before.ends_with('%') ? 1 : CurrencySignBefore(before).size();
  if (unit == 0) return before.empty() || !IsWordByte(before.back());
  before = WithoutBlanksAtEnd(before.substr(0, before.size() - unit));
  const std::string_view word = WordBefore(before, before.size());
  if (SpelledMagnitude(word) != nullptr || ShortMagnitude(word, false) != nullptr) {
    before = WithoutBlanksAtEnd(before.substr(0, before.size() - word.size()));
  }
  return before.empty() || !IsDigit(before.back());
}

bool IsNegative(std::string_view text, size_t i) {
  // "-5", "$-5", "-$5", "minus 5".
  size_t at = i;
  while (at > 0 && (static_cast<uint8_t>(text[at - 1]) >= 0x80 || text[at - 1] == '$')) --at;
  if (at == 0) return false;
  if (text[at - 1] == '-') return IsMinus(text.substr(0, at - 1));
  const std::string_view word = text[at - 1] == ' ' ? WordBefore(text, at - 1) : std::string_view();
  return word == "minus" || word == "negative";
}

// A number, and where it ends.
struct PlacedNumber {
  WrittenNumber number;
  size_t end = 0;
};

// The number whose digits or word, [begin, end) of `text`, read as `plain`: with its sign and magnitude.
PlacedNumber Scaled(const std::vector<double>& plain, std::string_view text, size_t begin, size_t end) {
  const double sign = IsNegative(text, begin) ? -1 : 1;
  const Tail tail = TailOf(text.substr(end), IsLetter(text[begin]));
  PlacedNumber scaled{.number = {}, .end = end + tail.length};
  for (const double factor : tail.factors) {
    for (const double reading : plain) {
      if (std::isfinite(factor * reading)) scaled.number.readings.push_back(sign * factor * reading);
    }
  }
  return scaled;
}

// Cuts off the last word of `text` and what stands between it and the rest.
std::string_view CutLastWord(std::string_view& text) {
  const std::string_view word = text.empty() ? text : WordBefore(text, text.size() - 1);
  text.remove_suffix(std::min(text.size(), word.size() + 1));
  return word;
}

// Whether the magnitude [begin, end) of `text`, with other magnitudes next to it, is part of a name ("hundred-year-old") or of a unit ("12 per
// hundred thousand", "12 in thousand", "12 of a hundred") and no number.
bool IsNameOrUnit(std::string_view text, size_t begin, size_t end) {
  std::string_view rest = text.substr(end);
  while (IsGap(rest) && IsMagnitudeOfOne(LeadingWord(rest.substr(1)))) rest.remove_prefix(1 + LeadingWord(rest.substr(1)).size());
  if (LengthOfMoreWords(rest, true) > 0) return false;
  if (rest.size() > 1 && rest[0] == '-' && IsLetter(rest[1])) return true;
  std::string_view before = text.substr(0, begin);
  std::string_view word = CutLastWord(before);
  while (SpelledMagnitude(word) != nullptr) word = CutLastWord(before);
  const bool article = word == "a";
  if (article) word = CutLastWord(before);
  return word == "in" || word == "per" || (article && word == "of");
}

// The number that begins with the word [begin, end) of `text`, if one does. Read is only what is at most twenty, with its magnitudes.
std::optional<PlacedNumber> InWords(std::string_view text, size_t begin, size_t end) {
  const std::string_view word = text.substr(begin, end - begin);
  const std::string_view rest = text.substr(end);
  const int value = SpelledNumber(word);
  const bool compound = value == 20 && IsGap(rest) && IsOnes(LeadingWord(rest.substr(1)));
  if (value >= 0 && !compound) return Scaled({static_cast<double>(value)}, text, begin, end);
  const bool magnitude = IsMagnitudeOfOne(word);
  if (!compound && !IsTens(word) && (!magnitude || IsNameOrUnit(text, begin, end))) return std::nullopt;
  return PlacedNumber{.number = {}, .end = end + LengthOfMoreWords(rest, magnitude)};
}

}  // namespace

std::vector<WrittenNumber> FindNumbers(std::string_view raw) {
  const std::string folded = FoldWidthAndCase(raw);
  const std::string_view text = folded;
  std::vector<WrittenNumber> numbers;
  for (size_t i = 0; i < text.size() && numbers.size() < kMaxNumbers;) {
    const bool digits = IsDigit(text[i]) && MayBegin(text, i);
    if (const std::string_view run = digits ? DigitRun(text, i) : Fraction(text, i); !run.empty()) {
      // What reads in no way ("1.2.3") still is a number that the text holds: kept without
      // readings.
      PlacedNumber found = Scaled(Readings(run), text, i, i + run.size());
      numbers.push_back(std::move(found.number));
      i = found.end;
    } else if (IsWordByte(text[i])) {
      size_t end = i;
      while (end < text.size() && IsWordByte(text[end]) &&
             !(IsDigit(text[end]) && MayBegin(text, end)))
        ++end;
      if (std::optional<PlacedNumber> found = InWords(text, i, end)) {
        numbers.push_back(std::move(found->number));
        end = found->end;
      }
      i = std::max(end, i + 1);
    } else {
      ++i;
    }
  }
  return numbers;
}

}  // namespace proctor::evaluator
