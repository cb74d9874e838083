// FindDates of evaluator/text.h.
#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "common/strings.h"
#include "evaluator/text.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kMaxDates = 16;
// A number after a complete date is another year only within these.
constexpr int kFirstLikelyYear = 1900;
constexpr int kLastLikelyYear = 2100;

// A word, a number, or a mark between them.
struct Token {
  enum class Kind { kNumber, kWord, kMark } kind;
  std::string_view text;
  int value = 0;  // kNumber; -1 if longer than four digits
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || static_cast<uint8_t>(c) >= 0x80; }

std::vector<Token> Tokenize(std::string_view text) {
  std::vector<Token> tokens;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || text[i] == '\n') {
      ++i;
      continue;
    }
    size_t end = i;
    Token token;
    if (IsDigit(text[i])) {
      while (end < text.size() && IsDigit(text[end])) ++end;
      token.kind = Token::Kind::kNumber;
      token.value = -1;
      if (end - i <= 4) (void)absl::SimpleAtoi(ToAbsl(text.substr(i, end - i)), &token.value);
    } else if (IsLetter(text[i])) {
      while (end < text.size() && IsLetter(text[end])) ++end;
      token.kind = Token::Kind::kWord;
    } else {
      end = i + 1;
      token.kind = Token::Kind::kMark;
    }
    token.text = text.substr(i, end - i);
    tokens.push_back(token);
    i = end;
  }
  return tokens;
}

// 1 to 12, or 0. Names and their usual short forms.
int Month(std::string_view word) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "january", "february", "march",     "april",   "may",      "june",
      "july",    "august",   "september", "october", "november", "december"};
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (word == kNames[i] || word == kNames[i].substr(0, 3)) return static_cast<int>(i) + 1;
  }
  return word == "sept" ? 9 : 0;
}

bool IsOrdinalEnding(std::string_view word) {
  return word == "st" || word == "nd" || word == "rd" || word == "th";
}

int FullYear(const Token& token) {
  if (token.kind != Token::Kind::kNumber || token.value < 0) return -1;
  if (token.text.size() == 4) return token.value;
  if (token.text.size() == 2) return token.value + (token.value < 69 ? 2000 : 1900);
  return -1;
}

void AddReading(int year, int month, int day, std::vector<absl::CivilDay>* readings) {
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31) return;
  const absl::CivilDay civil(year, month, day);
  if (civil.day() != day || civil.month() != month) return;  // 30 February
  if (std::find(readings->begin(), readings->end(), civil) == readings->end())
    readings->push_back(civil);
}

// Reads a date from `tokens[at]` on; returns how many tokens it took, 0 if there is none.
class DateReader {
 public:
  DateReader(const std::vector<Token>& tokens, size_t at) : tokens_(tokens), at_(at), start_(at) {}

  size_t Read(std::vector<absl::CivilDay>* readings) {
    if (ReadNumeric(readings) || ReadDayMonth(readings) || ReadMonthDay(readings))
      return at_ - start_;
    return 0;
  }

 private:
  bool Is(Token::Kind kind) const { return at_ < tokens_.size() && tokens_[at_].kind == kind; }
  bool TakeMark(std::string_view marks) {
    if (!Is(Token::Kind::kMark) || marks.find(tokens_[at_].text[0]) == std::string_view::npos)
      return false;
    ++at_;
    return true;
  }
  void TakeWord(std::string_view word) {
    if (Is(Token::Kind::kWord) && tokens_[at_].text == word) ++at_;
  }
  bool TakeDay(int* day) {
    if (!Is(Token::Kind::kNumber) || tokens_[at_].text.size() > 2) return false;
    *day = tokens_[at_++].value;
    if (Is(Token::Kind::kWord) && IsOrdinalEnding(tokens_[at_].text)) ++at_;
    return true;
  }
  bool TakeMonth(int* month) {
    if (!Is(Token::Kind::kWord)) return false;
    *month = Month(tokens_[at_].text);
    if (*month == 0) return false;
    ++at_;
    TakeMark(".");
    return true;
  }
  bool TakeYear(int* year) {
    if (!Is(Token::Kind::kNumber)) return false;
    *year = FullYear(tokens_[at_]);
    if (*year < 0) return false;
    ++at_;
    return true;
  }
  // After 3 May 12, where the 12 may also be the day of a date that begins with its month ("3 May 12, 2024", but not "3-May-12, 2024"):
  // takes the year of that date and adds it. Four digits outside of 1900 to 2100 are a time of day, or a count.
  bool TakeMonthDay(int month, std::vector<absl::CivilDay>* readings) {
    const Token& day = tokens_[at_ - 1];
    const std::string_view before = tokens_[at_ - 2].text;
    if (day.text.size() != 2 || before == "-" || before == "/") return false;
    const size_t next = at_ < tokens_.size() && tokens_[at_].text == "," ? at_ + 1 : at_;
    const bool year = next < tokens_.size() && tokens_[next].kind == Token::Kind::kNumber && tokens_[next].text.size() == 4;
    if (!year || tokens_[next].value < kFirstLikelyYear || tokens_[next].value > kLastLikelyYear) return false;
    AddReading(tokens_[next].value, month, day.value, readings);
    if (readings->empty()) return false;
    at_ = next + 1;
    return true;
  }
  bool Fail() {
    at_ = start_;
    return false;
  }

  // 2024-05-12, 2024/5/12, 12.05.2024, 05/12/24: the same mark twice.
  bool ReadNumeric(std::vector<absl::CivilDay>* readings) {
    if (at_ + 4 >= tokens_.size()) return false;
    const Token* t = &tokens_[at_];
    const bool shape = t[0].kind == Token::Kind::kNumber && t[2].kind == Token::Kind::kNumber &&
                       t[4].kind == Token::Kind::kNumber && t[1].text == t[3].text &&
                       (t[1].text == "-" || t[1].text == "/" || t[1].text == ".");
    if (!shape) return false;
    if (t[0].text.size() == 4) {
      AddReading(t[0].value, t[2].value, t[4].value, readings);
    } else if (const int year = FullYear(t[4]); year > 0) {
      AddReading(year, t[2].value, t[0].value, readings);                        // day first
      if (t[1].text != ".") AddReading(year, t[0].value, t[2].value, readings);  // month first
      if (t[1].text == "-" && t[4].text.size() == 2) {
        AddReading(FullYear(t[0]), t[2].value, t[4].value, readings);  // 24-05-12
      }
    }
    if (readings->empty()) return false;
    at_ += 5;
    return true;
  }

  // 12 May 2024, 12th of May, 2024, 12-May-24, 12. May 2024. Of 3 May 12, 2024 both readings; of 3. May 12, 2024 only the second: a number with a
  // mark is that of an item.
  bool ReadDayMonth(std::vector<absl::CivilDay>* readings) {
    int day = 0, month = 0, year = 0;
    if (!TakeDay(&day)) return Fail();
    const bool marked = TakeMark(".-/");
    TakeWord("of");
    if (!TakeMonth(&month)) return Fail();
    TakeMark(",-/");
    if (!TakeYear(&year)) return Fail();
    if (!TakeMonthDay(month, readings) || !marked) AddReading(year, month, day, readings);
    return !readings->empty() || Fail();
  }

  // May 12, 2024; May 12th 2024; May the 12th, 2024.
  bool ReadMonthDay(std::vector<absl::CivilDay>* readings) {
    int day = 0, month = 0, year = 0;
    if (!TakeMonth(&month)) return Fail();
    TakeMark("-/");
    TakeWord("the");
    if (!TakeDay(&day)) return Fail();
    TakeMark(",-/");
    if (!TakeYear(&year)) return Fail();
    AddReading(year, month, day, readings);
    return !readings->empty() || Fail();
  }

  const std::vector<Token>& tokens_;
  size_t at_;
  const size_t start_;
};

}  // namespace

std::vector<WrittenDate> FindDates(std::string_view raw) {
  const std::string text = FoldWidthAndCase(raw);
  const std::vector<Token> tokens = Tokenize(text);
  std::vector<WrittenDate> dates;
  for (size_t i = 0; i < tokens.size() && dates.size() < kMaxDates;) {
    WrittenDate date;
    const size_t taken = DateReader(tokens, i).Read(&date.readings);
    if (taken > 0) dates.push_back(std::move(date));
    i += std::max<size_t>(taken, 1);
  }
  return dates;
}

std::optional<absl::CivilDay> ParseIsoDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::vector<WrittenDate> dates = FindDates(text);
  if (dates.size() != 1 || dates[0].readings.size() != 1) return std::nullopt;
  return dates[0].readings[0];
}

}  // namespace proctor::evaluator
