// What a judge gets right and wrong, as weights of four cells, and the measures made of them.
// "Positive" is SUCCESS.
#ifndef PROCTOR_EVALUATOR_MEASURE_CONFUSION_H_
#define PROCTOR_EVALUATOR_MEASURE_CONFUSION_H_

#include <array>
#include <optional>

#include "evaluator/measure/judged_episode.h"

namespace proctor::evaluator {

// Counts, or sums of weights: not negative. Unclear truths and undecided verdicts have no cell.
struct Confusion {
  // Named by what the judge said.
  double true_success = 0;
  double false_success = 0;
  double false_failure = 0;
  double true_failure = 0;

  double total() const { return true_success + false_success + false_failure + true_failure; }

  // Adds `weight` to the cell; nothing if the verdict is undecided or the truth unclear.
  void Add(JudgeOutcome outcome, Truth truth, double weight);
};

// Four observations of that weight, each in another cell.
std::array<Confusion, 4> OneInEachCell(double weight);

// Whether the verdict is SUCCESS or FAILURE.
bool IsDecided(JudgeOutcome outcome);

// All in [0, 1]; nullopt where the denominator is 0 (nothing judged SUCCESS, no true success, ...).
std::optional<double> Accuracy(const Confusion& cells);
std::optional<double> Precision(const Confusion& cells);
std::optional<double> Recall(const Confusion& cells);
std::optional<double> Specificity(const Confusion& cells);
// Harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn).
std::optional<double> F1(const Confusion& cells);

// J. Cohen (1960): agreement beyond chance, in [-1, 1]. The two raters are exchangeable. nullopt:
// no data, or both raters give one and the same answer always (chance agreement is 1).
std::optional<double> CohenKappa(const Confusion& cells);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_MEASURE_CONFUSION_H_
