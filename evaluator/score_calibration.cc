#include "evaluator/score_calibration.h"

#include <cmath>

#include "evaluator/judge/vote.h"
#include "evaluator/score.h"

namespace proctor::evaluator {
namespace {

constexpr int kMaxPoints = 10'000;

bool IsShare(double value) { return value >= 0 && value <= 1; }

absl::Status ValidateIsotonic(const v1::IsotonicScaling& scaling) {
  if (scaling.scores_size() < 1 || scaling.scores_size() > kMaxPoints || scaling.scores_size() != scaling.values_size()) {
    return absl::InvalidArgumentError("calibration.isotonic: 1 to 10,000 scores, and as many values, are needed");
  }
  for (int i = 0; i < scaling.scores_size(); ++i) {
    const bool rises = i == 0 || (scaling.scores(i) > scaling.scores(i - 1) && scaling.values(i) >= scaling.values(i - 1));
    if (!IsShare(scaling.scores(i)) || !IsShare(scaling.values(i)) || !rises) {
      return absl::InvalidArgumentError("calibration.isotonic: scores must rise, values must not fall, all in [0, 1]");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateCalibration(const v1::Calibration& calibration) {
  switch (calibration.kind_case()) {
    case v1::Calibration::kPlatt:
      if (std::isfinite(calibration.platt().slope()) && std::isfinite(calibration.platt().intercept())) return absl::OkStatus();
      return absl::InvalidArgumentError("calibration.platt: slope and intercept must be finite");
    case v1::Calibration::kIsotonic:
      return ValidateIsotonic(calibration.isotonic());
    case v1::Calibration::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("calibration needs a kind: platt or isotonic");
}

double Calibrated(const v1::Calibration& calibration, double score) {
  if (calibration.has_platt()) {
    return PlattScaling{calibration.platt().slope(), calibration.platt().intercept()}.Apply(score);
  }
  const v1::IsotonicScaling& points = calibration.isotonic();
  return IsotonicScaling{{points.scores().begin(), points.scores().end()}, {points.values().begin(), points.values().end()}}
      .Apply(score);
}

void Calibrate(const v1::Calibration& calibration, double success_threshold, v1::Verdict* verdict) {
  if (!Decided(*verdict)) return;
  const double probability = Calibrated(calibration, verdict->score());
  const bool success = Reaches(probability, success_threshold);
  verdict->set_score(probability);
  verdict->set_outcome(success ? v1::OUTCOME_SUCCESS : v1::OUTCOME_FAILURE);
  verdict->set_confidence(success ? probability : 1 - probability);
}

v1::Calibration ToMessage(const PlattScaling& scaling) {
  v1::Calibration calibration;
  calibration.mutable_platt()->set_slope(scaling.slope);
  calibration.mutable_platt()->set_intercept(scaling.intercept);
  return calibration;
}

v1::Calibration ToMessage(const IsotonicScaling& scaling) {
  v1::Calibration calibration;
  for (const double score : scaling.scores) calibration.mutable_isotonic()->add_scores(score);
  for (const double value : scaling.values) calibration.mutable_isotonic()->add_values(value);
  return calibration;
}

}  // namespace proctor::evaluator
