#include "proposer/known_tasks.h"

#include <utility>

#include "proposer/template_proposer.h"

namespace proctor::proposer {
namespace {

std::string Words(const std::string& goal) {
  v1::Task task;
  task.set_goal(goal);
  return NormalizedGoal(task);
}

}  // namespace

void KnownTasks::Add(const std::string& goal, v1::Split split) {
  std::string words = Words(goal);
  MinHash hash(words);
  known_.push_back({.goal = goal, .words = std::move(words), .hash = std::move(hash), .split = split});
}

std::optional<KnownTasks::Nearest> KnownTasks::Find(const std::string& goal) const {
  const std::string words = Words(goal);
  const MinHash hash(words);
  const Known* nearest = nullptr;
  double most = -1;
  for (const Known& known : known_) {
    const double similarity = known.words == words ? 1 : hash.Similarity(known.hash);
    if (similarity <= most) continue;
    nearest = &known;
    most = similarity;
  }
  if (nearest == nullptr) return std::nullopt;
  return Nearest{.goal = nearest->goal, .split = nearest->split, .similarity = most};
}

}  // namespace proctor::proposer
