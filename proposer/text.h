// Small things about page text.
#ifndef PROCTOR_PROPOSER_TEXT_H_
#define PROCTOR_PROPOSER_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace proctor::proposer {

// Valid UTF-8 with white space (no-break spaces too) collapsed and trimmed, cut at `max_bytes`. What pages say goes
// through here.
std::string CleanText(std::string_view text, size_t max_bytes = 1'000);

// For comparing: CleanText in lower case (ASCII).
std::string Folded(std::string_view text);

// `needle` occurs in `text` as whole words; both folded.
bool ContainsWords(std::string_view text, std::string_view needle);

// A number with an optional unit after it: "4,160 kB" is {4160, "kb"}. Nothing for text with more than that, for
// versions ("1.2.3"), dates, and signs other than a leading minus. Nothing either where the number's spelling leaves doubt:
// commas stand before groups of three digits only ("2,5" has a decimal comma), and "1.234" may be 1,234.
struct Quantity {
  double value = 0;
  std::string unit;
};
std::optional<Quantity> ParseQuantity(std::string_view text);

// Estimates how alike texts are (Broder 1997: min-wise hashes of the sets of 4-character shingles).
class MinHash {
 public:
  explicit MinHash(std::string_view text);
  // Estimated Jaccard similarity, 0 to 1; standard error at most 0.07.
  double Similarity(const MinHash& other) const;

 private:
  std::vector<uint64_t> minima_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_TEXT_H_
