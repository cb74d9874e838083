#include "server/measurement_message.h"

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "common/proto_time.h"
#include "gtest/gtest.h"

namespace proctor::server {
namespace {

// Numbers that no two fields share: 1, 2, 3, ...
class Numbers {
 public:
  double Next() { return ++last_; }
  size_t NextCount() { return static_cast<size_t>(++last_); }
  evaluator::Estimate NextEstimate() {
    evaluator::Estimate estimate;
    estimate.value = Next();
    estimate.interval = evaluator::Interval{.low = Next(), .high = Next()};
    return estimate;
  }

 private:
  int last_ = 0;
};

size_t Count(int64_t count) { return static_cast<size_t>(count); }

void ExpectSame(const v1::Estimate& message, const evaluator::Estimate& estimate) {
  EXPECT_EQ(message.value(), estimate.value);
  EXPECT_EQ(message.low(), estimate.interval->low);
  EXPECT_EQ(message.high(), estimate.interval->high);
  EXPECT_EQ(message.biased(), estimate.biased);
}

TEST(MeasurementMessageTest, EachMeasureOfAJudgeIsItsOwn) {
  Numbers numbers;
  evaluator::JudgeReport report;
  report.episodes = numbers.NextCount();
  report.labels = numbers.NextCount();
  report.by_hand = numbers.NextCount();
  report.unclear = numbers.NextCount();
  report.confusion = {.true_success = numbers.Next(), .false_success = numbers.Next(), .false_failure = numbers.Next(), .true_failure = numbers.Next()};
  for (evaluator::Estimate* estimate : {&report.undetermined, &report.invalid, &report.accuracy, &report.precision, &report.recall,
                                        &report.specificity, &report.f1, &report.kappa}) {
    *estimate = numbers.NextEstimate();
  }
  report.kappa.biased = true;
  report.consistency.agreement = numbers.Next();
  report.consistency.unanimous = numbers.Next();
  report.reliability.expected_error = numbers.Next();
  report.reliability.brier = numbers.Next();
  report.reliability.bins.push_back({.low = numbers.Next(), .high = numbers.Next(), .count = numbers.NextCount(), .weight = numbers.Next(),
                                     .mean_score = numbers.Next(), .success_rate = numbers.Next()});
  report.reliability.bins.emplace_back();
  report.cost = {.count = numbers.NextCount(), .mean = numbers.Next(), .p50 = numbers.Next(), .p95 = numbers.Next()};
  report.latency = {.count = numbers.NextCount(), .mean = absl::Seconds(numbers.Next()), .p50 = absl::Seconds(numbers.Next()), .p95 = absl::Seconds(numbers.Next())};

  const v1::JudgeMeasures message = ToMessage(report);
  EXPECT_EQ(Count(message.episodes()), report.episodes);
  EXPECT_EQ(Count(message.labels()), report.labels);
  EXPECT_EQ(Count(message.by_hand()), report.by_hand);
  EXPECT_EQ(Count(message.unclear()), report.unclear);
  EXPECT_EQ(message.confusion().true_success(), report.confusion.true_success);
  EXPECT_EQ(message.confusion().false_success(), report.confusion.false_success);
  EXPECT_EQ(message.confusion().false_failure(), report.confusion.false_failure);
  EXPECT_EQ(message.confusion().true_failure(), report.confusion.true_failure);
  ExpectSame(message.undetermined(), report.undetermined);
  ExpectSame(message.invalid(), report.invalid);
  ExpectSame(message.accuracy(), report.accuracy);
  ExpectSame(message.precision(), report.precision);
  ExpectSame(message.recall(), report.recall);
  ExpectSame(message.specificity(), report.specificity);
  ExpectSame(message.f1(), report.f1);
  ExpectSame(message.kappa(), report.kappa);
  EXPECT_EQ(message.consistency(), report.consistency.agreement);
  EXPECT_EQ(message.calibration_error(), report.reliability.expected_error);
  EXPECT_EQ(message.brier(), report.reliability.brier);
  ASSERT_EQ(message.reliability_size(), 2);
  const evaluator::ReliabilityBin& bin = report.reliability.bins[0];
  EXPECT_EQ(message.reliability(0).low(), bin.low);
  EXPECT_EQ(message.reliability(0).high(), bin.high);
  EXPECT_EQ(Count(message.reliability(0).count()), bin.count);
  EXPECT_EQ(message.reliability(0).mean_score(), bin.mean_score);
  EXPECT_EQ(message.reliability(0).success_rate(), bin.success_rate);
  EXPECT_FALSE(message.reliability(1).has_mean_score());
  EXPECT_FALSE(message.reliability(1).has_success_rate());
  EXPECT_EQ(message.mean_cost_usd(), report.cost.mean);
  EXPECT_EQ(FromProto(message.median_latency()), report.latency.p50);
  EXPECT_EQ(FromProto(message.p95_latency()), report.latency.p95);
}

TEST(MeasurementMessageTest, WhatIsNotKnownIsNotThere) {
  const v1::JudgeMeasures message = ToMessage(evaluator::JudgeReport());
  for (const v1::Estimate* estimate : {&message.undetermined(), &message.accuracy(), &message.kappa()}) {
    EXPECT_FALSE(estimate->has_value() || estimate->has_low() || estimate->has_high());
  }
  EXPECT_FALSE(message.has_consistency());
  EXPECT_FALSE(message.has_calibration_error());
  EXPECT_FALSE(message.has_brier());
  EXPECT_FALSE(message.has_mean_cost_usd());
  EXPECT_FALSE(message.has_median_latency());
  EXPECT_FALSE(message.has_p95_latency());
  const v1::CorrectedSuccessRate rate = ToMessage(evaluator::CorrectedRate());
  EXPECT_FALSE(rate.has_judge_rate() || rate.has_effective_labels() || rate.has_worst_case_low() || rate.has_worst_case_high() ||
               rate.has_width_with_twice_labels() || rate.has_width_with_twice_episodes());
  EXPECT_FALSE(ToMessage(evaluator::PairedComparison()).has_p_value());
}

TEST(MeasurementMessageTest, EachNumberOfACorrectedRateIsItsOwn) {
  Numbers numbers;
  evaluator::CorrectedRate rate;
  rate.rate = numbers.NextEstimate();
  rate.worst_case = evaluator::Interval{.low = numbers.Next(), .high = numbers.Next()};
  rate.judge_rate = numbers.Next();
  rate.episodes = numbers.NextCount();
  rate.labels = numbers.NextCount();
  rate.unclear = numbers.NextCount();
  rate.by_hand = numbers.NextCount();
  rate.effective_labels = numbers.Next();
  rate.design_effect = numbers.Next();
  rate.width_with_twice_labels = numbers.Next();
  rate.width_with_twice_episodes = numbers.Next();

  const v1::CorrectedSuccessRate message = ToMessage(rate);
  ExpectSame(message.rate(), rate.rate);
  EXPECT_EQ(message.worst_case_low(), rate.worst_case->low);
  EXPECT_EQ(message.worst_case_high(), rate.worst_case->high);
  EXPECT_EQ(message.judge_rate(), rate.judge_rate);
  EXPECT_EQ(Count(message.episodes()), rate.episodes);
  EXPECT_EQ(Count(message.labels()), rate.labels);
  EXPECT_EQ(message.effective_labels(), rate.effective_labels);
  EXPECT_EQ(message.width_with_twice_labels(), rate.width_with_twice_labels);
  EXPECT_EQ(message.width_with_twice_episodes(), rate.width_with_twice_episodes);
}

TEST(MeasurementMessageTest, EachNumberOfAComparisonIsItsOwn) {
  Numbers numbers;
  evaluator::PairedComparison comparison;
  comparison.both_right = numbers.NextCount();
  comparison.only_first_right = numbers.NextCount();
  comparison.only_second_right = numbers.NextCount();
  comparison.both_wrong = numbers.NextCount();
  comparison.accuracy_difference = numbers.NextEstimate();
  comparison.p_value = numbers.Next();
  comparison.kappa = numbers.NextEstimate();

  const v1::PairedMeasures message = ToMessage(comparison);
  EXPECT_EQ(Count(message.both_right()), comparison.both_right);
  EXPECT_EQ(Count(message.only_first_right()), comparison.only_first_right);
  EXPECT_EQ(Count(message.only_second_right()), comparison.only_second_right);
  EXPECT_EQ(Count(message.both_wrong()), comparison.both_wrong);
  ExpectSame(message.accuracy_difference(), comparison.accuracy_difference);
  EXPECT_EQ(message.p_value(), comparison.p_value);
  ExpectSame(message.kappa(), comparison.kappa);
}

}  // namespace
}  // namespace proctor::server
