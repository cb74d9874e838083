// Texts made comparable: normalisation, splitting into items, numbers and dates in prose. Pure
// functions; malformed UTF-8 is replaced, never refused.
#ifndef PROCTOR_EVALUATOR_TEXT_H_
#define PROCTOR_EVALUATOR_TEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"

namespace proctor::evaluator {

// Lower case for ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic letters; everything else
// stays.
std::string FoldCase(std::string_view text);

// Width folded (full-width forms, typographic quotes, dashes and spaces to ASCII; zero-width
// characters dropped), case folded, white space collapsed and trimmed, then surrounding quotes and
// final `.,;:!?` dropped unless nothing would be left.
std::string NormalizeText(std::string_view text);

// As NormalizeText without the last part and without collapsing line breaks. Dot bullets are '*'.
std::string FoldWidthAndCase(std::string_view text);

// The same for SplitList: dot bullets are U+2022.
std::string FoldList(std::string_view text);

// "N/A" in one of its spellings, alone or followed by an explanation, but no longer abbreviation
// ("N.A.S.A.": no letter may touch "N.A."). `text` is raw.
bool IsNotApplicable(std::string_view text);

// A piece of a list: [begin, end) of the text it was split from.
struct Fragment {
  size_t begin = 0;
  size_t end = 0;
};

// Splits at commas, semicolons, line breaks and the word "and"; empty pieces are left out, and the
// bullets of others: a dot whatever follows, '-' or '*' before white space or alone. At most
// `max_fragments`: the rest is one last piece. `text` comes from FoldList.
std::vector<Fragment> SplitList(std::string_view text, size_t max_fragments);

// The numbers written in a text, each with all ways it can be read ("1.234" is 1.234 or 1234). A
// digit inside a word
// ("v2", "mp3") is no number, but units and currencies may touch ("12kg", "EUR12", "$12"). A sign
// ("-12", "minus 12") and a magnitude ("12k", "2.5 million", "12e3") count; what may be a magnitude
// or a unit ("5m", "5 b", "300 K") is read both ways. Magnitudes multiply ("two hundred thousand"), and a touching "k" is
// one whatever the text is about ("14K gold"). A longer number in words ("thirty-two", "twenty-first", "a hundred", "two hundred
// and fifty") is one number without readings, and so is one that a word or sign after it makes another ("two dozen", "2 lakh", "two-thirds", "2 and a
// half", "3½"). "hundreds" are none, nor is a magnitude without a number before and after it that is part of a name ("hundred-year-old": '-' and a
// letter follow) or of a unit ("per thousand", "in a thousand", "of a hundred"). At most 64.
struct WrittenNumber {
  std::vector<double> readings;
};
std::vector<WrittenNumber> FindNumbers(std::string_view text);

// The dates written in a text: ISO 8601, 12.05.2024, 5/12/24, May 12th, 2024, 12 May 2024, ... Each
// with all ways it can be read (05/12/2024 is 12 May or 5 December, 5 Jun 19, 2000 is in 2019 or 2000). A date needs a year. At
// most 16.
struct WrittenDate {
  std::vector<absl::CivilDay> readings;
};
std::vector<WrittenDate> FindDates(std::string_view text);

// "2024-05-12" or nothing.
std::optional<absl::CivilDay> ParseIsoDate(std::string_view text);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_TEXT_H_
