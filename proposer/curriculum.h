// Which tasks to practise next: from short to long, and those that are sometimes solved.
#ifndef PROCTOR_PROPOSER_CURRICULUM_H_
#define PROCTOR_PROPOSER_CURRICULUM_H_

#include <cstdint>
#include <string>
#include <vector>

namespace proctor::proposer {

// A task that may be drawn, and how the policy fared at it (older versions count less: fractions).
struct Candidate {
  std::string id = "";
  // 0 if unknown: such tasks come after all others.
  int optimal_steps = 0;
  // Those of old versions of the policy count for less.
  double tries = 0;
  double successes = 0;
  // Of all versions, each in full.
  double all_tries = 0;
};

struct CurriculumOptions {
  // A length counts as solved when this share of its tries succeeded...
  double widen_success = 0.15;
  // ...of at least this many tries.
  double widen_tries = 8;
  // A length that stays unsolved after so many tries a task is passed too: some tasks are beyond a policy.
  double patience_tries_per_task = 10;
  // Weight added for a task without tries; falls with the root of the tries.
  double exploration = 0.5;
  // Least weight, so that what was solved is not forgotten.
  double floor = 0.05;
};

// The longest length to draw from: every shorter one is solved (or was tried often enough), or was so when a longer one
// was drawn and has too few tries since to say otherwise. 0 if only unknown lengths are left to draw from, or nothing at
// all.
int FrontierSteps(const std::vector<Candidate>& candidates, const CurriculumOptions& options = {});

// 4p(1-p) of the posterior mean success p, plus exploration: highest for tasks that are sometimes solved and for new
// ones. Greater than 0.
double CurriculumWeight(const Candidate& candidate, const CurriculumOptions& options = {});

// At most `count` different candidates within the frontier, drawn by weight (Efraimidis and Spirakis 2006, algorithm
// A-Res). The same seed and candidates give the same draw, in whatever order the candidates come.
std::vector<std::string> DrawCurriculum(const std::vector<Candidate>& candidates, int count, uint64_t seed,
                                        const CurriculumOptions& options = {});

// At most `count` different candidates, all equally likely; reproducible likewise.
std::vector<std::string> DrawUniform(const std::vector<Candidate>& candidates, int count, uint64_t seed);

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_CURRICULUM_H_
