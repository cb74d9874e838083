#include "proposer/coverage.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proposer/text.h"

namespace proctor::proposer {
namespace {

constexpr size_t kMaxAreas = 60;
constexpr size_t kMaxGoals = 40;
constexpr size_t kMaxRefused = 20;
constexpr size_t kMaxGoalBytes = 200;
constexpr char kNoArea[] = "(area not known)";

void Keep(std::string line, size_t most, std::vector<std::string>& lines) {
  lines.push_back(std::move(line));
  if (lines.size() > most) lines.erase(lines.begin());
}

}  // namespace

void Coverage::Add(const std::string& area, const std::string& kind, const std::string& goal) {
  ++tasks_;
  const std::string name = area.empty() ? kNoArea : area;
  Area& entry = areas_[Folded(name)];
  if (entry.name.empty()) entry.name = name;
  ++entry.tasks;
  ++entry.kinds[kind.empty() ? "other" : kind];
  Keep(CleanText(goal, kMaxGoalBytes), kMaxGoals, goals_);
}

void Coverage::AddRefused(const std::string& goal, const std::string& reason) {
  Keep(absl::StrCat(CleanText(goal, kMaxGoalBytes), " (", reason, ")"), kMaxRefused, refused_);
}

std::string Coverage::Areas() const {
  std::vector<const Area*> sorted;
  for (const auto& [folded, area] : areas_) sorted.push_back(&area);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Area* a, const Area* b) { return a->tasks < b->tasks; });
  if (sorted.size() > kMaxAreas) sorted.erase(sorted.begin(), sorted.end() - kMaxAreas);
  std::vector<std::string> lines;
  for (const Area* area : sorted) {
    std::vector<std::string> kinds;
    for (const auto& [kind, count] : area->kinds) kinds.push_back(absl::StrCat(kind, " ", count));
    lines.push_back(absl::StrCat(area->name, ": ", area->tasks, " (", absl::StrJoin(kinds, ", "), ")"));
  }
  return absl::StrJoin(lines, "\n");
}

std::string Coverage::Goals() const { return absl::StrJoin(goals_, "\n"); }

std::string Coverage::Refused() const { return absl::StrJoin(refused_, "\n"); }

}  // namespace proctor::proposer
