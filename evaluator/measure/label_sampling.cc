#include "evaluator/measure/label_sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "evaluator/measure/confusion.h"
#include "evaluator/measure/random.h"

namespace proctor::evaluator {
namespace {

constexpr size_t kOutcomes = 4;
constexpr size_t kMinPerOutcome = 2;

std::vector<DrawnLabel> DrawUniform(std::vector<size_t> from, size_t count, Random* random) {
  const double probability = static_cast<double>(count) / static_cast<double>(from.size());
  random->Shuffle(from);
  std::vector<DrawnLabel> drawn;
  for (size_t i = 0; i < count; ++i) drawn.push_back({from[i], probability});
  return drawn;
}

// How many of `count` each outcome gets; at most `sizes`, and all of `count`, which is at most
// their sum.
std::array<size_t, kOutcomes> Allocate(const std::array<size_t, kOutcomes>& sizes, size_t count) {
  std::array<size_t, kOutcomes> given{};
  const auto open = [&](size_t h) { return given[h] < sizes[h]; };
  const auto give = [&](auto&& is_next) {
    size_t best = kOutcomes;
    for (size_t h = 0; h < kOutcomes; ++h) {
      if (open(h) && (best == kOutcomes || is_next(h, best))) best = h;
    }
    ++given[best];
  };
  // One label after the other to the outcome with most episodes a squared label: proportional to
  // the root. Outcomes below the minimum come first.
  const auto need = [&](size_t h) {
    const double labels = static_cast<double>(given[h]) + 0.5;
    return static_cast<double>(sizes[h]) / (labels * labels);
  };
  for (size_t i = 0; i < count; ++i) {
    give([&](size_t h, size_t best) {
      const bool h_first = given[h] < kMinPerOutcome, best_first = given[best] < kMinPerOutcome;
      if (h_first != best_first) return h_first;
      return need(h) > need(best);
    });
  }
  return given;
}

std::vector<DrawnLabel> DrawByOutcome(std::span<const JudgedEpisode> episodes, size_t count,
                                      Random* random) {
  std::array<std::vector<size_t>, kOutcomes> members;
  for (size_t i = 0; i < episodes.size(); ++i) {
    members[static_cast<size_t>(episodes[i].outcome)].push_back(i);
  }
  std::array<size_t, kOutcomes> sizes{};
  for (size_t h = 0; h < kOutcomes; ++h) sizes[h] = members[h].size();
  const auto given = Allocate(sizes, count);
  std::vector<DrawnLabel> drawn;
  for (size_t h = 0; h < kOutcomes; ++h) {
    if (given[h] == 0) continue;
    const auto part = DrawUniform(std::move(members[h]), given[h], random);
    drawn.insert(drawn.end(), part.begin(), part.end());
  }
  return drawn;
}

double Uncertainty(const JudgedEpisode& e, double floor) {
  double value = 1;
  if (IsDecided(e.outcome)) {
    if (e.score) {
      value = 1 - std::abs(2 * *e.score - 1);
    } else if (e.confidence) {
      value = 1 - *e.confidence;
    }
  }
  return std::max(value, floor);
}

// Proportional to `sizes`, adding up to `count`, none above 1: what would be above is 1, and the
// rest shares.
std::vector<double> Probabilities(const std::vector<double>& sizes, size_t count) {
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  double rest = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  double left = static_cast<double>(count);
  std::vector<double> probabilities(sizes.size());
  bool capped = true;
  for (const size_t i : order) {
    capped = capped && left * sizes[i] >= rest;
    if (capped) {
      probabilities[i] = 1;
      rest -= sizes[i];
      left -= 1;
    } else {
      probabilities[i] = left * sizes[i] / rest;
    }
  }
  return probabilities;
}

std::vector<DrawnLabel> DrawByUncertainty(std::span<const JudgedEpisode> episodes, size_t count,
                                          double floor, Random* random) {
  std::vector<double> sizes;
  for (const JudgedEpisode& e : episodes) sizes.push_back(Uncertainty(e, floor));
  const std::vector<double> probabilities = Probabilities(sizes, count);
  std::vector<size_t> order;
  std::vector<DrawnLabel> drawn;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (probabilities[i] >= 1) {
      drawn.push_back({i, 1.0});
    } else {
      order.push_back(i);
    }
  }
  const size_t wanted = count - drawn.size();
  random->Shuffle(order);
  // A comb with teeth one apart and a random start, laid over the cumulated probabilities.
  const double start = random->Uniform();
  double sum = 0;
  size_t teeth = 0;
  for (const size_t i : order) {
    sum += probabilities[i];
    // Rounding must not lose the last tooth.
    const bool last = i == order.back() && teeth + 1 == wanted;
    if (last || (teeth < wanted && sum > start + static_cast<double>(teeth))) {
      drawn.push_back({i, probabilities[i]});
      ++teeth;
    }
  }
  return drawn;
}

}  // namespace

absl::StatusOr<std::vector<DrawnLabel>> DrawLabels(std::span<const JudgedEpisode> episodes,
                                                   const LabelSampleOptions& options) {
  if (absl::Status status = ValidateEpisodes(episodes); !status.ok()) return status;
  if (!(options.uncertainty_floor > 0 && options.uncertainty_floor <= 1)) {
    return absl::InvalidArgumentError("uncertainty_floor is not in (0, 1]");
  }
  const size_t count = std::min(options.count, episodes.size());
  std::vector<DrawnLabel> drawn;
  if (count == 0) return drawn;
  Random random(options.seed);
  switch (options.design) {
    case LabelDesign::kUniform: {
      std::vector<size_t> all(episodes.size());
      std::iota(all.begin(), all.end(), size_t{0});
      drawn = DrawUniform(std::move(all), count, &random);
      break;
    }
    case LabelDesign::kByOutcome:
      drawn = DrawByOutcome(episodes, count, &random);
      break;
    case LabelDesign::kByUncertainty:
      drawn = DrawByUncertainty(episodes, count, options.uncertainty_floor, &random);
      break;
  }
  std::sort(drawn.begin(), drawn.end(),
            [](const DrawnLabel& a, const DrawnLabel& b) { return a.index < b.index; });
  return drawn;
}

}  // namespace proctor::evaluator
