#include "clients/cli/measurement_text.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace proctor::cli {
namespace {

// Of 2 verdicts on 5 trajectories.
v1::EvaluatorMeasurement MakeMeasurement() {
  v1::EvaluatorMeasurement measurement;
  measurement.set_evaluator("evaluators/pae");
  measurement.set_trajectories(5);
  measurement.mutable_measures()->set_episodes(2);
  return measurement;
}

TEST(MeasurementTextTest, ACorrectedRateSaysHowItsTruthsWereChosen) {
  v1::EvaluatorMeasurement measurement = MakeMeasurement();
  v1::CorrectedSuccessRate& rate = *measurement.add_corrected();
  rate.set_episodes(2);
  rate.mutable_rate()->set_value(1);
  rate.mutable_rate()->set_biased(true);
  EXPECT_TRUE(absl::StrContains(MeasurementText(measurement), "2 verdicts, truths chosen by hand\n")) << MeasurementText(measurement);
  rate.mutable_rate()->set_biased(false);
  EXPECT_TRUE(absl::StrContains(MeasurementText(measurement), "2 verdicts, 0 truths drawn\n"));
  rate.set_labels(1);
  EXPECT_TRUE(absl::StrContains(MeasurementText(measurement), "2 verdicts, 1 truths drawn\n"));
}

TEST(MeasurementStatusTest, SaysWhatIsMissingWhereNothingCouldBeMeasured) {
  v1::EvaluatorMeasurement measurement = MakeMeasurement();
  EXPECT_TRUE(MeasurementStatus(measurement).ok());
  measurement.mutable_measures()->set_episodes(0);
  EXPECT_EQ(MeasurementStatus(measurement),
            absl::FailedPreconditionError("nothing was measured: no trajectory that is chosen has a verdict of evaluators/pae; "
                                          "proctor rescore --evaluator pae makes them"));
  measurement.set_trajectories(0);
  EXPECT_EQ(MeasurementStatus(measurement), absl::FailedPreconditionError("nothing was measured: no closed trajectory is chosen"));
}

TEST(MeasurementStatusTest, AComparisonNeedsVerdictsOfBoth) {
  v1::EvaluatorMeasurement measurement = MakeMeasurement();
  measurement.mutable_paired()->set_other("evaluators/webjudge");
  EXPECT_EQ(MeasurementStatus(measurement),
            absl::FailedPreconditionError("nothing was compared: no trajectory that is chosen has verdicts of evaluators/pae and evaluators/webjudge "
                                          "that decide, or no truth is clear and all of these say the same"));
  measurement.mutable_paired()->add_differing("trajectories/a");
  EXPECT_TRUE(MeasurementStatus(measurement).ok());
  measurement.mutable_paired()->clear_differing();
  measurement.mutable_paired()->set_both_wrong(1);
  EXPECT_TRUE(MeasurementStatus(measurement).ok());
}

TEST(MeasurementStatusTest, AnAgreementNeedsNoTruth) {
  v1::EvaluatorMeasurement measurement = MakeMeasurement();
  measurement.mutable_paired()->set_other("evaluators/webjudge");
  measurement.mutable_paired()->mutable_kappa()->set_value(1);
  EXPECT_TRUE(MeasurementStatus(measurement).ok());
}

}  // namespace
}  // namespace proctor::cli
