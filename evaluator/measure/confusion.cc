#include "evaluator/measure/confusion.h"

namespace proctor::evaluator {
namespace {

std::optional<double> Ratio(double part, double whole) {
  if (!(whole > 0)) return std::nullopt;
  return part / whole;
}

}  // namespace

std::array<Confusion, 4> OneInEachCell(double weight) {
  std::array<Confusion, 4> cells;
  cells[0].true_success = weight;
  cells[1].false_success = weight;
  cells[2].false_failure = weight;
  cells[3].true_failure = weight;
  return cells;
}

bool IsDecided(JudgeOutcome outcome) {
  return outcome == JudgeOutcome::kSuccess || outcome == JudgeOutcome::kFailure;
}

void Confusion::Add(JudgeOutcome outcome, Truth truth, double weight) {
  if (!IsDecided(outcome) || truth == Truth::kUnclear) return;
  const bool said = outcome == JudgeOutcome::kSuccess;
  const bool right = said == (truth == Truth::kSuccess);
  double& cell =
      said ? (right ? true_success : false_success) : (right ? true_failure : false_failure);
  cell += weight;
}

std::optional<double> Accuracy(const Confusion& c) {
  return Ratio(c.true_success + c.true_failure, c.total());
}

std::optional<double> Precision(const Confusion& c) {
  return Ratio(c.true_success, c.true_success + c.false_success);
}

std::optional<double> Recall(const Confusion& c) {
  return Ratio(c.true_success, c.true_success + c.false_failure);
}

std::optional<double> Specificity(const Confusion& c) {
  return Ratio(c.true_failure, c.true_failure + c.false_success);
}

std::optional<double> F1(const Confusion& c) {
  return Ratio(2 * c.true_success, 2 * c.true_success + c.false_success + c.false_failure);
}

std::optional<double> CohenKappa(const Confusion& c) {
  const double n = c.total();
  if (!(n > 0)) return std::nullopt;
  const double judge = (c.true_success + c.false_success) / n;
  const double truth = (c.true_success + c.false_failure) / n;
  // 1 - chance agreement, written so that it is exactly 0 if both are constant and alike.
  const double beyond = judge * (1 - truth) + (1 - judge) * truth;
  if (!(beyond > 0)) return std::nullopt;
  return 1 - (c.false_success + c.false_failure) / n / beyond;
}

}  // namespace proctor::evaluator
