#include "proposer/curriculum.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "proposer/seeded.h"

namespace proctor::proposer {
namespace {

// Tasks of one length.
struct Level {
  int tasks = 0;
  double tries = 0;
  double successes = 0;
  double all_tries = 0;
};

int LevelOf(const Candidate& candidate) {
  return candidate.optimal_steps > 0 ? candidate.optimal_steps : std::numeric_limits<int>::max();
}

bool IsPassed(const Level& level, const CurriculumOptions& options) {
  if (level.all_tries >= options.patience_tries_per_task * level.tasks) return true;
  return level.tries >= options.widen_tries && level.successes >= options.widen_success * level.tries;
}

int Frontier(const std::vector<Candidate>& candidates, const CurriculumOptions& options) {
  std::map<int, Level> levels;
  for (const Candidate& candidate : candidates) {
    Level& level = levels[LevelOf(candidate)];
    ++level.tasks;
    level.tries += candidate.tries;
    level.successes += candidate.successes;
    level.all_tries += candidate.all_tries;
  }
  int reached = 0;
  for (const auto& [steps, level] : levels) {
    if (level.tries > 0) reached = steps;
  }
  int frontier = 0;
  for (const auto& [steps, level] : levels) {
    frontier = steps;
    // Passed before and hardly drawn since: what little is left of its tries says nothing against it.
    if (steps < reached && level.tries < options.widen_tries) continue;
    if (!IsPassed(level, options)) break;
  }
  return frontier;
}

std::vector<std::string> Draw(const std::vector<Candidate>& candidates, int count, uint64_t seed,
                              const std::function<double(const Candidate&)>& weight) {
  std::vector<std::pair<double, std::string>> keys;
  keys.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    const double w = weight(candidate);
    if (w > 0) keys.emplace_back(std::log(SeededUnit(seed, candidate.id)) / w, candidate.id);
  }
  const size_t drawn = std::min(keys.size(), static_cast<size_t>(std::max(count, 0)));
  std::partial_sort(keys.begin(), keys.begin() + drawn, keys.end(), std::greater<>());
  std::vector<std::string> ids;
  for (size_t i = 0; i < drawn; ++i) ids.push_back(std::move(keys[i].second));
  return ids;
}

}  // namespace

int FrontierSteps(const std::vector<Candidate>& candidates, const CurriculumOptions& options) {
  const int frontier = Frontier(candidates, options);
  return frontier == std::numeric_limits<int>::max() ? 0 : frontier;
}

double CurriculumWeight(const Candidate& candidate, const CurriculumOptions& options) {
  const double p = (candidate.successes + 0.5) / (candidate.tries + 1);
  return std::max(options.floor, 4 * p * (1 - p) + options.exploration / std::sqrt(1 + candidate.tries));
}

std::vector<std::string> DrawCurriculum(const std::vector<Candidate>& candidates, int count, uint64_t seed,
                                        const CurriculumOptions& options) {
  const int frontier = Frontier(candidates, options);
  return Draw(candidates, count, seed, [&](const Candidate& candidate) {
    return LevelOf(candidate) > frontier ? 0.0 : CurriculumWeight(candidate, options);
  });
}

std::vector<std::string> DrawUniform(const std::vector<Candidate>& candidates, int count, uint64_t seed) {
  return Draw(candidates, count, seed, [](const Candidate&) { return 1.0; });
}

}  // namespace proctor::proposer
