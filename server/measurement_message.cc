#include "server/measurement_message.h"

#include "common/proto_time.h"

namespace proctor::server {
namespace {

v1::Estimate ToMessage(const evaluator::Estimate& estimate) {
  v1::Estimate message;
  if (estimate.value.has_value()) message.set_value(*estimate.value);
  if (estimate.interval.has_value()) {
    message.set_low(estimate.interval->low);
    message.set_high(estimate.interval->high);
  }
  message.set_biased(estimate.biased);
  return message;
}

v1::ReliabilityBin ToMessage(const evaluator::ReliabilityBin& bin) {
  v1::ReliabilityBin message;
  message.set_low(bin.low);
  message.set_high(bin.high);
  message.set_count(static_cast<int64_t>(bin.count));
  if (bin.mean_score.has_value()) message.set_mean_score(*bin.mean_score);
  if (bin.success_rate.has_value()) message.set_success_rate(*bin.success_rate);
  return message;
}

void SetConfusion(const evaluator::Confusion& cells, v1::ConfusionMatrix* message) {
  message->set_true_success(cells.true_success);
  message->set_false_success(cells.false_success);
  message->set_false_failure(cells.false_failure);
  message->set_true_failure(cells.true_failure);
}

void SetCalibration(const evaluator::JudgeReport& report, v1::JudgeMeasures* message) {
  if (report.reliability.expected_error.has_value()) message->set_calibration_error(*report.reliability.expected_error);
  if (report.reliability.brier.has_value()) message->set_brier(*report.reliability.brier);
  for (const evaluator::ReliabilityBin& bin : report.reliability.bins) *message->add_reliability() = ToMessage(bin);
}

void SetCosts(const evaluator::JudgeReport& report, v1::JudgeMeasures* message) {
  if (report.cost.mean.has_value()) message->set_mean_cost_usd(*report.cost.mean);
  if (report.latency.p50.has_value()) *message->mutable_median_latency() = ToProto(*report.latency.p50);
  if (report.latency.p95.has_value()) *message->mutable_p95_latency() = ToProto(*report.latency.p95);
}

}  // namespace

v1::JudgeMeasures ToMessage(const evaluator::JudgeReport& report) {
  v1::JudgeMeasures message;
  message.set_episodes(static_cast<int64_t>(report.episodes));
  message.set_labels(static_cast<int64_t>(report.labels));
  message.set_by_hand(static_cast<int64_t>(report.by_hand));
  message.set_unclear(static_cast<int64_t>(report.unclear));
  *message.mutable_undetermined() = ToMessage(report.undetermined);
  *message.mutable_invalid() = ToMessage(report.invalid);
  SetConfusion(report.confusion, message.mutable_confusion());
  *message.mutable_accuracy() = ToMessage(report.accuracy);
  *message.mutable_precision() = ToMessage(report.precision);
  *message.mutable_recall() = ToMessage(report.recall);
  *message.mutable_specificity() = ToMessage(report.specificity);
  *message.mutable_f1() = ToMessage(report.f1);
  *message.mutable_kappa() = ToMessage(report.kappa);
  if (report.consistency.agreement.has_value()) message.set_consistency(*report.consistency.agreement);
  SetCalibration(report, &message);
  SetCosts(report, &message);
  return message;
}

v1::CorrectedSuccessRate ToMessage(const evaluator::CorrectedRate& rate) {
  v1::CorrectedSuccessRate message;
  *message.mutable_rate() = ToMessage(rate.rate);
  if (rate.judge_rate.has_value()) message.set_judge_rate(*rate.judge_rate);
  message.set_episodes(static_cast<int64_t>(rate.episodes));
  message.set_labels(static_cast<int64_t>(rate.labels));
  if (rate.effective_labels.has_value()) message.set_effective_labels(*rate.effective_labels);
  if (rate.worst_case.has_value()) {
    message.set_worst_case_low(rate.worst_case->low);
    message.set_worst_case_high(rate.worst_case->high);
  }
  if (rate.width_with_twice_labels.has_value()) message.set_width_with_twice_labels(*rate.width_with_twice_labels);
  if (rate.width_with_twice_episodes.has_value()) {
    message.set_width_with_twice_episodes(*rate.width_with_twice_episodes);
  }
  return message;
}

v1::PairedMeasures ToMessage(const evaluator::PairedComparison& comparison) {
  v1::PairedMeasures message;
  message.set_both_right(static_cast<int64_t>(comparison.both_right));
  message.set_only_first_right(static_cast<int64_t>(comparison.only_first_right));
  message.set_only_second_right(static_cast<int64_t>(comparison.only_second_right));
  message.set_both_wrong(static_cast<int64_t>(comparison.both_wrong));
  *message.mutable_accuracy_difference() = ToMessage(comparison.accuracy_difference);
  if (comparison.p_value.has_value()) message.set_p_value(*comparison.p_value);
  *message.mutable_kappa() = ToMessage(comparison.kappa);
  return message;
}

}  // namespace proctor::server
