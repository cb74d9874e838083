#include <cmath>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "evaluator/judge/aggregate.h"
#include "evaluator/score.h"

namespace proctor::evaluator {
namespace {

// Position of a token in the concatenated text.
struct Placed {
  const model::GeneratedToken* token = nullptr;
  size_t begin = 0;
  size_t end = 0;
};

// The token that holds the byte `at`.
std::optional<Placed> TokenAt(const std::vector<model::GeneratedToken>& tokens, size_t at) {
  size_t begin = 0;
  for (const model::GeneratedToken& token : tokens) {
    const size_t end = begin + token.chosen.token.size();
    if (at < end) return Placed{&token, begin, end};
    begin = end;
  }
  return std::nullopt;
}

// " 4", "4", "4." and "**4" are 4.
std::optional<double> OnScale(absl::string_view token, const v1::NumberParser& scale) {
  while (!token.empty() && !absl::ascii_isdigit(token.front()) && token.front() != '-') token.remove_prefix(1);
  while (!token.empty() && !absl::ascii_isdigit(token.back())) token.remove_suffix(1);
  int value = 0;
  if (!absl::SimpleAtoi(token, &value) || value < scale.min() || value > scale.max()) return std::nullopt;
  return value;
}

// Probabilities of the scale's numbers; the chosen token counts even if it is not listed among its alternatives.
std::map<double, double> Masses(const model::GeneratedToken& token, const v1::NumberParser& scale) {
  std::map<double, double> masses;
  bool listed = false;
  for (const model::TokenLogProb& alternative : token.alternatives) {
    listed = listed || alternative.token == token.chosen.token;
    const std::optional<double> value = OnScale(alternative.token, scale);
    if (value.has_value()) masses[*value] += std::exp(alternative.log_prob);
  }
  const std::optional<double> chosen = OnScale(token.chosen.token, scale);
  if (!listed && chosen.has_value()) masses[*chosen] += std::exp(token.chosen.log_prob);
  return masses;
}

}  // namespace

std::optional<Expectation> ExpectationAt(const std::vector<model::GeneratedToken>& tokens, size_t begin, size_t end,
                                         const v1::NumberParser& scale, double success_threshold) {
  const std::optional<Placed> placed = TokenAt(tokens, begin);
  if (!placed.has_value() || placed->end < end) return std::nullopt;
  double total = 0, sum = 0, success = 0;
  for (const auto& [value, mass] : Masses(*placed->token, scale)) {
    total += mass;
    sum += value * mass;
    if (Reaches((value - scale.min()) / (scale.max() - scale.min()), success_threshold)) success += mass;
  }
  if (!(total > 0) || !std::isfinite(total)) return std::nullopt;
  return Expectation{.value = sum / total, .success_probability = success / total};
}

}  // namespace proctor::evaluator
